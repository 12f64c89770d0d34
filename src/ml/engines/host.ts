/**
 * Entry of a child process that runs native code for an engine pool: calls come over IPC, one at a time.
 * Arguments: the bytes that matrices may take between calls, and the threads of a call that any number of them may share.
 */
import koffi from 'koffi';
import { PerdureError, messageOf } from '../../errors.js';
import { Engine } from './engine.js';
import type { HostCall, HostReply } from './hostProtocol.js';
import { LightGbmLibrary } from './lightgbm.js';
import { libraryPath } from './library.js';
import { XgBoostLibrary } from './xgboostTraining.js';

const LIBRARIES = { libxgboost: XgBoostLibrary, lib_lightgbm: LightGbmLibrary };

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

dieWithParent();
// Ctrl-C and the like reach the whole group: whoever works with this process decides what becomes of it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
const [cacheBytes, threads] = process.argv.slice(2).map(Number) as [number, number];
let engine: Engine | undefined;

process.on('message', (call: HostCall) => {
  void answer(call).then((reply) => process.send!(reply));
});

async function answer({ method, request }: HostCall): Promise<HostReply> {
  try {
    engine ??= new Engine((name) => new LIBRARIES[name](libraryPath(name)), cacheBytes, threads);
    return { ok: true, value: await engine[method](request as never) };
  } catch (error) {
    return { ok: false, type: error instanceof PerdureError ? error.type : 'EngineFailed', message: messageOf(error) };
  }
}

/** An orphan has nobody to work for: Linux kills it at once, elsewhere it ends when its native call returns. */
function dieWithParent(): void {
  process.on('disconnect', () => process.exit());
  if (process.platform !== 'linux') return;
  const prctl = koffi
    .load(null)
    .func('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)');
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (!process.connected) process.exit();
}
