import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { INTERNAL } from '../../src/config/columns.js';
import { REFERENCE_SCORES } from '../../src/data/referenceRows.js';
import { scoreColumn } from '../../src/data/scoredRows.js';
import { delongTest } from '../../src/ml/comparison/delong.js';
import { readColumns } from '../../src/platform/files/parquet.js';
import { readVersion, rowFile, versionKey } from '../../src/registry/versions.js';
import { compareModels, type CompareModelsInput } from '../../src/stages/compareModels.js';
import {
  createTinyWorld,
  MONTHS,
  runRef,
  ROWS_A_MONTH,
  TINY,
  tinyEngines,
  trainTiny,
  type TinyWorld,
} from '../support/tinyPipeline.js';

const engines = tinyEngines();
const ALGORITHM = 'logistic_regression';
let world: TinyWorld;

/** A pipeline with buckets of its own, which hold what the tiny one's do. */
function copyTiny(name: string): void {
  const pipelines = join(process.env.PERDURE_CONF!, 'pipelines');
  cpSync(join(pipelines, TINY), join(pipelines, name), { recursive: true });
  for (const file of ['pipeline.json', 'model_config.dev.json']) {
    const path = join(pipelines, name, file);
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/"tiny("|-)/g, `"${name}$1`));
  }
  for (const bucket of readdirSync(world.storeRoot).filter((folder) => folder.startsWith(`${TINY}-`))) {
    const copy = join(world.storeRoot, bucket.replace(TINY, name));
    cpSync(join(world.storeRoot, bucket), copy, { recursive: true });
    rmSync(join(copy, 'owner.json'), { force: true });
  }
}

beforeAll(async () => {
  world = await createTinyWorld(engines);
  // The labels of some rows are others: no pipeline of the same table.
  await world.writeGold(MONTHS, { label: 'CASE WHEN id % 50 = 0 THEN 1 - label ELSE label END' });
  await trainTiny(world);
  copyTiny('other');
  await world.writeGold(MONTHS);
  await trainTiny(world, {
    change: ({ algorithms }) => (algorithms.logistic_regression.params = { penalty: 'l1', C: 0.0001 }),
  });
  await trainTiny(world);
  copyTiny('same');
});
afterAll(async () => {
  world.close();
  await engines.close();
});

const compare = (models: CompareModelsInput['models'], more: Partial<CompareModelsInput> = {}) =>
  world.perform(compareModels, { pipeline: TINY, run: runRef('compare'), models, ...more });
const version = (number: number, pipeline = TINY) => ({
  pipeline,
  model: { algorithm: ALGORITHM, version: `v${number}` },
});

test('two versions are compared on the test rows, as their trainings measured them and as DeLong tells them apart', async () => {
  const { tables } = await compare([version(2), version(3)]);
  const registry = world.stores.modelRegistry;
  const [weak, strong] = tables[0]!.models;
  const scores = await Promise.all(
    [weak!, strong!].map(async (ref) => {
      const file = await rowFile(registry, ref, REFERENCE_SCORES);
      return readColumns(file!, [INTERNAL.label, scoreColumn(0)]) as Promise<[Float64Array, Float64Array]>;
    }),
  );
  const expected = delongTest(scores[0]![0], scores[1]![1], scores[0]![1])!;
  const measured = await Promise.all([weak!, strong!].map((ref) => readVersion(registry, ref)));
  expect(tables).toHaveLength(1);
  expect(tables[0]).toMatchObject({ metric: 'roc_auc', splits: { tiny: 'test' }, rows: 3 * ROWS_A_MONTH });
  expect([weak!.number, strong!.number]).toEqual([2, 3]);
  expect([weak!.metrics, strong!.metrics]).toEqual(measured.map((metadata) => metadata!.performance.test));
  expect(weak!.against_first).toBeNull();
  const { difference, p, adjusted_p, verdict } = strong!.against_first!;
  expect([difference, p, adjusted_p]).toEqual(
    [expected.difference, expected.p, expected.p].map((value) => expect.closeTo(value, 12) as number),
  );
  expect(verdict).toBe(expected.p >= 0.05 ? 'no difference' : expected.difference > 0 ? 'better' : 'worse');
  expect(verdict).not.toBe('no difference');
});

test('a pipeline alone means its champion and the latest of each algorithm, each once', async () => {
  const { tables } = await compare([{ pipeline: TINY }]);
  expect(tables[0]!.models.map(({ algorithm, number }) => [algorithm, number])).toEqual([[ALGORITHM, 3]]);
});

test('pipelines of the same rows stand in one table, and others by themselves', async () => {
  const { tables } = await compare([version(2), version(3, 'same'), version(1, 'other')]);
  expect(tables.map(({ models }) => models.map(({ pipeline }) => pipeline))).toEqual([[TINY, 'same'], ['other']]);
  const within = (await compare([version(2), version(3)])).tables[0]!.models[1]!;
  expect(tables[0]!.models[1]).toEqual({ ...within, pipeline: 'same' });
});

test('rows that any of them was trained on are left out', async () => {
  const testFrom = (end: string, start: string, last = '2001-09-30') =>
    world.configure(({ temporal_splits: splits }) => {
      splits.train.end_date = end;
      splits.test = { start_date: start, end_date: last };
    });
  testFrom('2001-04-30', '2001-05-01');
  expect((await compare([version(2), version(3)])).tables[0]!.rows).toBe(3 * ROWS_A_MONTH);
  testFrom('2001-03-31', '2001-04-01', '2001-06-30');
  await expect(compare([version(2), version(3)])).rejects.toMatchObject({
    type: 'NotFound',
    message:
      'There is no row of tiny that all the models predict and none was trained on; compare versions whose splits have rows in common.',
  });
  world.configure(() => {});
});

test('a version that can not score the rows is left out, and told', async () => {
  const broken = (await compare([version(3, 'same')])).tables[0]!.models[0]!;
  rmSync(join(world.storeRoot, 'same-registry', versionKey(broken, 'preprocessing.json')));
  const { tables, left_out } = await compare([version(2), version(3, 'same')]);
  expect(tables.flatMap(({ models }) => models.map(({ pipeline }) => pipeline))).toEqual([TINY]);
  expect(left_out).toMatchObject([
    {
      pipeline: 'same',
      algorithm: ALGORITHM,
      number: 3,
      reason: expect.stringContaining('preprocessing.json') as string,
    },
  ]);
});

test.each([
  [{ split: 'validation' as const }, 'tiny has no split validation; it has train, test, oot.'],
  [{ metric: 'rmse' as const }, /^A binary task has no metric rmse; it has accuracy, /],
])('%o is refused with what there is', async (more, message) => {
  await expect(compare([version(2), version(3)], more)).rejects.toThrow(message);
});
