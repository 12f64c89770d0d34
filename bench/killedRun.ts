import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadPipeline } from '../src/config/load.js';
import { packageFolder } from '../src/package.js';
import { predictionsFiles } from '../src/data/predictions.js';
import { aliasKey, readPointer } from '../src/registry/pointers.js';
import { CHAMPION } from '../src/registry/aliases.js';
import { listVersions } from '../src/registry/versionIndex.js';
import { openStores } from '../src/platform/storage/stores.js';
import { isAlive } from '../src/platform/programs/command.js';
import { processesBelow, type Process } from './processTree.js';

/** Who is killed: one process of a run, or all in turn. */
export const VICTIMS = ['command', 'server', 'orchestrator', 'data-processing', 'model-training', 'together'] as const;
export type Victim = (typeof VICTIMS)[number];

/** `perdure run` in a folder of its own. */
export interface Command {
  child: ChildProcess;
  /** What it said so far on stderr. */
  said(): string;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>;
}

export interface CommandOptions {
  folder: string;
  /** The folder of pipelines. */
  conf: string;
  args: string[];
  /** Whether it leads a process group of its own, as what a shell starts does. */
  detached?: boolean;
}

export function startCommand({ folder, conf, args, detached }: CommandOptions): Command {
  const others = Object.entries(process.env).filter(
    ([name]) => !/^(TEMPORAL_|PERDURE_STORE$|ENVIRONMENT$|ALGORITHM$)/.test(name),
  );
  const env = {
    ...Object.fromEntries(others),
    PERDURE_CONF: conf,
    TEMPORAL_CONFIG_FILE: join(folder, 'no-temporal.toml'),
  };
  const child = spawn(process.execPath, [join(packageFolder(), 'dist/src/cli/main.js'), ...args], {
    cwd: folder,
    env,
    detached,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, signal: child.signalCode, stderr }));
  return { child, said: () => stderr, ended };
}

const NAMES: [RegExp, Victim][] = [
  [/server start-dev/, 'server'],
  [/workers\/orchestrator\.js/, 'orchestrator'],
  [/workers\/dataProcessing\.js/, 'data-processing'],
  [/workers\/modelTraining\.js/, 'model-training'],
];

/**
 * Sends SIGKILL to a process of the command, or to all of its processes in one moment. Returns whether there was one to
 * kill, and the numbers of all that were there.
 */
export async function kill(command: Command, victim: Victim): Promise<{ killed: boolean; pids: number[] }> {
  const root = command.child.pid!;
  const below = await processesBelow(root);
  const pids = [root, ...below.map(({ pid }) => pid)];
  if (command.child.exitCode !== null) return { killed: false, pids };
  const chosen =
    victim === 'command'
      ? [root]
      : victim === 'together'
        ? pids
        : below.filter((process) => isVictim(process, victim)).map(({ pid }) => pid);
  return { killed: chosen.map(killOne).includes(true), pids };
}

/** Sends SIGKILL to a process; returns whether it was there, as it may have ended since it was listed. */
function killOne(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}

/**
 * Stops a worker of the command in the middle of whatever it does, so that what needs it lasts until the function that is
 * returned lets it go on. A worker whose command was killed meanwhile ends only after that.
 */
export async function hold(command: Command, victim: Victim): Promise<() => void> {
  const held = (await processesBelow(command.child.pid!)).filter((process) => isVictim(process, victim));
  if (held.length === 0) throw new Error(`there is no ${victim} to hold`);
  for (const { pid } of held) process.kill(pid, 'SIGSTOP');
  return () => {
    for (const { pid } of held) if (isAlive(pid)) process.kill(pid, 'SIGCONT');
  };
}

/** The helper that watches over the server has the same command line, but is a shell. */
function isVictim({ commandLine }: Process, victim: Victim): boolean {
  return (
    !/^\/bin\/sh /.test(commandLine) && NAMES.some(([pattern, name]) => name === victim && pattern.test(commandLine))
  );
}

/** How long a worker takes at most to end after its parent was killed. */
const LEFT_BEHIND_MS = 40_000;

/** Those of the processes that go on for ever without their command. */
export async function leftBehind(pids: number[]): Promise<number[]> {
  for (const deadline = Date.now() + LEFT_BEHIND_MS; Date.now() < deadline; await sleep(100)) {
    if (!pids.some(isAlive)) return [];
  }
  return pids.filter(isAlive);
}

/** What a run leaves in the store, without the names and times that differ between runs. */
export interface Registry {
  /** Checksums of the models that are registered, by algorithm. */
  models: Record<string, string[]>;
  champion: string | null;
  /** Rows that are predicted. */
  predictions: number;
}

export async function registryOf(folder: string, conf: string, name: string): Promise<Registry> {
  const pipeline = await loadPipeline(name, { ...process.env, PERDURE_CONF: conf });
  const { modelRegistry, predictions } = (await openStores(join(folder, '.perdure', 'store')))(pipeline);
  const { algorithms } = pipeline.config.training_config;
  const versions = (await Promise.all(algorithms.map((algorithm) => listVersions(modelRegistry, algorithm)))).flat();
  const pointer = await readPointer(modelRegistry, aliasKey(CHAMPION));
  const champion = versions.find(
    ({ algorithm, version }) => algorithm === pointer?.algorithm && version === pointer.version,
  );
  const sumsOf = (name: string) =>
    versions.filter(({ algorithm }) => algorithm === name).map(({ model_checksum }) => model_checksum);
  return {
    models: Object.fromEntries(algorithms.map((algorithm) => [algorithm, [...new Set(sumsOf(algorithm))].sort()])),
    champion: champion ? `${champion.algorithm} ${champion.model_checksum}` : null,
    predictions: (await predictionsFiles(predictions)).reduce((sum, { rows }) => sum + rows, 0),
  };
}
