import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AlertThresholds } from '../../src/config/alerts.js';
import type { PerformanceResult } from '../../src/contracts/index.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { planBatches } from '../../src/monitoring/batches.js';
import { verdictOf } from '../../src/monitoring/verdict.js';
import { alertFor, isOver } from '../../src/platform/notify/conditions.js';
import { createShortPipeline, DATED_FOLDS } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());

const random = new Mt19937(4);
const uniform = () => (random.uint32() + 0.5) / 2 ** 32;

/** Rows of one day, of which the model learns that the label is 1 where x is above .5. */
function rowsOf(fold: string, day: string, rows: number, isOtherwise = false): string[] {
  return Array.from({ length: rows }, (_, i) => {
    const x = uniform();
    const label = Number(x > 0.5 !== uniform() < 0.1) ^ Number(isOtherwise);
    return `${fold}-${day}-${i},${fold},${day},${x.toFixed(5)},${label}`;
  });
}

const days = (month: string, first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => `${month}-${String(first + i).padStart(2, '0')}`);

const MONITORING = { min_samples_for_metrics: 200, window_days: 30, drift_warnings: { psi: 0.2 } };

describe('rows whose labels mean something else after ten days', () => {
  let performance: PerformanceResult;
  beforeAll(async () => {
    const pipeline = await createShortPipeline(engines, folder, DATED_FOLDS, {
      monitoring_config: { ...MONITORING, label_maturity_days: 2 },
    });
    const rows = [
      ...rowsOf('train', '2029-10-15', 600),
      ...rowsOf('test', '2029-11-15', 400),
      ...days('2029-12', 1, 10).flatMap((day) => rowsOf('new', day, 100)),
      ...days('2029-12', 11, 22).flatMap((day) => rowsOf('new', day, 100, true)),
    ];
    const asOf = '2029-12-22';
    await pipeline.process(`id,fold,seen,x,label\n${rows.join('\n')}\n`, { asOf });
    const { algorithms } = await pipeline.train(['logistic_regression'], '2029-11-30');
    await pipeline.predict('logistic_regression', asOf);
    const { version } = algorithms.logistic_regression as { version: string };
    ({ performance } = await pipeline.monitor({ algorithm: 'logistic_regression', version }, asOf));
  });

  test('each batch tells its metric with an interval, and which of them have dropped', () => {
    const batches = performance.batches!;
    const ofDecember = batches.filter(({ from }) => from >= '2029-12-01');
    expect(ofDecember.map(({ from, to }) => `${from} ${to}`).slice(0, 2)).toEqual([
      '2029-12-01 2029-12-02',
      '2029-12-03 2029-12-04',
    ]);
    for (const { to, measured, breached } of ofDecember) {
      if (to > '2029-12-20') continue;
      const { value, interval } = measured!.roc_auc!;
      expect(breached).toBe(to > '2029-12-10');
      expect(interval![0]).toBeLessThan(value);
      expect(interval![1]).toBeGreaterThan(value);
      // With labels that are right in nine of ten rows the best ranking has .9; reversed, .1.
      expect(Math.abs(value - (to > '2029-12-10' ? 0.1 : 0.9))).toBeLessThan(0.08);
    }
    // The last two days have no mature labels yet, and are looked at all the same.
    expect(ofDecember.at(-1)).toMatchObject({ from: '2029-12-21', to: '2029-12-22', rows: 200, labelled: 0 });
    expect(ofDecember.at(-1)).not.toHaveProperty('measured');
  });

  test('the detector sees the change soon after it happened', () => {
    const { rows, changes } = performance.concept_drift!;
    expect(rows).toBeGreaterThanOrEqual(2_000);
    expect(changes.map(({ day }) => day)[0]).toBe('2029-12-11');
    expect(changes[0]!.error_before).toBeLessThan(0.2);
    expect(changes[0]!.error_after).toBeGreaterThan(changes[0]!.error_before);
  });

  test('labels of half ones and half zeros, as at training, have not drifted', () => {
    expect(performance.labels).toMatchObject({ drifted: false, warnings: [] });
    expect(performance.labels!.psi).toBeLessThan(0.05);
  });
});

test('rows of one day are no course of time, whatever their keys are sorted by', async () => {
  const pipeline = await createShortPipeline(engines, folder, DATED_FOLDS, { monitoring_config: MONITORING });
  const day = '2029-12-01';
  // What the model gets wrong stands before what it gets right: all of it came on the same day.
  const sorted = [
    ...rowsOf('new', day, 400, true),
    ...rowsOf('late', day, 400).map((row) => row.replace(',late,', ',new,')),
  ].map((row, i) => row.replace(/^[^,]+/, `row-${1_000 + i}`));
  const rows = [...rowsOf('train', '2029-10-15', 600), ...rowsOf('test', '2029-11-15', 400), ...sorted];
  await pipeline.process(`id,fold,seen,x,label\n${rows.join('\n')}\n`, { asOf: day });
  const { algorithms } = await pipeline.train(['logistic_regression'], '2029-11-30');
  await pipeline.predict('logistic_regression', day);
  writeFileSync(
    join(pipeline.folder, 'model_config.dev.json'),
    JSON.stringify({ monitoring_config: { ...MONITORING, window_days: 1 } }),
  );
  const { version } = algorithms.logistic_regression as { version: string };
  const { performance } = await pipeline.monitor({ algorithm: 'logistic_regression', version }, day);
  expect(performance.concept_drift).toMatchObject({ rows: 800, changes: [] });
});

describe('estimates before labels come', () => {
  // A label is as likely as x says, which a model can learn; of rows whose x lies near .5 nobody can say much.
  const likely = (fold: string, day: string, rows: number, x: () => number) =>
    Array.from({ length: rows }, (_, i) => {
      const value = x();
      return `${fold}-${day}-${i},${fold},${day},${value.toFixed(5)},${Number(uniform() < value)}`;
    });
  const hard = () => 0.4 + 0.2 * uniform();
  const rows = [
    ...likely('train', '2029-10-15', 2_000, uniform),
    ...likely('test', '2029-11-15', 1_500, uniform),
    ...likely('new', '2029-12-01', 1_000, uniform),
    ...likely('new', '2029-12-02', 1_000, hard),
  ];
  const monitored = async (estimated_drop: string, label_maturity_days: number) => {
    const monitoring_config = { min_samples_for_metrics: 500, window_days: 10, label_maturity_days, estimated_drop };
    const pipeline = await createShortPipeline(engines, folder, DATED_FOLDS, {
      monitoring_config: { ...monitoring_config, label_maturity_days: 0 },
    });
    await pipeline.process(`id,fold,seen,x,label\n${rows.join('\n')}\n`, { asOf: '2029-12-02' });
    const { algorithms } = await pipeline.train(['logistic_regression'], '2029-11-30');
    await pipeline.predict('logistic_regression', '2029-12-02');
    writeFileSync(join(pipeline.folder, 'model_config.dev.json'), JSON.stringify({ monitoring_config }));
    const { version } = algorithms.logistic_regression as { version: string };
    return pipeline.monitor({ algorithm: 'logistic_regression', version }, '2029-12-02');
  };

  test('stand beside what is measured, and lie within their errors of it', async () => {
    const { performance, drift } = await monitored('report', 0);
    const batches = performance.batches!.filter(({ from }) => from >= '2029-12-01');
    expect(batches).toHaveLength(2);
    for (const { estimated, measured } of batches) {
      expect(Object.keys(estimated!)).toEqual(['roc_auc', 'accuracy', 'f1']);
      for (const metric of ['roc_auc', 'accuracy', 'f1'] as const) {
        const { value, sampling_error } = estimated![metric]!;
        // Which labels came is a draw as well.
        const { value: found, interval } = measured![metric]!;
        expect(Math.abs(value - found)).toBeLessThan(2 * sampling_error! + (interval![1] - interval![0]) / 2);
      }
    }
    // Of x in [0, 1] as the probability the ROC AUC is 5 / 6; in [.4, .6] some .53.
    expect(batches[0]!.estimated!.roc_auc!.value).toBeCloseTo(5 / 6, 1);
    expect(batches[1]!.estimated!.roc_auc!.value).toBeLessThan(0.6);
    expect(performance.estimate).toMatchObject({ metric: 'roc_auc', rows: 1_000, breached: true });
    expect(performance.estimate).not.toHaveProperty('alarm');
    expect(verdictOf(performance, drift).performance_drop).toBe(true);
  });

  test('of a drop alarm where the config says so, while the labels are still to come', async () => {
    const { performance, drift } = await monitored('alarm', 5);
    // What is labelled, of November, was as good as at training.
    expect(performance).toMatchObject({
      status: 'measured',
      breached: false,
      estimate: { breached: true, alarm: true },
    });
    expect(performance.batches!.at(-1)).not.toHaveProperty('measured');
    const verdict = verdictOf(performance, drift);
    expect(verdict).toMatchObject({ performance_drop: true, retrain: true, conclusion: 'attention' });

    const facts = {
      condition: 'accuracy_drop' as const,
      pipeline: 'table',
      at: '2029-12-02T00:00:00Z',
      model: { algorithm: 'logistic_regression', version: 'v1' },
      report: 'file:///report.json',
      performance,
    };
    const alert = alertFor(facts, AlertThresholds.parse({}));
    expect(alert).toMatchObject({ level: 'critical', details: { metric: 'roc_auc', rows: 1_000 } });
    expect(alert!.summary).toContain('over 1,000 rows whose labels are still to come');
    expect(isOver(facts, AlertThresholds.parse({}))).toBe(false);
  });

  test('otherwise tell, and conclude nothing', async () => {
    const { performance, drift } = await monitored('report', 5);
    expect(performance).toMatchObject({ status: 'measured', estimate: { breached: true } });
    expect(verdictOf(performance, drift)).toMatchObject({ performance_drop: false });
  });
});

describe('labels against those of the training rows', () => {
  const csv = (rows: string[]) => `id,fold,x,amount\n${rows.join('\n')}\n`;
  const amounts = (fold: string, rows: number, more: number) =>
    Array.from({ length: rows }, (_, i) => {
      const x = uniform();
      return `${fold}-${i},${fold},${x.toFixed(4)},${(x + more + uniform()).toFixed(3)}`;
    });

  test('of a regression: by value, above the limits told and deciding nothing', async () => {
    const train = amounts('train', 500, 0);
    const pipeline = await createShortPipeline(
      engines,
      folder,
      {
        source: 'table.csv',
        key: 'id',
        label: 'amount',
        task: 'regression',
        partition: 'arrival',
        split: { by: 'column', column: 'fold', train: 'train', test: 'test' },
      },
      { monitoring_config: { drift_warnings: { psi: 0.2, kolmogorov_smirnov: 0.1, wasserstein: 0.1 } } },
    );
    await pipeline.process(csv([...train, ...amounts('test', 200, 0)]), { asOf: '2029-12-01' });
    const { algorithms } = await pipeline.train(['xgboost']);
    const arrived = amounts('new', 300, 0.6);
    await pipeline.process(csv(arrived), { asOf: '2030-01-01' });
    await pipeline.predict('xgboost');
    const { version } = algorithms.xgboost as { version: string };
    const { performance, drift } = await pipeline.monitor({ algorithm: 'xgboost', version });

    const { labels } = performance;
    const amountsOf = (rows: string[]) => rows.map((row) => Number(row.split(',')[3]));
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(labels).toMatchObject({ rows: 300, drifted: true });
    // All have moved to one side, so that the distance is the difference of the means.
    expect(labels!.distances!.wasserstein!.distance).toBeCloseTo(mean(amountsOf(arrived)) - mean(amountsOf(train)), 2);
    expect(labels!.warnings!.map(({ feature, distance }) => `${feature} ${distance}`)).toEqual([
      'the label psi',
      'the label kolmogorov_smirnov',
      'the label wasserstein',
    ]);
    // x has not moved, and neither has what the model says of it.
    expect(drift).toMatchObject({ drifted: [], score_drifted: false });
  });
});

describe('labels of several classes', () => {
  const csv = (rows: string[]) => `id,fold,x,kind\n${rows.join('\n')}\n`;
  const kindsOf = (fold: string, kinds: [string, number][]) =>
    kinds.flatMap(([kind, rows], at) =>
      Array.from({ length: rows }, (_, i) => `${fold}-${kind}-${i},${fold},${(at + uniform()).toFixed(4)},${kind}`),
    );
  let pipeline: Awaited<ReturnType<typeof createShortPipeline>>;
  let model: { algorithm: string; version: string };
  const watch = (monitoring_config: object) =>
    writeFileSync(join(pipeline.folder, 'model_config.dev.json'), JSON.stringify({ monitoring_config }));
  beforeAll(async () => {
    pipeline = await createShortPipeline(
      engines,
      folder,
      {
        source: 'table.csv',
        key: 'id',
        label: 'kind',
        partition: 'arrival',
        split: { by: 'column', column: 'fold', train: 'train', test: 'test' },
      },
      { monitoring_config: { performance_metric: 'log_loss' } },
    );
    const folds = ['train', 'test'].map((fold) =>
      kindsOf(fold, [
        ['a', 150],
        ['b', 150],
        ['c', 100],
      ]),
    );
    await pipeline.process(csv(folds.flat()), { asOf: '2029-12-01' });
    const { algorithms } = await pipeline.train(['xgboost']);
    model = { algorithm: 'xgboost', version: (algorithms.xgboost as { version: string }).version };
  });

  test('a class of a single row hides nothing of the others, and a class that is new is seen in the labels', async () => {
    const arrived = kindsOf('new', [
      ['a', 100],
      ['b', 99],
      ['c', 1],
      ['d', 80],
      ['e', 20],
    ]);
    await pipeline.process(csv(arrived), { asOf: '2030-01-01' });
    await pipeline.predict('xgboost');
    const { performance } = await pipeline.monitor(model);
    if (performance.status === 'skipped') throw new Error(performance.reason);
    // No metric can tell of d and e, which the model has no probability of.
    expect(performance.metrics.n).toBe(200);
    expect(performance.p_value).toBeGreaterThan(0);
    expect(performance.labels).toMatchObject({ rows: 300, drifted: true });
    expect(performance.rows_not_measured).toBe(
      'No metric tells of 100 rows of classes that the version does not know (d, e); train again, so that a version knows them.',
    );

    watch({ performance_metric: 'f1_macro' });
    expect((await pipeline.monitor(model)).performance).toMatchObject({
      status: 'skipped',
      reason:
        "How certain f1_macro is can't be told while a class has a single label; wait for more labels, or set monitoring_config.performance_metric to another.",
    });
  });

  test('where those that the version knows are too few, the others are told', async () => {
    const arrived = kindsOf('newer', [
      ['a', 40],
      ['d', 150],
      ['e', 1],
    ]);
    await pipeline.process(csv(arrived), { asOf: '2030-02-01' });
    await pipeline.predict('xgboost', '2030-02-01');
    watch({ min_samples_for_metrics: 150 });
    const { performance } = await pipeline.monitor(model, '2030-02-01');
    expect(performance).toMatchObject({
      status: 'skipped',
      reason:
        '40 scored rows have labels by 2030-02-01, besides 400 rows that the version was trained on, and 151 rows of classes that the version does not know (d, e); performance needs at least 150.',
    });
  });
});

describe('days are put together', () => {
  const day = (number: number, rows: number) => ({ day: `2030-01-${String(number).padStart(2, '0')}`, rows });

  test('until they have enough rows, and what is left over belongs to the last', () => {
    expect(planBatches([day(1, 60), day(2, 60), day(3, 100), day(4, 10), day(5, 20)], 100)).toEqual([
      { from: '2030-01-01', to: '2030-01-02', rows: 120 },
      { from: '2030-01-03', to: '2030-01-05', rows: 130 },
    ]);
  });

  test('a batch that has just enough rows is full', () => {
    expect(planBatches([day(1, 100), day(2, 40), day(3, 60)], 100)).toEqual([
      { from: '2030-01-01', to: '2030-01-01', rows: 100 },
      { from: '2030-01-02', to: '2030-01-03', rows: 100 },
    ]);
  });

  test('few rows are one batch, none are none', () => {
    expect(planBatches([day(1, 3), day(2, 4)], 100)).toEqual([{ from: '2030-01-01', to: '2030-01-02', rows: 7 }]);
    expect(planBatches([], 100)).toEqual([]);
  });

  test('there are twenty batches at most', () => {
    const many = Array.from({ length: 31 }, (_, i) => day(i + 1, 1_000));
    expect(planBatches(many, 100).length).toBeLessThanOrEqual(20);
    expect(planBatches(many, 100).reduce((sum, { rows }) => sum + rows, 0)).toBe(31_000);
  });
});
