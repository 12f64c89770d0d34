import type { AlgorithmResult, ModelTrainingCompleted, ModelTrainingResult } from '../../src/contracts/index.js';
import { readVersion } from '../../src/registry/versions.js';
import type { ObjectStore } from '../../src/storage/objectStore.js';

/** Insists that a training trained. */
export function completed(result: ModelTrainingResult): ModelTrainingCompleted {
  if (result.status !== 'completed') throw new Error(`the training ended ${result.status}`);
  return result;
}

/** All of an algorithm's result and its version that doesn't name the run: equal for equal inputs and seed. */
export async function madeBy(registry: ObjectStore, algorithm: string, result: AlgorithmResult) {
  if (result.status === 'failed') throw new Error(result.reason);
  const { version, best_params, cv_score, test, oot, search } = result;
  const metadata = await readVersion(registry, { algorithm, version });
  const { model_checksum, config_hash, inputs_digest } = metadata!.lineage;
  const candidates = metadata!.candidates.map(({ index, params, scores, dropped }) => ({ index, params, scores, dropped }));
  return { best_params, cv_score, test, oot, search, candidates, model_checksum, config_hash, inputs_digest };
}
