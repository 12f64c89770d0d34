import { join } from 'node:path';
import { estimatorOf } from '../config/load.js';
import type { ModelRef, RefitInput } from '../contracts/index.js';
import { createUnlessThere, createVersionFile, versionId, versionKey } from '../registry/versions.js';
import { estimatorKind } from '../ml/estimators/estimators.js';
import { createFile } from '../platform/storage/createOnly.js';
import { readDatasetMetadata } from '../data/dataset.js';
import type { Stage } from './context.js';
import { foldCount } from '../config/schema.js';
import { calibrationOf, calibratorOf } from './calibration.js';
import { matrixFile } from './matrixFile.js';

/**
 * Fits the best candidate on the whole train split, into the folder of the version that the run makes. What the training tells of its
 * steps goes into `learning_curve.json` beside it. Where its
 * probabilities are to be calibrated, `calibrator.json` beside it is fitted on what models of the folds say of rows that they have not seen.
 */
export const refit: Stage<RefitInput, ModelRef> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { datamart, modelRegistry } = context.stores(pipeline);
  const trainedBy = estimatorOf(pipeline, input.algorithm);
  const file = estimatorKind(trainedBy.estimator).modelFile;
  const modelPath = join(context.scratch, file);
  const { task } = await readDatasetMetadata(datamart, input.dataset);
  const request = {
    train: await matrixFile(datamart, input.dataset, 'train'),
    task,
    ...trainedBy,
    params: input.params,
    seed: pipeline.config.model_config.random_state,
    modelPath,
  };
  const { steps } = await context.engines.fit(request, context.signal, (progress) => context.report(progress));
  const ref = { algorithm: input.algorithm, version: versionId(input.run) };
  const { uri, checksum } = await createFile(modelRegistry, modelPath, versionKey(ref, file));
  if (steps.length > 0) await createUnlessThere(modelRegistry, ref, 'learning_curve.json', { steps: [...steps] });
  const method = calibrationOf(pipeline.config, trainedBy.estimator, input.params, task.task);
  if (method !== undefined) {
    const { train, seed, params } = request;
    const cvFolds = foldCount(pipeline.config);
    const folds = Array.from({ length: cvFolds }, (_, fold) => fold);
    const said = await context.engines.crossPredict(
      { train, task, ...trainedBy, params, folds, cvFolds, seed },
      context.signal,
    );
    const calibrator = calibratorOf(method, task, said);
    if (calibrator) await createVersionFile(modelRegistry, ref, 'calibrator.json', calibrator);
  }
  return { ...ref, uri, checksum };
};
