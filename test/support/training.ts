import type { AlgorithmResult, ModelTrainingCompleted, ModelTrainingResult } from '../../src/contracts/index.js';
import { readVersion } from '../../src/registry/versions.js';
import type { ObjectStore } from '../../src/platform/storage/objectStore.js';
import { listedKeys } from './buckets.js';

/** Insists that a training trained. */
export function completed(result: ModelTrainingResult): ModelTrainingCompleted {
  if (result.status !== 'completed') throw new Error(`the training ended ${result.status}`);
  return result;
}

/** All of an algorithm's result and its version that doesn't name the run: equal for equal inputs and seed. */
export async function madeBy(registry: ObjectStore, algorithm: string, result: AlgorithmResult) {
  if (result.status !== 'completed') throw new Error(result.reason);
  const { version, best_params, cv_score, test, oot, search } = result;
  const metadata = await readVersion(registry, { algorithm, version });
  const { model_checksum, config_hash, inputs_digest } = metadata!.lineage;
  const candidates = metadata!.candidates.map(({ index, params, scores, dropped }) => ({
    index,
    params,
    scores,
    dropped,
  }));
  return { best_params, cv_score, test, oot, search, candidates, model_checksum, config_hash, inputs_digest };
}

/** What lies in a registry, but for the claim on the next training, which names the run that had it last. */
export async function registryKeys(registry: ObjectStore): Promise<string[]> {
  return (await listedKeys(registry)).filter((key) => key !== 'model_registry/training.json');
}
