import { WINDOWS, type EvaluateModelInput, type Metrics, type Window, type WindowMetrics } from '../contracts/index.js';
import { taskSpec } from '../config/task.js';
import { readDatasetProfile } from '../data/dataset.js';
import { readColumns } from '../data/parquet.js';
import { classificationMetrics } from '../ml/metrics.js';
import { profileNumbers, type ModelProfile } from '../monitoring/profile.js';
import { versionKey } from '../registry/versions.js';
import { createJson } from '../platform/storage/createOnly.js';
import type { Stage } from './context.js';
import { matrixFile } from './matrixFile.js';

/**
 * Metrics of a model on the three windows at `prediction_threshold`. The scores of the test window go into the
 * version's `profile.json`, beside the dataset's own profile, for monitoring to compare with.
 */
export const evaluateModel: Stage<EvaluateModelInput, WindowMetrics> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { datamart, modelRegistry } = context.stores(pipeline);
  const modelPath = await modelRegistry.localFile(versionKey(input.model, 'model.ubj'), input.model.checksum);

  const metrics: Partial<Record<Window, Metrics>> = {};
  for (const window of WINDOWS) {
    const { path, features, label } = await matrixFile(datamart, input.dataset, window);
    const { values: probabilities } = await context.engines.predict({ modelPath, task: taskSpec(pipeline), data: { path, features } }, context.signal);
    const [labels] = await readColumns(path, [label]);
    metrics[window] = classificationMetrics(labels as ArrayLike<number>, probabilities, pipeline.config.inference_config.prediction_threshold);
    if (window === 'test') {
      const profile: ModelProfile = { ...(await readDatasetProfile(datamart, input.dataset)), score: profileNumbers(probabilities) };
      await createJson(modelRegistry, versionKey(input.model, 'profile.json'), profile);
    }
  }
  return metrics as WindowMetrics;
};
