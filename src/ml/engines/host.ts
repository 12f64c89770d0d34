/**
 * Entry of a child process that runs native code for an engine pool: calls come over IPC, one at a time.
 * Arguments: the bytes that matrices may take between calls, and the threads of a call that any number of them may share.
 */
import type { Progress } from '../../contracts/index.js';
import { PerdureError, messageOf } from '../../errors.js';
import type { Library } from './binding.js';
import { Engine } from './engine.js';
import type { HostCall, HostNews, HostReply } from './hostProtocol.js';
import { LightGbmLibrary } from './lightgbm.js';
import { libraryPath } from './library.js';
import { dieWithParent } from './processControl.js';
import { XgBoostLibrary } from './xgboostTraining.js';

const LIBRARIES = {
  libxgboost: () => new XgBoostLibrary(libraryPath('libxgboost')),
  lib_lightgbm: () => new LightGbmLibrary(libraryPath('lib_lightgbm')),
  tfjs: openNetworks,
  script: openScripts,
};

dieWithParent();
// Ctrl-C and the like reach the whole group: whoever works with this process decides what becomes of it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
const [cacheBytes, threads] = process.argv.slice(2).map(Number) as [number, number];
let engine: Engine | undefined;

process.on('message', (call: HostCall) => {
  void answer(call).then((reply) => process.send!(reply));
});

/** Loaded where there is a network: most hosts have none. */
async function openNetworks(): Promise<Library> {
  const { NetworkLibrary } = await import('./network/networkLibrary.js');
  return NetworkLibrary.open(tell);
}

/** Loaded where there is a script: most hosts have none. */
async function openScripts(): Promise<Library> {
  const { ScriptLibrary } = await import('./script/scriptLibrary.js');
  return new ScriptLibrary(tell);
}

function tell(progress: Progress): void {
  process.send!({ progress } satisfies HostNews);
}

async function answer({ method, request, memory }: HostCall): Promise<HostReply> {
  try {
    engine ??= new Engine((name) => LIBRARIES[name](), cacheBytes, threads);
    engine.memory = memory;
    return { ok: true, value: await engine[method](request as never) };
  } catch (error) {
    return { ok: false, type: error instanceof PerdureError ? error.type : 'EngineFailed', message: messageOf(error) };
  }
}
