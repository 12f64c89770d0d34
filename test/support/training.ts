import type {
  AlgorithmResult,
  ModelTrainingCompleted,
  ModelTrainingResult,
  TestModelInput,
} from '../../src/contracts/index.js';
import { formatResources } from '../../src/platform/resources/resources.js';
import type { ObjectStore } from '../../src/platform/storage/objectStore.js';
import { versionReadiness } from '../../src/registry/readiness.js';
import { readVersion, versionKey } from '../../src/registry/versions.js';
import { bestVersion } from '../../src/stages/bestVersion.js';
import type { Stage } from '../../src/stages/context.js';
import type { RunStage } from '../../src/stages/createContext.js';
import { testModel } from '../../src/stages/testModel.js';
import { listedKeys } from './buckets.js';

/** Insists that a training trained. */
export function completed(result: ModelTrainingResult): ModelTrainingCompleted {
  if (result.status !== 'completed') throw new Error(`the training ended ${result.status}`);
  return result;
}

/**
 * Runs stages, and spares trainings what model tests measure, which takes a process of its own and a hundred predictions
 * one by one: the best version counts as tested by its run, and as passed.
 */
export function presumingTested(runStage: RunStage): RunStage {
  return async (stage, input, call) => {
    if ((stage as unknown) === testModel) await runStage(presumeTested, input as TestModelInput, call);
    return runStage(stage, input, call);
  };
}

/** A run tests a version once: the stage finds this in place of what it would have measured, and goes on from there. */
const presumeTested: Stage<TestModelInput, void> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { challenger } = await bestVersion(context, pipeline, input);
  const { workflowId, runId, startedAt } = input.run;
  const { modelRegistry } = context.stores(pipeline);
  await versionReadiness.write(modelRegistry, versionKey(challenger, 'readiness.json'), {
    tested_at: startedAt,
    by: { workflow_id: workflowId, run_id: runId },
    resources: formatResources(context.resources),
    passed: true,
    tests: [{ test: 'loads', expected: 'presumed', actual: 1, passed: true }],
  });
};

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
