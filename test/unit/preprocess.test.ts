import { beforeEach, describe, expect, test } from 'vitest';
import { datasetKey, readDatasetMetadata, readDatasetProfile } from '../../src/data/dataset.js';
import { readColumns } from '../../src/platform/files/parquet.js';
import { preprocess } from '../../src/stages/preprocess.js';
import { readJson } from '../support/anyDocument.js';
import { scalerOf } from '../support/scaler.js';
import { CONF, createMedallion, RUN, visitsOf, type Medallion } from '../support/medallion.js';

let world: Medallion;
beforeEach(async () => {
  world = await createMedallion();
  world.writeCsv(visitsOf(3));
  await world.process();
});

const run = (asOf = '2020-12-31', ref = RUN) => world.perform(preprocess, { ...world.stage, run: ref, asOf });
const splitPath = (id: string, split: 'train' | 'test' | 'oot') =>
  world.stores.datamart.localFile(datasetKey(id, `${split}_processed.parquet`));

describe('preprocessing', () => {
  test('joins, cuts into splits, scales by train, and says what it did', async () => {
    const dataset = await run();
    expect(dataset).toMatchObject({
      id: expect.stringMatching(/^train_data_20200601_083000_\w{8}$/) as string,
      rows: { train: 4, test: 4, oot: 4 },
    });

    const metadata = await readDatasetMetadata(world.stores.datamart, dataset);
    expect(metadata).toMatchObject({
      // Scaled columns come first; the constant one is left out.
      features: ['cost', 'urgent'],
      label: 'costly',
      as_of: '2020-12-31',
      splits: {
        train: { start_date: '2020-01-01', end_date: '2020-01-28', rows: 4, classes: [2, 2], unlabelled: 0 },
        test: { rows: 4, classes: [2, 2] },
        oot: { rows: 4, classes: [2, 2] },
      },
    });
    // Costs 10, 20, 30, 40: mean 25, population standard deviation the root of 125.
    expect(scalerOf(metadata)).toEqual({ cost: { mean: 25, scale: Math.sqrt(125) } });
    expect(Object.keys(metadata.partitions)).toEqual(['2020_01', '2020_02', '2020_03']);
    expect(metadata.partitions['2020_01']!.label_store).toBe(
      (await world.manifest('gold')).partitions['2020_01']!.objects[1]!.checksum,
    );

    const [cost, urgent, costly] = await readColumns(await splitPath(dataset.id, 'test'), ['cost', 'urgent', 'costly']);
    expect(cost).toEqual(Float32Array.from([50, 60, 70, 80], (value) => (value - 25) / Math.sqrt(125)));
    expect(urgent).toEqual(Float32Array.of(0, 1, 0, 1));
    expect(costly).toEqual(Int8Array.of(0, 0, 1, 1));

    expect(await readDatasetProfile(world.stores.datamart, dataset)).toMatchObject({
      window: { start_date: '2020-01-01', end_date: '2020-01-28' },
      rows: 4,
      columns: {
        cost: { kind: 'bins', missing: 0 },
        urgent: { kind: 'categories', counts: { 0: 2, 1: 2 }, missing: 0 },
      },
    });
    expect(await readJson(world.stores.datamart, 'gold/preprocessed/latest.json')).toEqual({
      id: dataset.id,
      uri: dataset.uri,
      checksum: dataset.checksum,
    });
  });

  test('gives the same files to a retry, and never moves the pointer back', async () => {
    const first = await run();
    const before = world.snapshot();
    expect(await run()).toEqual(first);
    expect(world.snapshot()).toEqual(before);

    const later = await run(undefined, { ...RUN, startedAt: '2020-07-01T00:00:00Z' });
    await run();
    expect(await readJson(world.stores.datamart, 'gold/preprocessed/latest.json')).toMatchObject({ id: later.id });
  });

  test('keeps constant columns where it is told to', async () => {
    const config = CONF['model_config.dev.json'];
    world.writeConf('model_config.dev.json', {
      ...config,
      training_config: { ...config.training_config, feature_selection: false },
    });
    const { features } = await readDatasetMetadata(world.stores.datamart, await run());
    expect(features).toEqual(['cost', 'urgent', 'constant']);
  });

  test('takes a missing value for NaN, which neither scaler nor selection count', async () => {
    world.writeConf(
      'feature_store.sql',
      "SELECT id, day, CAST(kind = 'urgent' AS INTEGER) AS urgent, nullif(cost, 40) AS cost, 1 AS constant FROM silver",
    );
    await world.process();
    const dataset = await run();
    expect(scalerOf(await readDatasetMetadata(world.stores.datamart, dataset)).cost!.mean).toBe(20);
    expect((await readColumns(await splitPath(dataset.id, 'train'), ['cost']))[0]![3]).toBeNaN();
    expect((await readDatasetProfile(world.stores.datamart, dataset)).columns.cost!.missing).toBe(1);
  });

  test('takes rows whose labels are known at asOf, 30 days after the day of each', async () => {
    // The rows of March are of the 10th to the 13th; 30 days after the 11th is the 10th of April.
    const { rows } = await run('2020-04-10');
    expect(rows).toEqual({ train: 4, test: 4, oot: 2 });
  });
});

describe('what cannot be learned from is refused', () => {
  test('a split without rows', async () => {
    await expect(run('2020-04-08')).rejects.toMatchObject({
      type: 'InputInvalid',
      message:
        "The oot split (2020-03-01 to 2020-03-28) has no rows whose labels are known by 2020-04-08, which is 30 days after a row's own day; process more data or change the split.",
    });
    expect(await readJson(world.stores.datamart, 'gold/preprocessed/latest.json')).toBeUndefined();
  });

  test.each([
    [
      'one class only',
      'label_store.sql',
      'SELECT id, day, 0 AS costly FROM silver',
      'The train split has 4 rows, all with the label 0; nothing can be learned from one class.',
    ],
    [
      'fewer rows of a class than folds',
      'label_store.sql',
      'SELECT id, day, CAST(id % 4 = 0 AS INTEGER) AS costly FROM silver',
      '1 of the 4 rows of the train split has the label 1, and 2 folds need one each; lower model_config.cv_folds, widen the split or process more data.',
    ],
    [
      'a label that is none',
      'label_store.sql',
      'SELECT id, day, 2 AS costly FROM silver',
      'The column costly of the label store holds 2; expected 0 or 1.',
    ],
    [
      'constant features',
      'feature_store.sql',
      'SELECT id, day, 1 AS urgent, 2 AS cost, 3 AS constant FROM silver',
      'Every feature is constant over the train split; nothing can be learned from them.',
    ],
  ])('%s', async (_what, file, sql, message) => {
    world.writeConf(file, sql);
    await world.process();
    await expect(run()).rejects.toMatchObject({ type: 'InputInvalid', message });
  });
});
