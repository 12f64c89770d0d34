import type { Progress } from '../contracts/index.js';
import type { Resources } from '../platform/resources/resources.js';

/** What work on data has at hand: a machine's size, a folder, and whoever waits for it. */
export interface Workspace {
  resources: Resources;
  /** A folder of this stage's own for files on their way; emptied when the stage ends. */
  scratch: string;
  /** Aborted when the stage's result is no longer wanted. */
  signal: AbortSignal;
  /** Tells whoever waits how far the stage is. Cheap; call it as often as there is news. */
  report(progress: Progress): void;
}
