import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readDatasetMetadata } from '../../src/data/dataset.js';
import { readColumns } from '../../src/platform/files/parquet.js';
import { predictionsFiles } from '../../src/data/predictions.js';
import { detectDrift } from '../../src/stages/detectDrift.js';
import { findNewRows } from '../../src/stages/findNewRows.js';
import { measurePerformance } from '../../src/stages/measurePerformance.js';
import { predict } from '../../src/stages/predict.js';
import { preprocess } from '../../src/stages/preprocess.js';
import { resolveModel } from '../../src/stages/resolveModel.js';
import { describeResults } from '../../src/cli/resultTables.js';
import {
  AFTER_ALL,
  createTinyWorld,
  MONTHS,
  ROWS_A_MONTH,
  runRef,
  TINY,
  tinyEngines,
  trainTiny,
  type TinyWorld,
} from '../support/tinyPipeline.js';

const engines = tinyEngines();
let world: TinyWorld;
beforeAll(async () => {
  world = await createTinyWorld(engines);
  await world.writeGold(MONTHS);
  world.save();
});
afterEach(() => world.restore());
afterAll(async () => {
  world.close();
  await engines.close();
});

const input = (runId: string, asOf = AFTER_ALL) => ({ pipeline: TINY, run: runRef(runId), asOf });
const OOT = MONTHS.slice(-3);
const TEST = MONTHS.slice(-6, -3);

async function champion() {
  const resolved = await world.perform(resolveModel, input('r'));
  if (resolved.status === 'skipped') throw new Error(resolved.reason);
  return resolved.model;
}

async function predictAll(asOf: string) {
  const model = await champion();
  await world.perform(predict, { ...input('p', asOf), model });
  return { model, monitored: { ...input('m', asOf), predictions: { model, rows: 1 } } };
}

/** Stored probabilities by id. */
async function probabilities(): Promise<Map<number, number>> {
  const scores = new Map<number, number>();
  for (const { key } of await predictionsFiles(world.stores.predictions)) {
    const [ids, probability] = await readColumns(await world.stores.predictions.localFile(key), ['id', 'probability']);
    Array.from(ids!, Number).forEach((id, row) => scores.set(id, Number(probability![row])));
  }
  return scores;
}

test('a label counts 30 days after its row, in training, the gate and monitoring alike', async () => {
  // To 2001-11-20: 60 rows of October, and of November three on each of the first four days and two on each of the next 16.
  const asOf = '2001-12-20';
  const { dataset, promotion } = await trainTiny(world, { asOf });
  expect(dataset.rows.oot).toBe(60 + 12 + 32);
  expect(promotion.metrics.challenger.n).toBe(104);
  const { monitored } = await predictAll(asOf);
  expect(await world.perform(measurePerformance, monitored)).toMatchObject({ status: 'measured', metrics: { n: 104 } });
});

describe('labels', () => {
  test('that are null are left out, counted and told', async () => {
    await world.writeGold(TEST, { label: 'CASE WHEN id % 2 = 0 THEN label END' });
    await world.writeGold(OOT, { label: "CASE WHEN id % 4 = 0 THEN CAST('NaN' AS DOUBLE) ELSE label END" });
    const result = await trainTiny(world);
    expect(result.dataset.rows).toEqual({ train: 18 * ROWS_A_MONTH, test: 90, oot: 135 });
    expect((await readDatasetMetadata(world.stores.datamart, result.dataset)).splits).toMatchObject({
      train: { unlabelled: 0 },
      test: { unlabelled: 90 },
      oot: { unlabelled: 45 },
    });
    expect(result.dataset.warnings).toEqual([
      '90 rows of the test split have no label yet (null) and are left out.',
      '45 rows of the oot split have no label yet (null) and are left out.',
    ]);
    expect(describeResults({ training: result })).toContain('Warning: 90 rows of the test split have no label yet');
  });

  test('of one class in the test split leave its areas unmeasured, and are told', async () => {
    await world.writeGold(TEST, { label: '1' });
    const { algorithms, dataset, promotion } = await trainTiny(world);
    expect(algorithms.logistic_regression).toMatchObject({ status: 'completed', test: { roc_auc: null } });
    expect(dataset.warnings).toEqual([
      "The test split has 180 labels, all of them 1: what tells two classes apart can't be measured on it.",
    ]);
    // The out-of-time split decides, and has both.
    expect(promotion.decision).toBe('promote');
  });

  test.each(['oot.roc_auc', 'oot.accuracy'])(
    'of one class in the %s split promote nobody, and are told',
    async (metric) => {
      await world.writeGold(OOT, { label: '0' });
      const result = await trainTiny(world, { change: (config) => (config.model_config.champion_metric = metric) });
      expect(result).toMatchObject({
        status: 'completed',
        champion: null,
        challenger: { algorithm: 'logistic_regression' },
        promotion: {
          decision: 'refuse',
          reason: expect.stringContaining('it does not pass rows_of_each_class (expected >= 1, got 0)') as string,
        },
        dataset: {
          warnings: [
            "The oot split has 180 labels, all of them 0: what tells two classes apart can't be measured on it, so no model is promoted by it.",
          ],
        },
      });
      expect(describeResults({ training: result })).toContain('no champion');
    },
  );

  test('of one class, or too few of one for the folds, stop a training before it fits anything', async () => {
    await world.writeGold(MONTHS, { label: 'CAST(id = 7 AS INTEGER)' });
    await expect(trainTiny(world)).rejects.toMatchObject({
      type: 'InputInvalid',
      message:
        '1 of the 1,080 rows of the train split has the label 1, and 3 folds need one each; lower model_config.cv_folds, widen the split or process more data.',
    });
    await world.writeGold(MONTHS, { label: '1' });
    await expect(trainTiny(world)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringContaining('The train split has 1,080 rows, all with the label 1') as string,
    });
  });
});

describe('leakage', () => {
  test('is told where a feature is the label, and names it', async () => {
    await world.writeGold(MONTHS, { flag: 'label' });
    const result = await trainTiny(world);
    expect(result.dataset.warnings).toEqual([
      'Leakage: the feature flag is the label itself in every row of the train split; leave it out unless it is known before the label is.',
    ]);
    expect(describeResults({ training: result })).toContain('Warning: Leakage: the feature flag');
  });

  test('is told where a feature gives the label away', async () => {
    await world.writeGold(MONTHS, { x2: 'label * 10 + x2' });
    const { warnings } = await world.perform(preprocess, input('a'));
    expect(warnings).toEqual([
      'Leakage: the feature x2 alone separates the classes almost perfectly (ROC AUC 1.0000) of the train split; leave it out unless it is known before the label is.',
    ]);
  });
});

describe('what is missing', () => {
  const ODD =
    "CASE id % 5 WHEN 0 THEN CAST('inf' AS DOUBLE) WHEN 1 THEN CAST('-inf' AS DOUBLE) WHEN 2 THEN CAST('NaN' AS DOUBLE) WHEN 3 THEN 1e300 ELSE x1 END";
  const NULLS = 'CASE WHEN id % 5 = 4 THEN x1 END';

  test('is the same to scaler and model, whether null, NaN, infinite or beyond single precision', async () => {
    await world.writeGold(MONTHS, { x1: NULLS });
    const nulls = await readDatasetMetadata(world.stores.datamart, await world.perform(preprocess, input('a')));
    await world.writeGold(MONTHS, { x1: ODD });
    const odd = await readDatasetMetadata(world.stores.datamart, await world.perform(preprocess, input('b')));
    expect(odd.transforms).toEqual(nulls.transforms);
    expect(odd.splits).toEqual(nulls.splits);
  });

  test('is the same to inference and monitoring, and keeps no other row from being scored', async () => {
    await trainTiny(world);
    await world.writeGold(OOT, { x1: NULLS });
    await predictAll(AFTER_ALL);
    const expected = await probabilities();
    world.restore();

    await trainTiny(world);
    await world.writeGold(OOT, { x1: ODD });
    const { monitored } = await predictAll(AFTER_ALL);
    expect(await probabilities()).toEqual(expected);
    expect(expected.size).toBe(3 * ROWS_A_MONTH);
    expect(await world.perform(findNewRows, input('n'))).toMatchObject({ status: 'skipped' });
    expect(await world.perform(detectDrift, monitored)).toMatchObject({ missing_rate: { x1: 0.8, x2: 0 } });
  });
});
