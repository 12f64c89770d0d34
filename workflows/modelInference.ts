import type { ModelInferenceInput, ModelInferenceResult } from '../src/contracts/index.js';
import { processing, quick } from './support/activities.js';
import { begin } from './support/begin.js';
import { MODEL } from './support/input.js';

/** The chosen model scores the gold rows that nobody has predicted yet. */
export async function modelInference(input: ModelInferenceInput): Promise<ModelInferenceResult> {
  const { stage, asOf, progress } = begin(input, { model: MODEL });

  progress.step('resolving the model');
  const resolved = await quick.resolveModel({ ...stage, model: input.model });
  if (resolved.status === 'skipped') return { ...resolved, rows: 0 };
  const { model } = resolved;

  progress.step('finding rows that are not predicted yet');
  const found = await processing.findNewRows({ ...stage, asOf });
  if (found.status === 'skipped') return { ...found, rows: 0 };

  progress.step(`predicting ${found.rows} rows with ${model.algorithm} ${model.version}`);
  const { rows, batches, uri, checksum } = await processing.predict({ ...stage, asOf, model });

  return { status: 'completed', rows, batches, uri, checksum, model: { algorithm: model.algorithm, version: model.version } };
}
