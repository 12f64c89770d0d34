import type { DispatchActivities } from '../src/contracts/index.js';
import { trainAlgorithm } from '../src/stages/trainAlgorithm.js';
import { stageActivity, type ActivityDependencies } from './stageActivity.js';

/** Whole pieces of work that run elsewhere: the activity only waits, so a worker may have a thousand of them. */
export function createDispatchActivities(dependencies: ActivityDependencies): DispatchActivities {
  return { trainAlgorithmOnEcs: stageActivity(dependencies, trainAlgorithm) };
}
