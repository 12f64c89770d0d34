import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelTrainingCompleted } from '../../src/contracts/index.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { strongestReasons } from '../../src/ml/reasons.js';
import { importanceShift, type VersionImportance } from '../../src/registry/importance.js';
import { readCard, readVersionFile } from '../../src/registry/versions.js';
import { createShortPipeline, type ShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

test('the strongest reasons are those of the largest size, of equal ones the first, and nothing is no reason', () => {
  const contributions = Float64Array.of(0.5, -2, 0, 0.5, /* row */ 0, 0, 0.1, 0);
  const { features, contributions: strongest } = strongestReasons(contributions, 4, 3);
  expect([...features]).toEqual([1, 0, 3, 2, -1, -1]);
  expect([...strongest]).toEqual([-2, 0.5, 0.5, 0.1, NaN, NaN]);
});

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());

const random = new Mt19937(21);
const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
/** The place decides most, x a little, and nothing else does. */
const rows = Array.from({ length: 900 }, (_, i) => {
  const place = ['north', 'south', 'west'][Math.floor(3 * uniform())]!;
  const x = Math.round(uniform() * 1000) / 1000;
  const noise = Math.round(uniform() * 1000) / 1000;
  const score = (place === 'north' ? 2 : 0) + x + 0.6 * uniform();
  return { id: `r-${i}`, place, x: i % 11 === 0 ? '' : x, noise, day: `2020-01-0${1 + (i % 9)}`, score };
});
const csvOf = (label: (score: number) => string) =>
  [
    'id,place,x,noise,seen,y',
    ...rows.map((row) => `${row.id},${row.place},${row.x},${row.noise},${row.day},${label(row.score)}`),
  ].join('\n') + '\n';

const DEFINITION = { source: 'rows.csv', key: 'id' };

describe('a version of two classes', () => {
  let pipeline: ShortPipeline;
  let training: ModelTrainingCompleted;
  const algorithms = ['logistic_regression', 'random_forest', 'xgboost', 'lightgbm'];
  const importanceOf = (algorithm: string, { algorithms } = training) => {
    const trained = algorithms[algorithm]!;
    if (trained.status === 'failed') throw new Error(trained.reason);
    const ref = { algorithm, version: trained.version };
    return readVersionFile(pipeline.stores.modelRegistry, ref, 'importance.json');
  };
  beforeAll(async () => {
    pipeline = await createShortPipeline(
      engines,
      folder,
      { ...DEFINITION, label: { column: 'y', positive: 'yes' } },
      { inference_config: { reasons: 2 }, training_config: { algorithms } },
    );
    await pipeline.process(csvOf((score) => (score > 1.3 ? 'yes' : 'no')));
    training = await pipeline.train(algorithms);
  });

  test.each(algorithms)('of %s keeps which columns of the table decide, by three kinds', async (algorithm) => {
    const { features, shap, permutation, gain } = await importanceOf(algorithm);
    expect(features.map(({ feature }) => feature).sort()).toEqual(['noise', 'place', 'seen', 'x']);
    expect(features[0]!.feature).toBe('place');
    const by = Object.fromEntries(features.map((one) => [one.feature, one]));
    expect(by.place!.shap!).toBeGreaterThan(3 * by.noise!.shap!);
    expect(by.place!.permutation!.mean).toBeGreaterThan(0.1);
    expect(Math.abs(by.noise!.permutation!.mean)).toBeLessThan(0.05);
    expect(shap).toMatchObject({ split: 'test' });
    expect(permutation).toMatchObject({ metric: 'roc_auc', split: 'test', repeats: 5 });
    if (algorithm === 'logistic_regression') expect(gain).toHaveProperty('not_measured');
    else expect(by.place!.gain!).toBeGreaterThan(by.noise!.gain!);
  });

  test.each(algorithms)(
    'of %s gives the strongest reasons of each row, the same alone and among others',
    async (algorithm) => {
      const said = await pipeline.predict(algorithm);
      expect(said).toHaveLength(rows.length);
      const known = new Map(rows.map((row) => [row.id, row]));
      let first = 0;
      for (const row of said) {
        const { place, x, noise, day } = known.get(row.id as string)!;
        const texts: Record<string, string | null> = {
          place,
          x: x === '' ? null : String(x),
          noise: String(noise),
          seen: day,
        };
        for (const nth of [1, 2]) {
          const feature = row[`reason_${nth}`] as string | null;
          expect(row[`reason_${nth}_value`]).toBe(feature === null ? null : texts[feature]);
        }
        if (row.reason_1 === 'place') {
          first++;
          // Of the north it speaks for yes, of the others against it.
          expect(Math.sign(row.reason_1_contribution as number)).toBe(place === 'north' ? 1 : -1);
        }
        if (row.reason_2_contribution !== null)
          expect(Math.abs(row.reason_1_contribution as number)).toBeGreaterThanOrEqual(
            Math.abs(row.reason_2_contribution as number),
          );
      }
      expect(first).toBeGreaterThan(0.8 * rows.length);
    },
  );

  test('the card tells it in short', async () => {
    const { version } = training.algorithms.xgboost as { version: string };
    const card = (await readCard(pipeline.stores.modelRegistry, { algorithm: 'xgboost', version }))!;
    expect(card).toMatch(/\n## Importance\n\n.*\n.*\n\| `place` \|/);
  });
});

test('a row of several classes has the reasons for the class that it got', async () => {
  const pipeline = await createShortPipeline(
    engines,
    folder,
    { ...DEFINITION, label: 'y', task: 'multiclass' },
    { inference_config: { reasons: 3 }, training_config: { algorithms: ['random_forest'] } },
  );
  await pipeline.process(csvOf((score) => (score > 2.2 ? 'high' : score > 0.8 ? 'middle' : 'low')));
  await pipeline.train(['random_forest']);
  const said = await pipeline.predict('random_forest');
  const high = said.filter(({ label }) => label === 'high');
  expect(high.length).toBeGreaterThan(100);
  for (const row of high) expect(row).toMatchObject({ reason_1: 'place', reason_1_value: 'north' });
  for (const row of high) expect(row.reason_1_contribution as number).toBeGreaterThan(0);
});

describe('from version to version', () => {
  const importance = (shap: Record<string, number>): VersionImportance => ({
    features: Object.entries(shap).map(([feature, value]) => ({ feature, shap: value, permutation: null, gain: null })),
    shap: { split: 'test', rows: 200 },
    permutation: { not_measured: 'off' },
    gain: { not_measured: 'none' },
  });

  test('shares are compared, the largest change first, with the order of all of them', () => {
    const shift = importanceShift(importance({ a: 5, b: 3, c: 2 }), importance({ a: 2, b: 3, d: 5 }))!;
    expect(shift.kind).toBe('shap');
    expect(shift.features.map(({ feature }) => feature)).toEqual(['d', 'a', 'c', 'b']);
    expect(shift.features[0]).toEqual({ feature: 'd', before: null, after: 0.5, change: 0.5 });
    // Ranks 4 3 2 1 and 2 3 1 4: 1 - 6 (4 + 0 + 1 + 9) / 60.
    expect(shift.rank_correlation).toBeCloseTo(-0.4, 12);
  });

  test('nothing is compared that one of them was not measured by', () => {
    const unmeasured = { ...importance({ a: 1 }), shap: { not_measured: 'too large' } };
    expect(importanceShift(unmeasured, importance({ a: 1 }))).toBeUndefined();
  });
});
