import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DatasetRef, ModelRef, PredictInput } from '../../src/contracts/index.js';
import { ZERO_OR_ONE } from '../../src/contracts/task.js';
import { datasetKey, readDatasetMetadata } from '../../src/data/dataset.js';
import { goldPartitions } from '../../src/data/layers.js';
import { readColumns } from '../../src/platform/files/parquet.js';
import { predictionsFiles, predictionsIndex } from '../../src/data/predictions.js';
import { detectDrift } from '../../src/stages/detectDrift.js';
import { findNewRows } from '../../src/stages/findNewRows.js';
import { measurePerformance } from '../../src/stages/measurePerformance.js';
import { predict } from '../../src/stages/predict.js';
import { resolveModel } from '../../src/stages/resolveModel.js';
import {
  createTinyWorld,
  MONTHS,
  ROWS_A_MONTH,
  runRef,
  TINY,
  tinyEngines,
  trainTiny,
  type TinyWorld,
} from '../support/tinyPipeline.js';

const OOT_ROWS = 3 * ROWS_A_MONTH;
const YEAR_END = '2001-12-31';

const engines = tinyEngines();
let world: TinyWorld;
let dataset: DatasetRef;
let model: ModelRef;

beforeAll(async () => {
  world = await createTinyWorld(engines);
  await world.writeGold(MONTHS);
  ({ dataset } = await trainTiny(world));
  const resolved = await world.perform(resolveModel, { pipeline: TINY, run: runRef('a') });
  if (resolved.status === 'skipped') throw new Error(resolved.reason);
  ({ model } = resolved);
  world.save();
});
afterEach(() => world.restore());
afterAll(async () => {
  world.close();
  await engines.close();
});

function asked(runId: string, asOf = YEAR_END): PredictInput {
  return { pipeline: TINY, run: runRef(runId), asOf, model };
}

/** All stored predictions, in stored order. */
async function stored() {
  const files = await predictionsFiles(world.stores.predictions);
  const columns = await Promise.all(
    files.map(({ key, checksum }) =>
      world.stores.predictions
        .localFile(key, checksum)
        .then((path) => readColumns(path, ['id', 'probability', 'label', 'confidence'])),
    ),
  );
  const column = (i: number) => columns.flatMap((file) => Array.from(file[i]!, Number));
  return {
    keys: files.map(({ key }) => key),
    ids: column(0),
    probabilities: column(1),
    labels: column(2),
    confidence: column(3),
  };
}

describe('rows to predict', () => {
  test('are the gold rows from start_date up to asOf', async () => {
    expect(await world.perform(findNewRows, asked('a'))).toEqual({ status: 'ready', rows: OOT_ROWS });
    expect(await world.perform(findNewRows, asked('a', '2001-10-31'))).toEqual({ status: 'ready', rows: ROWS_A_MONTH });
    // Days 1 to 28 get 60 rows a month: the first four get three rows each.
    expect(await world.perform(findNewRows, asked('a', '2001-10-02T23:00:00Z'))).toEqual({ status: 'ready', rows: 6 });
  });

  test('are none where gold has no such days', async () => {
    expect(await world.perform(findNewRows, asked('a', '2001-09-30'))).toEqual({
      status: 'skipped',
      reason: 'No new data: gold has no rows from 2001-10-01 to 2001-09-30.',
    });
  });

  test('are none once they are predicted, and the new ones when more come', async () => {
    await world.perform(predict, asked('a', '2001-11-30'));
    expect(await world.perform(findNewRows, asked('b', '2001-11-30'))).toEqual({
      status: 'skipped',
      reason: 'No new data: every gold row from 2001-10-01 to 2001-11-30 is predicted.',
    });
    expect(await world.perform(findNewRows, asked('b'))).toEqual({ status: 'ready', rows: ROWS_A_MONTH });
  });

  test('cannot be told from a torn gold file', async () => {
    const { key } = (await goldPartitions(world.stores)).at(-1)!.featureStore;
    writeFileSync(fileURLToPath(world.stores.datamart.uri(key)), 'PAR1 but not the rest');
    await expect(world.perform(findNewRows, asked('a'))).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: expect.stringContaining(key) as string,
    });
  });
});

describe('rows whose features changed after they were scored', () => {
  const scores = async () => {
    const { ids, probabilities } = await stored();
    return new Map(ids.map((id, row) => [id, probabilities[row]!]));
  };

  test('are scored again, and no others; the newest score is the one of the present features', async () => {
    await world.perform(predict, asked('a'));
    const before = await scores();
    // A month is corrected in each second of its rows.
    await world.writeGold(['2001_11'], { x1: 'CASE WHEN id % 2 = 0 THEN 1 - x1 ELSE x1 END' });
    expect(await world.perform(findNewRows, asked('b'))).toEqual({ status: 'ready', rows: ROWS_A_MONTH / 2 });
    expect(await world.perform(predict, asked('b'))).toMatchObject({ rows: ROWS_A_MONTH / 2 });
    expect(await world.perform(findNewRows, asked('c'))).toMatchObject({ status: 'skipped' });

    // What a store says that never knew the old rows.
    const after = await scores();
    world.restore();
    await world.writeGold(['2001_11'], { x1: 'CASE WHEN id % 2 = 0 THEN 1 - x1 ELSE x1 END' });
    await world.perform(predict, asked('d'));
    expect(after).toEqual(await scores());
    expect([...after].filter(([id, score]) => score !== before.get(id))).toHaveLength(ROWS_A_MONTH / 2);
  });

  test('are monitored by the scores of the features they have now', async () => {
    const monitored = (asOf = '2002-03-01') => ({
      pipeline: TINY,
      run: runRef('m'),
      asOf,
      predictions: { model, rows: 1 },
    });
    await world.perform(predict, asked('a'));
    await world.writeGold(['2001_11'], { x1: '1 - x1', label: '1 - label' });
    // Until they are scored anew they count for nothing.
    expect(await world.perform(measurePerformance, monitored())).toMatchObject({ metrics: { n: 2 * ROWS_A_MONTH } });
    expect(await world.perform(detectDrift, monitored())).toMatchObject({ rows: 2 * ROWS_A_MONTH });

    await world.perform(predict, asked('b'));
    const measured = await world.perform(measurePerformance, monitored());
    world.restore();
    await world.writeGold(['2001_11'], { x1: '1 - x1', label: '1 - label' });
    await world.perform(predict, asked('c'));
    expect(measured).toMatchObject({ metrics: { n: OOT_ROWS } });
    expect(measured).toEqual(await world.perform(measurePerformance, monitored()));
  });

  test('are taken for scored where their scores are of an earlier version, which kept no digest of the features', async () => {
    await world.perform(predict, asked('a', '2001-11-30'));
    await predictionsIndex.update(
      world.stores.predictions,
      'index.json',
      (index) => ({ ...index!, files: index!.files.map((file) => ({ ...file, features: undefined })) }),
      () => undefined,
    );
    await world.perform(predict, asked('b'));
    await world.writeGold(['2001_10', '2001_11', '2001_12'], { x1: '1 - x1' });
    // Of December the digests are there.
    expect(await world.perform(findNewRows, asked('c'))).toEqual({ status: 'ready', rows: ROWS_A_MONTH });
  });

  test("are known by the model's own features alone", async () => {
    await world.perform(predict, asked('a'));
    await world.writeGold(['2001_11'], { label: '1 - label' });
    expect(await world.perform(findNewRows, asked('b'))).toMatchObject({ status: 'skipped' });
  });
});

describe('rows that are asked for again', () => {
  const again = (runId: string) => ({ ...asked(runId), from: '2001-11-01', to: '2001-11-02', again: true });

  test('are those of the days named, scored once more and counted once', async () => {
    await world.perform(predict, asked('a'));
    // Three rows on each of the first four days of a month.
    expect(await world.perform(findNewRows, again('b'))).toEqual({ status: 'ready', rows: 6 });
    expect(await world.perform(predict, again('b'))).toMatchObject({ rows: 6 });
    expect((await stored()).ids).toHaveLength(OOT_ROWS + 6);
    const monitored = { pipeline: TINY, run: runRef('m'), asOf: '2002-03-01', predictions: { model, rows: 1 } };
    expect(await world.perform(detectDrift, monitored)).toMatchObject({ rows: OOT_ROWS });
    expect(await world.perform(measurePerformance, monitored)).toMatchObject({ metrics: { n: OOT_ROWS } });
  });

  test('may be named without it: then only what is new of those days is scored', async () => {
    expect(await world.perform(findNewRows, { ...asked('a'), from: '2001-11-01', to: '2001-11-02' })).toEqual({
      status: 'ready',
      rows: 6,
    });
    await world.perform(predict, asked('a'));
    expect(await world.perform(findNewRows, { ...asked('b'), from: '2001-11-01', to: '2001-11-02' })).toEqual({
      status: 'skipped',
      reason: 'No new data: every gold row from 2001-11-01 to 2001-11-02 is predicted.',
    });
  });
});

describe('predictions', () => {
  test('are what the model says of the preprocessed rows, in batches', async () => {
    const result = await world.perform(predict, asked('a'));
    expect(result).toMatchObject({ rows: OOT_ROWS, batches: 4 });
    expect(world.progress.at(-1)).toEqual({ what: 'batches', done: 4, total: 4 });

    // The processed split holds the same rows in the order of their ids.
    const { features } = await readDatasetMetadata(world.stores.datamart, dataset);
    const modelPath = fileURLToPath(model.uri);
    const path = await world.stores.datamart.localFile(datasetKey(dataset.id, 'oot_processed.parquet'));
    const { values: expected } = await engines.predict(
      { modelPath, task: ZERO_OR_ONE, data: { path, features } },
      new AbortController().signal,
    );

    const { ids, probabilities, labels, confidence } = await stored();
    const byId = new Map(ids.map((id, row) => [id, probabilities[row]]));
    const firstId = Math.min(...ids);
    expect(ids).toHaveLength(OOT_ROWS);
    expect(new Set(ids).size).toBe(OOT_ROWS);
    expected.forEach((probability, row) => expect(byId.get(firstId + row)).toBe(probability));
    probabilities.forEach((probability, row) => {
      expect(labels[row]).toBe(probability >= 0.5 ? 1 : 0);
      expect(confidence[row]).toBe(Math.max(probability, 1 - probability));
    });
  });

  test('cover each row once, a file a run, however often a run asks', async () => {
    const first = await world.perform(predict, asked('a', '2001-11-30'));
    expect(await world.perform(predict, asked('a', '2001-11-30'))).toEqual(first);
    const second = await world.perform(predict, asked('b'));
    expect(second).toMatchObject({ rows: ROWS_A_MONTH, batches: 2 });
    const { keys, ids } = await stored();
    expect(keys).toEqual(['predictions_2001-11-30.parquet', 'predictions_2001-12-31.parquet']);
    expect(new Set(ids).size).toBe(OOT_ROWS);
  });

  test('of a second run on the same day get a name of their own', async () => {
    await world.perform(predict, asked('a', '2001-11-30'));
    await world.writeGold(['2001_11'], { x1: 'x1' });
    world.configure((config) => (config.inference_config.start_date = '2001-09-01'));
    await world.perform(predict, asked('b', '2001-11-30'));
    expect((await stored()).keys).toEqual(['predictions_2001-11-30.parquet', 'predictions_2001-11-30_2.parquet']);
  });

  test('of two runs at once never hold a row twice', async () => {
    const outcomes = await Promise.allSettled([world.perform(predict, asked('a')), world.perform(predict, asked('b'))]);
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    for (const { reason } of failed) expect(reason).toMatchObject({ type: 'PreconditionFailed', retryable: true });
    const { ids } = await stored();
    expect(ids).toHaveLength(OOT_ROWS);
    expect(new Set(ids).size).toBe(OOT_ROWS);
    // The run that lost finds nothing left to do when it is tried again.
    const again = await Promise.all([world.perform(predict, asked('a')), world.perform(predict, asked('b'))]);
    expect(again.map(({ rows }) => rows).sort((a, b) => a - b)).toEqual([0, OOT_ROWS]);
  });

  test('of a torn model are refused in a sentence, and nothing is stored', async () => {
    writeFileSync(fileURLToPath(model.uri), 'half a model');
    await expect(world.perform(predict, asked('a'))).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: expect.stringContaining(
        `${model.version}/model.ubj of ${model.algorithm} ${model.version} is damaged: it is not what was written; restore it`,
      ) as string,
    });
    expect(await stored()).toMatchObject({ keys: [] });
  });

  test('of a run that is stopped are not stored', async () => {
    const stop = new AbortController();
    const running = world.runStage(predict, asked('a'), {
      signal: stop.signal,
      report: () => stop.abort(new Error('stopped by hand')),
    });
    await expect(running).rejects.toThrow('stopped by hand');
    expect(await stored()).toMatchObject({ keys: [] });
  });

  test('leave the confidence out where the config says so', async () => {
    world.configure((config) => (config.inference_config.confidence_intervals = false));
    await world.perform(predict, asked('a'));
    const [file] = await predictionsFiles(world.stores.predictions);
    const path = await world.stores.predictions.localFile(file!.key);
    await expect(readColumns(path, ['confidence'])).rejects.toMatchObject({ type: 'InputInvalid' });
  });
});

describe('predictions that are lost', () => {
  const file = (key: string) => fileURLToPath(world.stores.predictions.uri(key));
  const cut = (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 100));

  test.each([
    ['gone', rmSync],
    ['cut', cut],
    ['empty', (path: string) => writeFileSync(path, '')],
  ])('are made again where their file is %s, and the others stay', async (_, damage) => {
    await world.perform(predict, asked('a', '2001-11-30'));
    await world.perform(predict, asked('b'));
    const { ids } = await stored();
    damage(file('predictions_2001-11-30.parquet'));
    expect(await world.perform(findNewRows, asked('c'))).toEqual({ status: 'ready', rows: 2 * ROWS_A_MONTH });
    expect(await world.perform(predict, asked('c'))).toMatchObject({ rows: 2 * ROWS_A_MONTH });
    const again = await stored();
    expect([...again.ids].sort((a, b) => a - b)).toEqual([...ids].sort((a, b) => a - b));
    expect(again.keys).toEqual(['predictions_2001-12-31.parquet', 'predictions_2001-12-31_2.parquet']);
  });

  test('are no longer missed where their rows are no longer to be predicted', async () => {
    await world.perform(predict, asked('a', '2001-11-30'));
    await world.perform(predict, asked('b'));
    rmSync(file('predictions_2001-11-30.parquet'));
    world.configure((config) => (config.inference_config.start_date = '2001-12-01'));
    expect(await world.perform(findNewRows, asked('c'))).toMatchObject({ status: 'skipped' });
    expect((await stored()).keys).toEqual(['predictions_2001-12-31.parquet']);
  });

  test.each([
    ['gone', rmSync],
    ['cut', cut],
  ])('lose nothing by an index that is %s', async (_, damage) => {
    await world.perform(predict, asked('a', '2001-10-31'));
    await world.perform(predict, asked('b', '2001-11-30'));
    const files = await predictionsFiles(world.stores.predictions);
    damage(file('index.json'));
    expect(await predictionsFiles(world.stores.predictions)).toEqual(files);
    expect(await world.perform(findNewRows, asked('c'))).toEqual({ status: 'ready', rows: ROWS_A_MONTH });
    await world.perform(predict, asked('c'));
    expect(await stored()).toMatchObject({ keys: [...files.map(({ key }) => key), 'predictions_2001-12-31.parquet'] });
    expect(new Set((await stored()).ids).size).toBe(OOT_ROWS);
  });
});
