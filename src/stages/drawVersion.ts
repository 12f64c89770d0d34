import type { EvaluateModelInput, SplitName } from '../contracts/index.js';
import { readDatasetMetadata } from '../data/dataset.js';
import { PerdureError } from '../errors.js';
import { taskOf } from '../ml/tasks/task.js';
import { baselineSplit } from '../registry/championMetric.js';
import type { versionCurves } from '../registry/curves.js';
import { createVersionFile } from '../registry/versions.js';
import type { DocumentOf } from '../platform/storage/documents.js';
import type { ObjectStore, Stores } from '../platform/storage/objectStore.js';
import type { StageContext } from './context.js';
import type { EvaluatedRows } from './decisionThreshold.js';
import { explainModel } from './explainModel.js';
import { matrixFile } from './matrixFile.js';

/** Writes `curves.json` of a version: what its training's page draws of the splits that evaluate, and SHAP values. */
export async function drawVersion(
  context: StageContext,
  { datamart, modelRegistry }: Pick<Stores, 'datamart' | 'modelRegistry'>,
  input: EvaluateModelInput,
  evaluated: ReadonlyMap<SplitName, EvaluatedRows>,
): Promise<void> {
  const { task, splits } = await readDatasetMetadata(datamart, input.dataset);
  const curves: DocumentOf<typeof versionCurves>['splits'] = {};
  for (const [split, { labels, output }] of evaluated)
    if (split !== 'train') curves[split] = taskOf(task).curves(labels, output);

  const split = baselineSplit(splits);
  const modelPath = await modelOf(modelRegistry, input);
  const file = await matrixFile(datamart, input.dataset, split);
  const explanation = await explainModel(context, { modelPath, task, split, file });
  await createVersionFile(modelRegistry, input.model, 'curves.json', { splits: curves, explanation }).catch(
    (error: unknown) => {
      // Of two attempts of which the engine explained the model once, the first one's counts.
      if (!(error instanceof PerdureError && error.type === 'AlreadyExists')) throw error;
    },
  );
}

function modelOf(registry: ObjectStore, { model }: EvaluateModelInput): Promise<string> {
  return registry.localFile(registry.key(model.uri), model.checksum);
}
