import type { Progress } from '../contracts/index.js';
import type { Pipeline } from '../config/load.js';
import type { EnginePool } from '../ml/engines/pool.js';
import type { WorkerSize } from '../platform/resources/workerSize.js';
import type { Stores } from '../platform/storage/objectStore.js';

/** What a stage needs besides its input; the same in a worker, an ECS task and the command line's own process. */
export interface StageContext {
  /** The pipeline's settings: those that the input's run began with, or the present ones where it has none. */
  pipeline(name: string): Promise<Pipeline>;
  stores(pipeline: Pipeline): Stores;
  engines: EnginePool;
  size: WorkerSize;
  /** A folder of this stage's own for files on their way; emptied when the stage ends. */
  scratch: string;
  /** Aborted when the stage's result is no longer wanted. */
  signal: AbortSignal;
  /** Tells whoever waits how far the stage is. Cheap; call it as often as there is news. */
  report(progress: Progress): void;
  /** What an earlier attempt at this very call kept; `undefined` where there was none. */
  cursor: unknown;
  /** Keeps a small piece of JSON, some kB at most, with which another attempt goes on where this one is stopped halfway. */
  keep(cursor: unknown): void;
}

/** A unit of work: small JSON in, small JSON out, data in the object store. */
export type Stage<Input, Output> = (context: StageContext, input: Input) => Promise<Output>;
