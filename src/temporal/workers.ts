import { TASK_QUEUES } from '../contracts/index.js';
import type { WorkerSize } from '../stages/context.js';

const GIB = 2 ** 30;

export interface WorkerDefinition {
  /** Its entry point in `workers/`. */
  entry: string;
  taskQueue: string;
  /** MiB of JavaScript heap; DuckDB, Arrow and engines allocate outside it. */
  heap: number;
}

/** A worker whose activities run stages. */
export interface StageWorkerDefinition extends WorkerDefinition {
  size: WorkerSize;
}

export const WORKERS = {
  orchestrator: { entry: 'orchestrator', taskQueue: TASK_QUEUES.orchestrator, heap: 384 },
  dataProcessing: { entry: 'dataProcessing', taskQueue: TASK_QUEUES.dataProcessing, size: { cpus: 1, memory: 2 * GIB }, heap: 512 },
  modelTraining: { entry: 'modelTraining', taskQueue: TASK_QUEUES.modelTraining, size: { cpus: 2, memory: 4 * GIB }, heap: 1024 },
} as const satisfies Record<string, WorkerDefinition | StageWorkerDefinition>;

/**
 * After being told to stop, a worker lets activities finish for the grace time, then cancels them, and fails after
 * the force time with those that don't listen. Force time and some seconds of cleaning up fit into the 30 s that a
 * container gets by default.
 */
export const SHUTDOWN_GRACE_MS = 5_000;
export const SHUTDOWN_FORCE_MS = 20_000;

/** What a worker process tells the one that started it. */
export type WorkerMessage = { ready: true } | { failed: string };
