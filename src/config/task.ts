import { ZERO_OR_ONE, type TaskSpec } from '../contracts/task.js';
import type { Pipeline } from './load.js';

/** What a pipeline predicts. */
export function taskSpec(_pipeline: Pick<Pipeline, 'definition'>): TaskSpec {
  return ZERO_OR_ONE;
}
