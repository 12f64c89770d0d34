import { formatResources } from '../platform/resources/resources.js';
import type { Pipeline } from '../config/load.js';
import { countOf } from '../contracts/counts.js';
import {
  failedTests,
  type ModelTest,
  type ModelSelector,
  type RunRef,
  type SplitName,
  type StageInput,
  type TestedModel,
  type TestModelInput,
  type VersionRef,
  versionName,
} from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { championMetric } from '../registry/championMetric.js';
import { aliasKey, isSameVersion, moveOf, movePointer, readPointer } from '../registry/pointers.js';
import { versionReadiness } from '../registry/readiness.js';
import { STAGING } from '../registry/aliases.js';
import { resolveModel } from '../registry/resolve.js';
import { readReadiness, requireVersion, versionKey } from '../registry/versions.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { bestVersion } from './bestVersion.js';
import type { Stage, StageContext } from './context.js';
import { rowsOf } from './evaluateChallenger.js';
import { figure, TESTED_ROWS, testVersion } from './modelTests.js';

/**
 * Tests the best of the versions of a run where predictions are made, and keeps what was measured as its
 * `readiness.json`. One that passes is `staging` from then on; else `staging` falls back to what it was. A run tests a
 * version once, however often it asks.
 */
export const testModel: Stage<TestModelInput, TestedModel> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { modelRegistry } = context.stores(pipeline);
  const { challenger, split } = await bestVersion(context, pipeline, input);
  const before = await readReadiness(modelRegistry, challenger);
  const mine = before?.by.run_id === input.run.runId ? before.tests : undefined;
  const tests = mine ?? (await measure(context, pipeline, input, challenger, split));
  const staging = await stage(modelRegistry, input.run, challenger, tests);
  return {
    challenger,
    passed: failedTests(tests).length === 0,
    tests,
    staging,
    reason: outcomeOf(challenger, tests, staging),
  };
};

/**
 * Tests a version that is registered already, on the rows that it was evaluated on, and keeps what was measured. Moves no alias.
 *
 * @throws PerdureError `NotFound` for a name that nothing answers to
 */
export const testVersionAgain: Stage<
  StageInput & { model: ModelSelector },
  Pick<TestedModel, 'challenger' | 'passed' | 'tests'>
> = async (context, { pipeline: name, run, model }) => {
  const pipeline = await context.pipeline(name);
  const { modelRegistry } = context.stores(pipeline);
  const resolved = await resolveModel(modelRegistry, pipeline.config.training_config.algorithms, model);
  if (resolved.status === 'skipped') throw new PerdureError('NotFound', resolved.reason);
  const { algorithm, version } = resolved.model;
  const challenger = { algorithm, version };
  const { lineage, task } = await requireVersion(modelRegistry, challenger);
  const dataset = { ...lineage.dataset, rows: {} };
  const tests = await measure(context, pipeline, { run, dataset }, challenger, championMetric(pipeline, task).split);
  return { challenger, passed: failedTests(tests).length === 0, tests };
};

async function measure(
  context: StageContext,
  pipeline: Pipeline,
  { run, dataset }: Pick<TestModelInput, 'run' | 'dataset'>,
  ref: VersionRef,
  split: SplitName,
): Promise<ModelTest[]> {
  const { table: rows } = await rowsOf(context, pipeline, dataset, split, { limit: TESTED_ROWS });
  const tests = await testVersion(context, pipeline, { ref, split, rows });
  await versionReadiness.write(context.stores(pipeline).modelRegistry, versionKey(ref, 'readiness.json'), {
    tested_at: new Date().toISOString(),
    by: { workflow_id: run.workflowId, run_id: run.runId },
    resources: formatResources(context.resources),
    passed: failedTests(tests).length === 0,
    tests,
  });
  return tests;
}

/** What `staging` means once the tests are over. */
async function stage(
  registry: ObjectStore,
  run: RunRef,
  challenger: VersionRef,
  tests: ModelTest[],
): Promise<VersionRef | null> {
  const pointer = await readPointer(registry, aliasKey(STAGING));
  const now = pointer ? { algorithm: pointer.algorithm, version: pointer.version } : null;
  if (failedTests(tests).length > 0) return now;
  if (isSameVersion(now, challenger) && !moveOf(pointer, run.runId)) return now;
  const { algorithm, version } = await movePointer(
    registry,
    aliasKey(STAGING),
    challenger,
    run,
    `passed all ${countOf(tests.length, 'model test')}`,
  );
  return { algorithm, version };
}

function outcomeOf(challenger: VersionRef, tests: ModelTest[], staging: VersionRef | null): string {
  const failed = failedTests(tests);
  if (failed.length === 0)
    return `${versionName(challenger)} passed all ${countOf(tests.length, 'model test')} and is in staging.`;
  const faults = failed.map(({ test, expected, actual }) => `${test} (expected ${expected}, got ${figure(actual)})`);
  const back = staging
    ? `staging ${isSameVersion(staging, challenger) ? 'keeps it from an earlier run' : `falls back to ${versionName(staging)}`}`
    : 'nothing is in staging';
  return `${versionName(challenger)} did not pass ${faults.join(', ')}; ${back}.`;
}
