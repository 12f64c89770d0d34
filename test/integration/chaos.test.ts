import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startWorkflow } from '../../src/client.js';
import { isAlive } from '../../src/platform/programs/command.js';
import { isAtWork } from '../support/activitiesAtWork.js';
import { listedKeys } from '../support/buckets.js';
import { hostsOf } from '../support/engineHosts.js';
import { startEmbeddedTestStack } from '../support/testStack.js';
import { AFTER_ALL, createTinyWorld, MONTHS, TINY, tinyEngines } from '../support/tinyPipeline.js';
import { registryKeys } from '../support/training.js';
import { LABORIOUS, makeLaborious, prepareTwoRuns, startTwoRuns, undisturbed } from '../support/twoRuns.js';
import { until } from '../support/until.js';

const engines = tinyEngines();
const expected = await undisturbed(engines);
const world = await createTinyWorld(engines);
afterAll(() => world.close());
await prepareTwoRuns(world);
world.save();
const { client, stack, told } = await startEmbeddedTestStack(afterAll, world.storeRoot);

describe('a training and a processing under way', () => {
  beforeEach(() => {
    world.restore();
    makeLaborious(world);
    told.length = 0;
  });

  test('end as if nothing had happened when every worker is killed', async () => {
    const runs = await startTwoRuns(client, world);
    const workers = Object.values(stack.workers);
    const killed = workers.map(({ pid }) => pid!);
    for (const pid of killed) process.kill(pid, 'SIGKILL');

    expect(await runs.ended()).toEqual(expected);
    expect([...told].sort()).toEqual(
      ['data-processing', 'model-training', 'orchestrator'].map(
        (queue) => `The ${queue} worker was ended by SIGKILL; starting it again.`,
      ),
    );
    for (const { pid } of workers) expect(killed).not.toContain(pid);
  });

  test('end as if nothing had happened when the Temporal server is killed', async () => {
    const runs = await startTwoRuns(client, world);
    const workers = Object.values(stack.workers).map(({ pid }) => pid);
    process.kill(stack.server!.pid!, 'SIGKILL');

    expect(await runs.ended()).toEqual(expected);
    expect(told).toEqual(['The Temporal server was ended by SIGKILL; starting it again.']);
    expect(Object.values(stack.workers).map(({ pid }) => pid)).toEqual(workers);
  });
});

describe('a run that is cancelled', () => {
  /** Trees that take hours. */
  const ENDLESS = 1_000_000;

  beforeAll(() => world.restore());

  test('in the midst of bronze leaves nothing of it', async () => {
    // The configuration that a run went by stays: the run's history names it.
    const data = async () => (await listedKeys(world.stores.datamart)).filter((key) => !key.startsWith('conf/'));
    const before = await data();
    world.writeSql('bronze', `SELECT * FROM source WHERE ${LABORIOUS.replace('20000000', '20000000000')}`);
    const processing = await startWorkflow(client, 'dataProcessing', {
      pipeline: TINY,
      source: await world.writeCsv(MONTHS),
    });
    await until(() => isAtWork(processing, 'bronze'));
    await cancelled(processing);

    expect(await data()).toEqual(before);
  });

  test('in the midst of a search leaves no version and no engine at work', async () => {
    world.configure(({ algorithms }) =>
      Object.assign(algorithms.xgboost.param_distributions, { n_estimators: [ENDLESS] }),
    );
    const { training, child } = await train();
    await until(() => isAtWork(child, 'evaluateCandidate'));
    const { pid } = stack.workers.modelTraining;
    await until(() => hostsOf(pid!).length === 2);
    const hosts = hostsOf(pid!);
    await cancelled(training);

    await until(() => !hosts.some(isAlive));
    expect(await registryKeys(world.stores.modelRegistry)).toEqual([]);
  });

  test('in the midst of the refit leaves no version and no engine at work', async () => {
    world.configure(({ training_config, algorithms }) => {
      training_config.hyperparameter_tuning = false;
      algorithms.xgboost.params.n_estimators = 2_000;
    });
    const { training, child } = await train();
    await until(() => isAtWork(child, 'refit'));
    const hosts = hostsOf(stack.workers.modelTraining.pid!);
    // So the fit isn't over before the worker hears of it.
    for (const host of hosts) process.kill(host, 'SIGSTOP');
    await cancelled(training);

    await until(() => !hosts.some(isAlive));
    expect(await registryKeys(world.stores.modelRegistry)).toEqual([]);
  });

  test.each(['model.ubj', 'profile.json', 'performance.json', 'metadata.json', 'latest.json', 'champion.json'])(
    'as soon as there is a %s leaves a whole version or none',
    async (file) => {
      world.restore();
      world.configure(({ training_config }) => (training_config.hyperparameter_tuning = false));
      const { training } = await train();
      await until(async () => (await registryKeys(world.stores.modelRegistry)).some((key) => key.endsWith(`/${file}`)));
      await training.cancel();
      const status = await training.result().then(
        () => 'COMPLETED',
        () => 'CANCELLED',
      );

      expect((await training.describe()).status.name).toBe(status);
      const keys = await registryKeys(world.stores.modelRegistry);
      // By the run alone: its start is told a moment apart by the run and by the server, which may be two seconds.
      const version = keys
        .find((key) => key.includes(`_${training.firstExecutionRunId.slice(-8)}/`))
        ?.replace(/\/[^/]*$/, '');
      if (keys.length > 0) {
        const parts = [
          'background.json',
          'card.md',
          'importance.json',
          'metadata.json',
          'model.ubj',
          'performance.json',
          'preprocessing.json',
          'profile.json',
          'reference_scores.parquet',
          'signature.json',
          'threshold.json',
          'trained_rows.parquet',
        ];
        expect(keys).toEqual(
          expect.arrayContaining([
            ...parts.map((part) => `${version}/${part}`),
            'model_registry/xgboost/latest.json',
            'model_registry/xgboost/versions.json',
          ]),
        );
      }
      // Where a champion moved the cancel came too late, and the run says so.
      expect(keys.includes('model_registry/aliases/champion.json')).toBe(status === 'COMPLETED');
    },
  );
});

async function train() {
  const training = await startWorkflow(client, 'modelTraining', {
    pipeline: TINY,
    asOf: AFTER_ALL,
    algorithms: ['xgboost'],
  });
  return { training, child: client.workflow.getHandle(`${training.workflowId}-xgboost`) };
}

/** Cancels a run and waits for its end. */
async function cancelled(run: WorkflowHandle): Promise<void> {
  await run.cancel();
  await expect(run.result()).rejects.toThrow();
  expect((await run.describe()).status.name).toBe('CANCELLED');
}
