import type { Pipeline } from '../config/load.js';
import type { Workspace } from '../data/workspace.js';
import type { EnginePool } from '../ml/engines/pool.js';
import type { Stores } from '../platform/storage/objectStore.js';

/** What a stage needs besides its input; the same in a worker, an ECS task and the command line's own process. */
export interface StageContext extends Workspace {
  /** The pipeline's settings: those that the input's run began with, or the present ones where it has none. */
  pipeline(name: string): Promise<Pipeline>;
  stores(pipeline: Pipeline): Stores;
  engines: EnginePool;
  /** The checkpoint that an earlier attempt at this very call saved last; `undefined` where there was none. */
  checkpoint: unknown;
  /** Saves a small piece of JSON, some kB at most, with which another attempt goes on where this one is stopped halfway. */
  saveCheckpoint(checkpoint: unknown): void;
}

/** A unit of work: small JSON in, small JSON out, data in the object store. */
export type Stage<Input, Output> = (context: StageContext, input: Input) => Promise<Output>;
