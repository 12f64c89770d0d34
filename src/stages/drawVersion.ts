import type { SplitName, TaskSpec, VersionRef } from '../contracts/index.js';
import { taskOf } from '../ml/tasks/task.js';
import type { Explanation, versionCurves } from '../registry/curves.js';
import type { DocumentOf } from '../platform/storage/documents.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { createUnlessThere } from '../registry/versions.js';
import type { EvaluatedRows } from './decisionThreshold.js';

/** Writes `curves.json` of a version: what its training's page draws of the splits that evaluate, and SHAP values. */
export async function drawVersion(
  modelRegistry: ObjectStore,
  model: VersionRef,
  {
    task,
    evaluated,
    explanation,
  }: {
    task: TaskSpec;
    evaluated: ReadonlyMap<SplitName, EvaluatedRows>;
    explanation: Explanation;
  },
): Promise<void> {
  const curves: DocumentOf<typeof versionCurves>['splits'] = {};
  for (const [split, { labels, output }] of evaluated)
    if (split !== 'train') curves[split] = taskOf(task).curves(labels, output);
  await createUnlessThere(modelRegistry, model, 'curves.json', { splits: curves, explanation });
}
