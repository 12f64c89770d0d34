import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../src/package.js';
import { stageHeap } from '../src/platform/resources/limits.js';
import { formatResources, type Resources } from '../src/platform/resources/resources.js';
import type { Stage } from '../src/stages/context.js';
import type { STAGES } from '../src/stages/index.js';
import { scratchRoot } from '../src/platform/storage/stores.js';
import { heapOption } from '../src/platform/temporal/heap.js';
import { createMemoryGroup } from './memoryGroup.js';
import { measure } from './processTree.js';

type Stages = typeof STAGES;
export type StageName = keyof Stages;
export type InputOf<Name extends StageName> = Stages[Name] extends Stage<infer Input, unknown> ? Input : never;
export type OutputOf<Name extends StageName> = Awaited<ReturnType<Stages[Name]>>;

export interface LimitedRun<Output> {
  results: Output[];
  /** Of the whole process, its start included. */
  seconds: number;
  /** Largest number of bytes that the process and its engine hosts held at one moment. */
  peak: number;
  /** Whether the kernel held it to the memory; elsewhere it was only watched. */
  held: boolean;
  /** Largest number of bytes that DuckDB had spilled to disk at one moment. */
  spilled: number;
}

/**
 * Runs a stage in a process of its own at a worker's resources, once for each input, side by side. Where this user may make
 * control groups the kernel holds the process and its engine hosts to their memory; elsewhere it is only watched.
 *
 * @throws Error where the process fails or is killed
 */
export async function runLimited<Name extends StageName>(
  name: Name,
  inputs: InputOf<Name>[],
  { resources, storeRoot, cwd }: { resources: Resources; storeRoot: string; cwd: string },
): Promise<LimitedRun<OutputOf<Name>>> {
  const group = createMemoryGroup(resources.memory);
  const script = join(packageFolder(), 'dist', 'bench', 'stageProcess.js');
  const command = [
    ...(group?.enter ?? []),
    process.execPath,
    heapOption(stageHeap(resources)),
    script,
    formatResources(resources),
    storeRoot,
    name,
    JSON.stringify(inputs),
  ];
  const scratch = scratchRoot(storeRoot);
  try {
    const { seconds, stdout, peaks } = await measure(command[0]!, command.slice(1), {
      cwd,
      gauges: { spilled: () => spilledBytes(scratch), ...(group ? { memory: () => group.used() } : {}) },
      ...(group ? {} : { nameOf: (line) => (line.includes(script) ? 'memory' : undefined) }),
    });
    return {
      results: JSON.parse(stdout) as OutputOf<Name>[],
      seconds,
      peak: peaks.memory ?? NaN,
      held: group !== undefined,
      spilled: peaks.spilled ?? NaN,
    };
  } finally {
    group?.remove();
  }
}

/** Bytes in the folders that the stages at work have for their databases. */
function spilledBytes(scratch: string): number {
  const folders = filesOf(scratch).map((stage) => join(scratch, stage, 'duckdb'));
  const files = folders.flatMap((folder) => filesOf(folder).map((file) => join(folder, file)));
  return files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Stages come and go.
    return [];
  }
}
