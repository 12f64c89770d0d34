import type { MonitoringStageInput, PredictionsCheck } from '../contracts/index.js';
import { predictionsFiles } from '../data/predictions.js';
import type { Stage } from './context.js';

/** The version that made the newest predictions, and how many it made altogether. */
export const checkPredictionsExist: Stage<MonitoringStageInput, PredictionsCheck> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const files = await predictionsFiles(context.stores(pipeline).predictions);
  const newest = files.at(-1);
  if (!newest) return { status: 'skipped', reason: 'No predictions are stored yet: run inference first.' };
  const { model } = newest;
  const rows = files
    .filter((file) => file.model.algorithm === model.algorithm && file.model.version === model.version)
    .reduce((sum, file) => sum + file.rows, 0);
  return { status: 'ready', model, rows };
};
