import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startWorkflow } from '../../src/client.js';
import { listPipelines, loadPipeline } from '../../src/config/load.js';
import { newestConfig, pipelineOf } from '../../src/config/pinned.js';
import { readVersion } from '../../src/registry/versions.js';
import { pinConfig } from '../../src/stages/pinConfig.js';
import { sha256 } from '../../src/platform/storage/checksum.js';
import type { ObjectStore } from '../../src/platform/storage/objectStore.js';
import { openAddress } from '../../src/platform/storage/stores.js';
import { hasBegun } from '../support/activitiesAtWork.js';
import { perdure } from '../support/perdure.js';
import { startS3Server } from '../support/s3Server.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { CENTROIDS, centroids } from '../support/scripts.js';
import { startTestStack } from '../support/testStack.js';
import { AFTER_ALL, createTinyWorld, MONTHS, runRef, TINY, tinyEngines } from '../support/tinyPipeline.js';
import { completed } from '../support/training.js';
import { until } from '../support/until.js';

const CONF = 's3://perdure-config/prod';
const FOLDER = `prod/pipelines/${TINY}/`;

const engines = tinyEngines();
afterAll(() => engines.close());
const server = await startS3Server(afterAll);
for (const bucket of ['tiny-datamart', 'tiny-registry', 'tiny-predictions', 'tiny-monitoring', 'perdure-config'])
  await server.createBucket(bucket);
vi.stubEnv('PERDURE_SCRATCH', temporaryFolder(afterAll));
vi.stubEnv('PERDURE_STORE', 's3://');
const world = await createTinyWorld(engines, 's3://');
afterAll(() => world.close());
const local = join(process.env.PERDURE_CONF!, 'pipelines', TINY);
centroids(local);
let bucket: ObjectStore;

/** What a person does who changes a setting: `aws s3 cp` of the file. */
async function upload(change: Parameters<typeof world.configure>[0] = () => {}): Promise<void> {
  world.configure((config) => {
    config.training_config.hyperparameter_tuning = false;
    config.training_config.algorithms.push('centroids');
    Object.assign(config.algorithms, { centroids: CENTROIDS });
    change(config);
  });
  const entries = readdirSync(local, { recursive: true, withFileTypes: true });
  for (const path of entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)))
    await bucket.put(`${FOLDER}${relative(local, path)}`, readFileSync(path));
}

beforeAll(async () => {
  ({ store: bucket } = await openAddress(`${CONF}/any`, 's3://'));
  await upload();
  await world.writeGold(MONTHS);
  process.env.PERDURE_CONF = CONF;
});

describe('a configuration in S3', () => {
  test('is read from there, and its faults are told by the address of the file', async () => {
    expect(await listPipelines()).toEqual([TINY]);
    expect(await loadPipeline(TINY)).toMatchObject({
      definition: { name: TINY },
      config: { model_config: { random_state: 42 } },
      address: `${CONF}/pipelines/${TINY}`,
    });
    await expect(loadPipeline('nowhere')).rejects.toThrow(
      `There is no pipeline "nowhere" in ${CONF}/pipelines; there is tiny.`,
    );

    await bucket.put(`${FOLDER}model_config.dev.json`, '{');
    await expect(loadPipeline(TINY)).rejects.toThrow(
      new RegExp(`^${CONF}/pipelines/${TINY}/model_config.dev.json is not valid JSON`),
    );
    const refused = await perdure(temporaryFolder(), ['train', TINY, '--local', '--json'], {
      PERDURE_CONF: CONF,
      PERDURE_STORE: 's3://',
    });
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: {
        type: 'ConfigInvalid',
        message: expect.stringContaining(`${CONF}/pipelines/${TINY}/model_config.dev.json is not valid JSON`) as string,
      },
    });
    await bucket.delete(`${FOLDER}model_config.dev.json`);
    await expect(world.perform(pinConfig, { pipeline: TINY, run: runRef('a') })).rejects.toThrow(
      `${CONF}/pipelines/${TINY}/model_config.dev.json is not there; restore it, or set ENVIRONMENT to one that has it.`,
    );
    await upload();
  });

  test('is found in the store by every worker of the run that began with it, after it was changed and deleted', async () => {
    const run = runRef('before');
    const config = await world.perform(pinConfig, { pipeline: TINY, run });
    expect(config).toMatchObject({
      uri: `s3://tiny-datamart/conf/versions/${config.checksum}.json`,
      source: `${CONF}/pipelines/${TINY}`,
    });
    await upload((settings) => (settings.model_config.random_state = 7));
    const next = await world.perform(pinConfig, { pipeline: TINY, run: runRef('after') });
    await bucket.delete(`${FOLDER}silver.sql`);
    const seedOf = async (pinned: typeof config) =>
      (await pipelineOf(TINY, { ...run, config: pinned }, 's3://', temporaryFolder(onTestFinished))).config.model_config
        .random_state;
    expect([await seedOf(config), await seedOf(next)]).toEqual([42, 7]);

    const damaged = `conf/files/${sha256(readFileSync(join(local, 'silver.sql')))}`;
    await world.stores.datamart.put(damaged, 'SELECT 1');
    await expect(seedOf(config)).rejects.toThrow(
      `s3://tiny-datamart/${damaged}, of the configuration that this run began with, is gone or damaged; restore it, or start the run again`,
    );
    await upload();
    expect(await world.perform(pinConfig, { pipeline: TINY, run: runRef('again') })).toEqual(config);
    expect(await seedOf(config)).toBe(42);
  });

  test('that is changed in the middle of a run counts from the next run on', async () => {
    const { client } = await startTestStack(afterAll, 's3://');
    const train = () => startWorkflow(client, 'modelTraining', { pipeline: TINY, asOf: AFTER_ALL });
    const first = await train();
    await until(() => hasBegun(first));
    await until(async () => (await newestConfig(world.stores.datamart))?.workflow_id === first.workflowId);
    await upload((config) => (config.model_config.random_state = 7));
    const before = completed(await first.result());
    const after = completed(await (await train()).result());

    // The last is a script, whose files travel with the configuration.
    expect(await madeWith(before)).toEqual([
      ['logistic_regression', 42, before.config],
      ['xgboost', 42, before.config],
      ['centroids', 42, before.config],
    ]);
    expect(await madeWith(after)).toEqual([
      ['logistic_regression', 7, after.config],
      ['xgboost', 7, after.config],
      ['centroids', 7, after.config],
    ]);
    const { stdout } = await perdure(temporaryFolder(), ['status', TINY, '--json'], {
      PERDURE_CONF: CONF,
      PERDURE_STORE: 's3://',
    });
    expect(JSON.parse(stdout)).toMatchObject({
      pipelines: { tiny: { config: { version: after.config, source: `${CONF}/pipelines/${TINY}` } } },
    });
  });
});

/** Algorithm, seed and configuration of each version that a training made. */
async function madeWith({ algorithms }: ReturnType<typeof completed>): Promise<unknown[]> {
  return Promise.all(
    Object.entries(algorithms).map(async ([algorithm, trained]) => {
      if (trained.status !== 'completed') throw new Error(trained.reason);
      const { seed, config_version } = (await readVersion(world.stores.modelRegistry, {
        algorithm,
        version: trained.version,
      }))!.lineage;
      return [algorithm, seed, config_version];
    }),
  );
}
