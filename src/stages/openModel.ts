import type { Pipeline } from '../config/load.js';
import type { ChosenThreshold, VersionRef } from '../contracts/index.js';
import type { PredictRequest } from '../ml/engines/pool.js';
import {
  modelFile,
  readVersionFile,
  requireVersion,
  versionThreshold,
  type Preprocessing,
} from '../registry/versions.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';

/** A registered version at hand: its model as a file, how a row becomes its input, and from where on a row is positive. */
export interface OpenModel extends Pick<PredictRequest, 'modelPath'> {
  preprocessing: Preprocessing;
  /** `undefined` where the version keeps none. */
  threshold: ChosenThreshold | undefined;
}

/** Opens all of a version that a prediction depends on. Throws `ObjectCorrupt` where any of it is gone or damaged. */
export async function openModel(registry: ObjectStore, ref: VersionRef): Promise<OpenModel> {
  const metadata = await requireVersion(registry, ref);
  return {
    modelPath: await modelFile(registry, metadata),
    preprocessing: await readVersionFile(registry, ref, 'preprocessing.json'),
    threshold: await versionThreshold(registry, metadata),
  };
}

/** The probability from which a version's rows count as positive: its own threshold, or that of the config where it keeps none. */
export function thresholdOf({ config }: Pick<Pipeline, 'config'>, kept: ChosenThreshold | undefined): number {
  return kept?.value ?? config.inference_config.prediction_threshold;
}
