import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DriftResult } from '../../src/contracts/index.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { createShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());

const random = new Mt19937(3);
const uniform = () => (random.uint32() + 0.5) / 2 ** 32;

type Row = {
  id: string;
  fold: 'train' | 'test' | 'new';
  age: number | null;
  still: number;
  colour: string;
  label: number;
};

/** Rows whose age moves by `older`, and whose colour is red that often. */
function rowsOf(fold: Row['fold'], rows: number, older: number, red: number): Row[] {
  return Array.from({ length: rows }, (_, i) => {
    const age = Math.round(100 * (uniform() + older)) / 100;
    return {
      id: `${fold}-${i}`,
      fold,
      age: i % 20 === 0 ? null : age,
      still: Math.round(100 * uniform()) / 100,
      colour: uniform() < red ? 'red' : 'blue',
      label: Number(age + uniform() > 1 + older),
    };
  });
}

const csv = (rows: Row[]) =>
  [
    'id,fold,age,still,colour,label',
    ...rows.map((row) =>
      Object.values(row)
        .map((value) => value ?? '')
        .join(','),
    ),
  ].join('\n') + '\n';

const train = rowsOf('train', 400, 0, 0.5);
const arrived = rowsOf('new', 200, 0.3, 0.9);
let drift: DriftResult;
beforeAll(async () => {
  const pipeline = await createShortPipeline(
    engines,
    folder,
    {
      source: 'people.csv',
      key: 'id',
      label: 'label',
      partition: 'arrival',
      split: { by: 'column', column: 'fold', train: 'train', test: 'test' },
    },
    { monitoring_config: { drift_warnings: { kolmogorov_smirnov: 0.2, wasserstein: 0.5, jensen_shannon: 0.2 } } },
  );
  await pipeline.process(csv([...train, ...rowsOf('test', 150, 0, 0.5)]), { asOf: '2029-12-01' });
  const { algorithms } = await pipeline.train(['xgboost']);
  await pipeline.process(csv(arrived), { asOf: '2030-01-01' });
  await pipeline.predict('xgboost');

  const { version } = algorithms.xgboost as { version: string };
  ({ drift } = await pipeline.monitor({ algorithm: 'xgboost', version }));
});

test('monitoring tells how far the new rows are from the training rows, and what is above its limit', () => {
  if (drift.status === 'skipped') throw new Error(drift.reason);
  const { age, still, colour } = drift.distances!;

  // By their definitions, over all pairs of values.
  const ages = (rows: Row[]) => rows.flatMap((row) => (row.age === null ? [] : [row.age]));
  const shareBelow = (values: number[], limit: number) =>
    values.filter((value) => value <= limit).length / values.length;
  const [before, now] = [ages(train), ages(arrived)];
  const apart = Math.max(...[...before, ...now].map((x) => Math.abs(shareBelow(before, x) - shareBelow(now, x))));
  expect(age?.kolmogorov_smirnov?.statistic).toBeCloseTo(apart, 12);
  expect(age?.kolmogorov_smirnov?.p_value).toBeLessThan(1e-6);
  // All have moved to one side: the area between the distribution functions is the difference of the means.
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(age?.wasserstein?.distance).toBeCloseTo(mean(now) - mean(before), 2);
  expect(age?.wasserstein?.scaled).toBeGreaterThan(0.5);
  expect(still?.kolmogorov_smirnov?.statistic).toBeLessThan(0.2);

  // 2 x 2: n (ad - bc)^2 over the product of the four sums.
  const count = (rows: Row[], of: string) => rows.filter((row) => row.colour === of).length;
  const [a, b, c, d] = [count(train, 'red'), count(train, 'blue'), count(arrived, 'red'), count(arrived, 'blue')];
  const statistic = (600 * (a * d - b * c) ** 2) / ((a + b) * (c + d) * (a + c) * (b + d));
  expect(colour).toEqual({
    jensen_shannon: expect.closeTo(0.3, 0) as number,
    chi_square: {
      statistic: expect.closeTo(statistic, 8) as number,
      degrees: 1,
      p_value: expect.closeTo(0, 6) as number,
    },
    adjusted_p_value: expect.closeTo(0, 6) as number,
    significant: true,
  });
  expect(still).toMatchObject({ significant: false });
  expect(still!.adjusted_p_value).toBeCloseTo(still!.kolmogorov_smirnov!.p_value, 12);

  // Older people, and the label by age: the model's probabilities move up from those of the test rows.
  expect(drift.score_distances).toMatchObject({ significant: true });
  expect(drift.score_distances?.kolmogorov_smirnov?.statistic).toBeGreaterThan(0.2);

  const told = drift.warnings!.map(({ feature, distance }) => `${feature} ${distance}`);
  expect(drift).not.toHaveProperty('distances_not_measured');
  expect(told).toEqual([
    'age kolmogorov_smirnov',
    'the score kolmogorov_smirnov',
    'age wasserstein',
    'the score wasserstein',
    'age jensen_shannon',
    'colour jensen_shannon',
    'the score jensen_shannon',
  ]);
});

test('a version that was trained before limits were set has no values to compare with, which is told', async () => {
  const definition = {
    source: 'people.csv',
    key: 'id',
    label: 'label',
    drop: ['fold'],
    split: { by: 'column', column: 'fold', train: 'train', test: ['test', 'new'] },
  };
  const pipeline = await createShortPipeline(engines, folder, definition);
  await pipeline.process(csv([...rowsOf('train', 200, 0, 0.5), ...rowsOf('test', 150, 0, 0.5)]));
  const { algorithms } = await pipeline.train(['xgboost']);
  await pipeline.predict('xgboost');
  const config = { monitoring_config: { drift_warnings: { psi: 0.1, wasserstein: 0.1 } } };
  writeFileSync(join(pipeline.folder, 'model_config.dev.json'), JSON.stringify(config));

  const { version } = algorithms.xgboost as { version: string };
  const { drift } = await pipeline.monitor({ algorithm: 'xgboost', version });
  expect(drift).toMatchObject({
    status: 'measured',
    distances_not_measured: `xgboost ${version} was trained before drift_warnings were set, and kept no values to compare with (age, still); train again.`,
  });
});
