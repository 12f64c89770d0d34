import { copyFile } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import type { AlgorithmTrained, ModelRef } from '../../src/contracts/index.js';
import { manifestKey } from '../../src/data/layers.js';
import { readColumns } from '../../src/platform/files/parquet.js';
import { predictionsFiles } from '../../src/data/predictions.js';
import { bronze } from '../../src/stages/bronze.js';
import { checkPredictionsExist } from '../../src/stages/checkPredictionsExist.js';
import { detectDrift } from '../../src/stages/detectDrift.js';
import { predict } from '../../src/stages/predict.js';
import { resolveModel } from '../../src/stages/resolveModel.js';
import { sha256 } from '../../src/platform/storage/checksum.js';
import { createMedallion, visitsOf } from '../support/medallion.js';
import { startS3Server } from '../support/s3Server.js';
import { createShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { AFTER_ALL, createTinyWorld, MONTHS, runRef, TINY, tinyEngines, trainTiny } from '../support/tinyPipeline.js';

const S3 = 's3://';
const FOLDER = undefined;

const server = await startS3Server(afterAll);
for (const pipeline of ['visits', 'tiny', 'table']) {
  for (const purpose of ['datamart', 'registry', 'model-registry', 'predictions', 'monitoring'])
    await server.createBucket(`${pipeline}-${purpose}`);
}

describe('the medallion in S3', () => {
  test('holds the same bytes as in a folder, and does no work twice', async () => {
    const visits = visitsOf(3);
    const inFolder = await createMedallion(FOLDER);
    inFolder.writeCsv(visits);
    await inFolder.process();

    const world = await createMedallion(S3);
    world.writeCsv(visits);
    const first = await world.process();
    expect(first.gold).toMatchObject({ written: ['2020_01', '2020_02', '2020_03'], unchanged: [] });
    for (const layer of ['bronze', 'silver', 'gold'] as const) {
      expect((await world.manifest(layer)).partitions).toEqual((await inFolder.manifest(layer)).partitions);
    }
    expect(await world.rows('silver', 'silver')).toEqual(await inFolder.rows('silver', 'silver'));

    const second = await world.process();
    expect([second.bronze.written, second.silver.written, second.gold.written]).toEqual([[], [], []]);
    expect(second.gold.unchanged).toEqual(first.gold.written);
  });

  test("is read from an object, by its address and as the pipeline's own", async () => {
    const world = await createMedallion(S3);
    world.writeCsv(visitsOf(4));
    const address = 's3://visits-datamart/raw/visits.csv';
    await copyFile(world.csv, `${world.csv}.copy`);
    await world.stores.datamart.upload(`${world.csv}.copy`, 'raw/visits.csv');

    const byAddress = await world.bronze(address);
    expect(byAddress.rows).toBe(16);
    expect((await world.manifest('bronze')).source?.path).toBe(address);
    // The one that was read last, from another process's folder.
    const again = await createMedallion(S3);
    const unnamed = { ...again.stage, asOf: '2020-12-31' };
    expect(await again.perform(bronze, unnamed)).toMatchObject({ rows: 16, written: [] });

    await again.stores.datamart.delete(manifestKey('bronze'));
    // Its partitions tell what was read.
    expect(await again.perform(bronze, unnamed)).toMatchObject({
      rows: 16,
      unchanged: byAddress.unchanged.concat(byAddress.written).sort(),
    });
  });
});

test('a pipeline of a source, a key and a label alone is the same in S3 as in a folder, from CSV to monitoring', async () => {
  const engines = tinyEngines();
  const folder = temporaryFolder();
  const rows = Array.from({ length: 300 }, (_, i) => {
    const size = (i * 37) % 100;
    return `t-${i},${i % 11 === 0 ? '' : size},${['oak', 'elm', 'ash'][i % 3]!},${size + (i % 7) * 5 > 60 ? 'felled' : 'left'}`;
  });
  const trees = (last: number) => ['tree,size,kind,fate', ...rows.slice(0, last)].join('\n');
  const definition = { source: 'trees.csv', key: 'tree', label: { column: 'fate', positive: 'felled' } };
  const algorithms = ['logistic_regression', 'lightgbm'];

  async function lifecycle(store: string | undefined) {
    const pipeline = await createShortPipeline(engines, folder, definition, undefined, store);
    await pipeline.process(trees(250));
    const { algorithms: trained } = await pipeline.train(algorithms);
    const predicted = await pipeline.predict('lightgbm');
    await pipeline.process(trees(300));
    const added = await pipeline.predict('lightgbm');
    const monitored = await pipeline.monitor({ algorithm: 'lightgbm', version: String(predicted[0]!.version) });
    const models = await Promise.all(
      algorithms.map(async (algorithm) => {
        const { uri, ...version } = trained[algorithm] as AlgorithmTrained;
        const checksum = sha256(
          (await pipeline.stores.modelRegistry.get(pipeline.stores.modelRegistry.key(uri)))!.body,
        );
        return { file: uri.replace(/.*\//, ''), checksum, test: version.test };
      }),
    );
    // A version is named after its run, which is another each time.
    const scores = (rows: typeof predicted) => rows.map(({ version: _, ...row }) => row);
    return { models, predicted: scores(predicted), added: scores(added), monitored };
  }
  try {
    const inFolder = await lifecycle(FOLDER);
    // What a library writes as text is called so.
    expect(inFolder.models.map(({ file }) => file)).toEqual(['model.ubj', 'model.txt']);
    expect(inFolder.added).toHaveLength(50);
    expect(await lifecycle(S3)).toEqual(inFolder);
  } finally {
    await engines.close();
    delete process.env.PERDURE_CONF;
  }
});

test('labels of a second file are read from an object, by its address and as pipeline.json names it', async () => {
  const engines = tinyEngines();
  const purposes = ['datamart', 'predictions', 'monitoring'];
  for (const purpose of [...purposes, 'registry']) await server.createBucket(`late-${purpose}`);
  const config = {
    storage: Object.fromEntries(purposes.map((purpose) => [`${purpose}_bucket`, `late-${purpose}`])),
    model_config: { model_registry_bucket: 'late-registry' },
  };
  const file = 's3://late-datamart/incoming/labels.csv';
  const definition = { source: 'table.csv', key: 'id', label: { column: 'gone', positive: 'yes' }, labels: { file } };
  try {
    const pipeline = await createShortPipeline(engines, temporaryFolder(), definition, config, S3);
    const rows = Array.from({ length: 5 }, (_, i) => `${i},${i / 2}`);
    await expect(pipeline.process(['id,x', ...rows].join('\n'))).rejects.toThrow(
      `There are no labels at ${file}; name the file that has them with --labels.`,
    );
    await pipeline.stores.datamart.put('incoming/labels.csv', 'id,gone\n0,yes\n1,no\n7,no\n');
    expect((await pipeline.process(['id,x', ...rows].join('\n'))).labels).toEqual({ rows: 3, unknown: 1 });
    await pipeline.stores.datamart.put('incoming/more.csv', 'id,gone\n2,yes\n');
    const labels = 's3://late-datamart/incoming/more.csv';
    expect((await pipeline.process(['id,x', ...rows].join('\n'), { labels })).labels).toEqual({ rows: 4, unknown: 1 });
    await expect(pipeline.process(['id,x', ...rows].join('\n'), { labels: 's3://another/labels.csv' })).rejects.toThrow(
      's3://another/labels.csv does not lie in the bucket s3://late-datamart; name an object of that bucket.',
    );
  } finally {
    await engines.close();
    delete process.env.PERDURE_CONF;
  }
});

test('models, predictions and drift are the same from S3 as from a folder', async () => {
  const engines = tinyEngines();
  try {
    expect(await modelAndPredictions(S3)).toEqual(await modelAndPredictions(FOLDER));
  } finally {
    await engines.close();
  }

  async function modelAndPredictions(storeRoot: string | undefined) {
    const world = await createTinyWorld(engines, storeRoot);
    try {
      await world.writeGold(MONTHS);
      await trainTiny(world);
      const input = { pipeline: TINY, run: runRef('a'), asOf: AFTER_ALL };
      const resolved = await world.perform(resolveModel, input);
      const model: ModelRef = resolved.status === 'ready' ? resolved.model : expect.unreachable(resolved.reason);
      await world.perform(predict, { ...input, model });
      const [file] = await predictionsFiles(world.stores.predictions);
      const path = await world.stores.predictions.localFile(file!.key, file!.checksum);
      const predictions = await readColumns(path, ['id', 'probability', 'label']);
      const check = await world.perform(checkPredictionsExist, input);
      const monitored =
        check.status === 'skipped' ? expect.unreachable(check.reason) : { model: check.model, rows: check.rows };
      const drift = await world.perform(detectDrift, { ...input, predictions: monitored });
      return { model: model.checksum, predictions, drift };
    } finally {
      world.close();
    }
  }
});
