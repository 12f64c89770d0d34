import type { SplitName, VersionRef } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { taskOf } from '../ml/tasks/task.js';
import type { versionCurves } from '../registry/curves.js';
import { createVersionFile } from '../registry/versions.js';
import type { DocumentOf } from '../platform/storage/documents.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import type { StageContext } from './context.js';
import type { EvaluatedRows } from './decisionThreshold.js';
import { explainModel } from './explainModel.js';

/** Writes `curves.json` of a version: what its training's page draws of the splits that evaluate, and SHAP values. */
export async function drawVersion(
  context: StageContext,
  modelRegistry: ObjectStore,
  model: VersionRef,
  {
    evaluated,
    ...explained
  }: Parameters<typeof explainModel>[1] & { evaluated: ReadonlyMap<SplitName, EvaluatedRows> },
): Promise<void> {
  const curves: DocumentOf<typeof versionCurves>['splits'] = {};
  for (const [split, { labels, output }] of evaluated)
    if (split !== 'train') curves[split] = taskOf(explained.task).curves(labels, output);

  const explanation = await explainModel(context, explained);
  await createVersionFile(modelRegistry, model, 'curves.json', { splits: curves, explanation }).catch(
    (error: unknown) => {
      // Of two attempts of which the engine explained the model once, the first one's counts.
      if (!(error instanceof PerdureError && error.type === 'AlreadyExists')) throw error;
    },
  );
}
