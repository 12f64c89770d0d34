import type { DataProcessingActivities } from '../src/contracts/index.js';
import { bronze } from '../src/stages/bronze.js';
import { gold } from '../src/stages/gold.js';
import { silver } from '../src/stages/silver.js';
import { stageActivity, type ActivityDependencies } from './stageActivity.js';

export function createDataProcessingActivities(dependencies: ActivityDependencies): DataProcessingActivities {
  return {
    bronze: stageActivity(dependencies, bronze),
    silver: stageActivity(dependencies, silver),
    gold: stageActivity(dependencies, gold),
  };
}
