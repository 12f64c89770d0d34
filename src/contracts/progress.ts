import type { Progress } from './common.js';

/** Name of the query that every workflow answers with its {@link RunProgress}. */
export const PROGRESS_QUERY = 'progress';

/** How far a workflow is, for people who wait. */
export interface RunProgress {
  /** The step at work now, in words. */
  step: string;
  /** Units done of the present step, where it has several. */
  progress?: Progress;
  /** Child workflows at work, by the step's or algorithm's name. */
  children: Record<string, string>;
}
