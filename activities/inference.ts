import type { InferenceActivities } from '../src/contracts/index.js';
import { findNewRows } from '../src/stages/findNewRows.js';
import { predict } from '../src/stages/predict.js';
import { resolveModel } from '../src/stages/resolveModel.js';
import { stageActivity, type ActivityDependencies } from './stageActivity.js';

export function createInferenceActivities(dependencies: ActivityDependencies): InferenceActivities {
  return {
    resolveModel: stageActivity(dependencies, resolveModel),
    findNewRows: stageActivity(dependencies, findNewRows),
    predict: stageActivity(dependencies, predict),
  };
}
