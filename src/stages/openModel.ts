import type { Pipeline } from '../config/load.js';
import type { ChosenThreshold, TaskSpec, VersionRef } from '../contracts/index.js';
import { calibrated, type Calibrator } from '../ml/calibrator.js';
import type { PredictRequest, ScoredRows } from '../ml/engines/pool.js';
import { NOT_EXPLAINED } from '../ml/estimators/estimator.js';
import type { ModelOutput } from '../ml/modelOutput.js';
import {
  modelFile,
  readVersionFile,
  requireVersion,
  readVersionFileIfAny,
  type Preprocessing,
} from '../registry/versions.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import type { StageContext } from './context.js';

/** A model as a file, and what makes probabilities of what it says. */
export interface ScoringModel extends Pick<PredictRequest, 'modelPath'> {
  task: TaskSpec;
  /** `undefined` where what the model says stands as it is. */
  calibrator: Calibrator | undefined;
}

/** A registered version at hand: its model, how a row becomes its input, and from where on a row is positive. */
export interface OpenModel extends ScoringModel {
  preprocessing: Preprocessing;
  /** `undefined` where the version keeps none. */
  threshold: ChosenThreshold | undefined;
  /** Why its predictions can't have reasons; `undefined` where nothing speaks against it. */
  notExplained: string | undefined;
  /** What SHAP values are counted from; `undefined` where the version keeps none. */
  background: { values: number[] } | undefined;
}

/** Opens all of a version that a prediction depends on. Throws `ObjectCorrupt` where any of it is gone or damaged. */
export async function openModel(registry: ObjectStore, ref: VersionRef): Promise<OpenModel> {
  const metadata = await requireVersion(registry, ref);
  const preprocessing = await readVersionFile(registry, ref, 'preprocessing.json');
  return {
    modelPath: await modelFile(registry, metadata),
    task: preprocessing.task,
    preprocessing,
    notExplained: NOT_EXPLAINED[metadata.model_file],
    calibrator: await readVersionFileIfAny(registry, metadata, 'calibrator.json'),
    threshold: await readVersionFileIfAny(registry, metadata, 'threshold.json'),
    background: await readVersionFileIfAny(registry, metadata, 'background.json'),
  };
}

/**
 * What a version says of rows, calibrated where it is: the one way by which training, the gate and predictions of any number
 * of rows come to it.
 *
 * @param data the model's columns
 */
export async function scoreRows(
  context: Pick<StageContext, 'engines' | 'signal'>,
  { modelPath, task, calibrator }: ScoringModel,
  data: ScoredRows,
): Promise<ModelOutput> {
  const output = await context.engines.predict({ modelPath, task, data }, context.signal);
  return calibrated(calibrator?.curves, output);
}

/** The probability from which a version's rows count as positive: its own threshold, or that of the config where it keeps none. */
export function thresholdOf({ config }: Pick<Pipeline, 'config'>, kept: ChosenThreshold | undefined): number {
  return kept?.value ?? config.inference_config.prediction_threshold;
}
