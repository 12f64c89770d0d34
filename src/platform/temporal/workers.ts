import { TASK_QUEUES } from '../../contracts/index.js';
import { stageHeap, workflowHeap } from '../resources/limits.js';
import { GIB, type Resources } from '../resources/resources.js';

export interface WorkerDefinition {
  /** Its entry point in `workers/`. */
  entry: string;
  taskQueue: string;
  /** Its resources where nobody says otherwise. */
  resources: Resources;
  /** Bytes of JavaScript heap, given the resources. */
  heap(resources: Resources): number;
}

export const WORKERS = {
  orchestrator: {
    entry: 'orchestrator',
    taskQueue: TASK_QUEUES.orchestrator,
    resources: { cpus: 0.5, memory: 1 * GIB },
    heap: workflowHeap,
  },
  dataProcessing: {
    entry: 'dataProcessing',
    taskQueue: TASK_QUEUES.dataProcessing,
    resources: { cpus: 1, memory: 2 * GIB },
    heap: stageHeap,
  },
  modelTraining: {
    entry: 'modelTraining',
    taskQueue: TASK_QUEUES.modelTraining,
    resources: { cpus: 2, memory: 4 * GIB },
    heap: stageHeap,
  },
} as const satisfies Record<string, WorkerDefinition>;

/** Temporal's ports where nobody says otherwise, so that `temporal` commands need no address. */
export const CUSTOMARY_PORTS = { port: 7233, ui_port: 8233 };

export type WorkerName = keyof typeof WORKERS;

/**
 * After being told to stop, a worker lets activities finish for the grace time, then cancels them, and fails after
 * the force time with those that don't listen. Force time and some seconds of cleaning up fit into the 30 s that a
 * container gets by default.
 */
export const SHUTDOWN_GRACE_MS = 5_000;
export const SHUTDOWN_FORCE_MS = 20_000;

/** What a worker process tells the one that started it. */
export type WorkerMessage = { ready: true } | { failed: string };
