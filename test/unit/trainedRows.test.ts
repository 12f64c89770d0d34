import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { VersionRef } from '../../src/contracts/index.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { verdictOf } from '../../src/monitoring/verdict.js';
import { createShortPipeline, type ShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());

const random = new Mt19937(5);
const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
const COLUMNS = Array.from({ length: 40 }, (_, i) => `n${i}`);
interface Row {
  id: string;
  side: string;
  bought: string;
  text: string;
}
/** Rows of chance alone: a boosted model learns those that it is trained on by heart, and knows nothing of others. */
const rowsOf = (side: string, count: number, day: string): Row[] =>
  Array.from({ length: count }, (_, i) => {
    const id = `${side}-${day}-${i}`;
    const bought = uniform() < 0.5 ? 'yes' : 'no';
    const noise = COLUMNS.map(() => uniform().toFixed(4));
    return { id, side, bought, text: [id, side, day, bought, ...noise].join(',') };
  });
const text = (rows: Row[]) => [['id', 'side', 'day', 'bought', ...COLUMNS], ...rows.map((row) => row.text)].join('\n');

const LEARNED = rowsOf('a', 300, '2029-06-01');
const TESTED = rowsOf('b', 150, '2029-12-20');
const LATER = rowsOf('a', 120, '2029-12-28');
const SHORT = { source: 'table.csv', key: 'id', label: { column: 'bought', positive: 'yes' } };

async function train(pipeline: ShortPipeline): Promise<VersionRef> {
  const { algorithms } = await pipeline.train(['xgboost']);
  const trained = algorithms.xgboost!;
  if (trained.status !== 'completed') throw new Error(trained.reason);
  return { algorithm: 'xgboost', version: trained.version };
}

describe('a model that knows its training rows by heart', () => {
  let pipeline: ShortPipeline;
  let version: VersionRef;
  let scores: Map<string, number>;
  beforeAll(async () => {
    const split = { by: 'column', column: 'side', train: 'a', test: 'b' };
    pipeline = await createShortPipeline(engines, folder, { ...SHORT, drop: ['day'], split });
    await pipeline.process(text([...LEARNED, ...TESTED]));
    version = await train(pipeline);
    scores = new Map(
      (await pipeline.predict('xgboost')).map(({ id, probability }) => [id as string, probability as number]),
    );
  }, 60_000);
  /** ROC AUC, counted pair by pair. */
  const auc = (rows: Row[]) => {
    const pairs = rows
      .filter(({ bought }) => bought === 'yes')
      .flatMap(({ id }) =>
        rows.flatMap((other) => (other.bought === 'no' ? [scores.get(id)! - scores.get(other.id)!] : [])),
      );
    return pairs.reduce((sum, difference) => sum + (Math.sign(difference) + 1) / 2, 0) / pairs.length;
  };

  test('is watched on the other rows alone: their scores have not drifted, and no retraining is asked for', async () => {
    expect(auc(LEARNED)).toBeGreaterThan(0.99);
    expect(auc(TESTED)).toBeLessThan(0.65);
    const { drift, performance } = await pipeline.monitor(version);
    expect(drift).toMatchObject({ status: 'measured', rows: 150, trained_rows: 300, score_drifted: false });
    expect(drift).toMatchObject({ looked_at: { rows: 150 } });
    expect(performance).toMatchObject({ metrics: { n: 150 } });
    expect(performance.status === 'measured' && performance.metrics.roc_auc).toBeCloseTo(auc(TESTED), 10);
    expect(verdictOf(performance, drift)).toMatchObject({ retrain: false, conclusion: 'ok' });
  });

  test('is watched on rows that came after its training, whatever side they are of', async () => {
    await pipeline.process(text([...LEARNED, ...TESTED, ...LATER]));
    for (const { id, probability } of await pipeline.predict('xgboost'))
      scores.set(id as string, probability as number);
    const { drift, performance } = await pipeline.monitor(version);
    expect(drift).toMatchObject({ rows: 270, trained_rows: 300 });
    expect(performance.status === 'measured' && performance.metrics.roc_auc).toBeCloseTo(
      auc([...TESTED, ...LATER]),
      10,
    );
  });
});

test('where too little else is scored nothing is measured, and that is said', async () => {
  const split = { by: 'time', test: '2029-12-01' };
  const definition = { ...SHORT, time: 'day', drop: ['side'], split };
  const monitoring_config = { window_days: 5, min_samples_for_metrics: 130 };
  const pipeline = await createShortPipeline(engines, folder, definition, { monitoring_config });
  await pipeline.process(text([...LEARNED, ...TESTED, ...LATER]));
  await expect(pipeline.train(['xgboost'], '2029-05-31')).rejects.toThrow(
    'The train split (the beginning to 2029-05-31) has no rows whose labels are known by 2029-05-31; process more data or change the split.',
  );
  const version = await train(pipeline);
  await pipeline.predict('xgboost');
  const { drift, performance } = await pipeline.monitor(version, '2029-11-30');
  expect(drift).toEqual({
    status: 'skipped',
    reason:
      'There is nothing new to monitor: the version was trained on every row that is scored by 2029-11-30; drift needs at least 130.',
  });
  expect(performance).toEqual({
    status: 'skipped',
    reason:
      '0 scored rows have labels by 2029-11-30, besides 300 rows that the version was trained on; performance needs at least 130.',
  });
  expect(verdictOf(performance, drift)).toMatchObject({ drift: null, retrain: false, conclusion: 'not_measured' });

  // Of 120 and 150 rows that the version was not trained on.
  writeFileSync(
    join(pipeline.folder, 'model_config.dev.json'),
    JSON.stringify({ monitoring_config: { ...monitoring_config, min_samples_for_metrics: 100 } }),
  );
  const { drift: measured } = await pipeline.monitor(version, '2029-12-31');
  expect(measured).toMatchObject({
    rows: 120,
    trained_rows: 300,
    looked_at: { rows: 120, from: '2029-12-28', older: 150 },
  });
  writeFileSync(join(pipeline.folder, 'model_config.dev.json'), JSON.stringify({ monitoring_config }));
  const last = await pipeline.monitor(version, '2029-12-31');
  expect([last.drift, last.performance]).toMatchObject([
    {
      status: 'skipped',
      reason:
        '120 rows are scored by 2029-12-31, besides 300 rows that the version was trained on and 150 rows from before 2029-12-28, which monitoring_config.window_days leaves out; drift needs at least 130.',
    },
    {
      status: 'skipped',
      reason:
        '120 scored rows have labels by 2029-12-31, besides 300 rows that the version was trained on and 150 rows from before 2029-12-28, which monitoring_config.window_days leaves out; performance needs at least 130.',
    },
  ]);
}, 60_000);
