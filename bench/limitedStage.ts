import { join } from 'node:path';
import { packageFolder } from '../src/config/load.js';
import { stageHeap } from '../src/sizes/resources.js';
import { formatSize, type WorkerSize } from '../src/sizes/workerSize.js';
import type { Stage } from '../src/stages/context.js';
import type { STAGES } from '../src/stages/index.js';
import { heapOption } from '../src/temporal/heap.js';
import { createMemoryGroup } from './memoryGroup.js';
import { measure } from './processTree.js';

type Stages = typeof STAGES;
type InputOf<Name extends keyof Stages> = Stages[Name] extends Stage<infer Input, unknown> ? Input : never;
type OutputOf<Name extends keyof Stages> = Awaited<ReturnType<Stages[Name]>>;

export interface LimitedRun<Output> {
  results: Output[];
  /** Of the whole process, its start included. */
  seconds: number;
  /** Largest number of bytes that the process and its engine hosts held at one moment. */
  peak: number;
}

/**
 * Runs a stage in a process of its own at a worker's size, once for each input, side by side. Where this user may make
 * control groups the kernel holds the process and its engine hosts to the size's memory; elsewhere it is only watched.
 *
 * @throws Error where the process fails or is killed
 */
export async function runLimited<Name extends keyof Stages>(
  name: Name,
  inputs: InputOf<Name>[],
  { size, storeRoot, cwd, env }: { size: WorkerSize; storeRoot: string; cwd: string; env?: NodeJS.ProcessEnv },
): Promise<LimitedRun<OutputOf<Name>>> {
  const group = createMemoryGroup(size.memory);
  const script = join(packageFolder(), 'dist', 'bench', 'stageProcess.js');
  const command = [
    ...(group?.enter ?? []),
    process.execPath,
    heapOption(stageHeap(size)),
    script,
    formatSize(size),
    storeRoot,
    name,
    JSON.stringify(inputs),
  ];
  try {
    const { seconds, stdout, peaks } = await measure(command[0]!, command.slice(1), {
      cwd,
      env,
      ...(group ? { used: () => group.used() } : { nameOf: (line) => (line.includes(script) ? 'stage' : undefined) }),
    });
    return { results: JSON.parse(stdout) as OutputOf<Name>[], seconds, peak: peaks.stage ?? NaN };
  } finally {
    group?.remove();
  }
}
