import type { Progress } from './common.js';
import type { Params } from './training.js';

/** Name of the query that every workflow answers with its {@link RunProgress}. */
export const PROGRESS_QUERY = 'progress';

/** How far a workflow is, for people who wait. */
export interface RunProgress {
  /** The step at work now, in words. */
  step: string;
  /** Units done of the present step, where it has several. */
  progress?: Progress;
  /** Ids of the child workflows at work, by the step's or algorithm's name; each answers the same query. */
  children: Record<string, string>;
  /** How the child workflows that ended did so, by the same names. */
  ended: Record<string, Outcome>;
  /** The candidate that leads a search, once one has scored: its mean over the folds seen so far. */
  best?: { params: Params; cv_score: number };
}

/** How a workflow ended. */
export type Outcome = 'completed' | 'partial' | 'skipped' | 'failed';

/** What every activity's heartbeat carries: for people who wait, and for the attempt that comes after a failure. */
export interface HeartbeatDetails {
  progress?: Progress;
  /** How often the engine crashed under this activity so far. */
  engineCrashes: number;
  /** Attempts so far that something outside the work ended: the store was away, or the worker was told to stop. */
  excused: number;
  /** The stage's checkpoint, for an attempt that goes on with it. */
  checkpoint?: unknown;
}
