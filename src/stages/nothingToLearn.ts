import { algorithmConfig, algorithmsToTrain } from '../config/load.js';
import { versionName, type MonitorInput } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { latestVersion } from '../registry/resolve.js';
import type { StageContext } from './context.js';
import { findUnchanged } from './findUnchanged.js';

/**
 * Says that a retraining would be of no use, as it would only make the newest versions again; `undefined` where it would
 * make others, and where that can't be told: what is in the way is in the way of the training as well, which says so.
 */
export async function nothingToLearn(context: StageContext, input: MonitorInput): Promise<string | undefined> {
  const pipeline = await context.pipeline(input.pipeline);
  const { modelRegistry } = context.stores(pipeline);
  const { model } = input.predictions;
  const algorithms = algorithmsToTrain(pipeline.config);
  try {
    const { unchanged, unable = [] } = await findUnchanged(context, { ...input, algorithms });
    const newest = unchanged.find((version) => versionName(version) === versionName(model)) ?? unchanged[0];
    if (!newest) return undefined;
    for (const algorithm of algorithms) {
      if (unable.includes(algorithm) || unchanged.some((version) => version.algorithm === algorithm)) continue;
      // One that may be left out, and has no version, is left out again.
      const { optional } = algorithmConfig(pipeline.config, algorithm);
      if (!optional || (await latestVersion(modelRegistry, algorithm))) return undefined;
    }
    return `No retraining is asked for, as nothing to learn from has come since ${versionName(newest)} was trained.`;
  } catch (error) {
    if (error instanceof PerdureError && !error.retryable) return undefined;
    throw error;
  }
}
