import { beforeEach, describe, expect, test } from 'vitest';
import { monitoringReport, type MonitoringReport } from '../../src/monitoring/report.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const KEY = 'reports/report.json';

let store: FolderStore;
beforeEach(() => {
  store = new FolderStore(temporaryFolder());
});

const distances = {
  kolmogorov_smirnov: { statistic: 0.1, p_value: 0.5 },
  wasserstein: { distance: 0.2, scaled: 0.3 },
  jensen_shannon: 0.05,
  chi_square: { statistic: 1, degrees: 2, p_value: 0.6 },
  adjusted_p_value: 0.7,
  significant: false,
};
const warning = { feature: 'x', of: 'label' as const, distance: 'jensen_shannon' as const, value: 0.2, limit: 0.1 };
const metrics = { n: 100, roc_auc: 0.8 };

/** Everything that the performance may have beside what was measured. */
const details = {
  labels: {
    ...{ rows: 100, psi: 0.1, expected_psi: null, p_value: 0.5, drifted: false },
    ...{ distances, warnings: [warning] },
  },
  batches: [
    {
      ...{ from: '2020-01-01', to: '2020-01-07', rows: 100, labelled: 50, p_value: 0.5, breached: false },
      estimated: { roc_auc: { value: 0.8, sampling_error: null } },
      measured: { roc_auc: { value: 0.8, interval: [0.7, 0.9] as [number, number] } },
    },
  ],
  estimate: {
    ...{ from: '2020-01-01', to: '2020-01-31', rows: 100, metric: 'roc_auc' as const, value: 0.7 },
    ...{ sampling_error: 0.02, baseline: 0.8, drop: 0.1, p_value: 0.001, breached: true, alarm: true as const },
  },
  estimate_not_measured: 'The version keeps no probabilities.',
  concept_drift: {
    ...{ detector: 'adwin' as const, rows: 100 },
    changes: [{ day: '2020-01-05', rows: 60, error_before: 0.1, error_after: 0.4 }],
  },
};

/** A report with everything that it may have. */
const WHOLE: MonitoringReport = {
  pipeline: 'visits',
  as_of: '2020-02-01',
  run: { workflow_id: 'monitor', run_id: 'run', started_at: '2020-02-01T00:00:00.000Z' },
  model: { algorithm: 'xgboost', version: 'v1' },
  predictions: 100,
  verdict: {
    ...{ drift: true, performance_drop: null, missing: false, retrain: true, conclusion: 'attention' as const },
    not_measured: { drift: 'Too few.', performance: 'Too few.' },
  },
  severity: 'severe',
  performance: {
    ...{ status: 'measured' as const, metrics, baseline: metrics, drop: 0, metric: 'roc_auc' as const },
    ...{ p_value: 0.5, breached: false, rows_not_measured: 'No metric tells of 9 rows.' },
    ...details,
  },
  drift: {
    ...{ status: 'measured' as const, rows: 100, trained_rows: 3 },
    looked_at: { rows: 90, from: '2020-01-01', older: 7, stale: 3 },
    ...{ psi: { x: 0.3, z: null }, score_psi: 0.1, expected_psi: { x: 0.05, z: null }, score_expected_psi: null },
    ...{ p_value: { x: 0.001 }, score_p_value: 0.5 },
    ...{ adjusted_p_value: { x: 0.002 }, score_adjusted_p_value: 0.6, drifted_share: 0.5, dataset_drifted: true },
    ...{ missing_rate: { x: 0 }, training_missing_rate: { x: 0 }, drifted: ['x'], score_drifted: false, missing: [] },
    arrivals: [{ arrival: 'a', rows: 100, drifted: ['x'], score_drifted: null, missing: null }],
    distances: { x: distances, z: null },
    ...{ score_distances: distances, warnings: [warning], distances_not_measured: 'The version keeps no rows.' },
    distributions: [
      {
        ...{ of: 'feature' as const, feature: 'x' },
        groups: [
          { above: 0, to: 1, reference: 0.5, current: 0.4 },
          { category: 'a', reference: 0.5, current: 0.4 },
          { others: 3, reference: 0, current: 0.2 },
        ],
      },
    ],
  },
  thresholds: { alpha: 0.01 },
  config_version: 'c0ffee',
  conventions: { psi: 'The sum over bins.' },
};

const written = async (report: object) => {
  await monitoringReport.write(store, KEY, report as MonitoringReport);
  return monitoringReport.read(store, KEY, () => undefined);
};

test('a report is read as it was written, with all that it may have', async () => {
  expect(await written(WHOLE)).toEqual(WHOLE);
  const skipped = { status: 'skipped' as const, reason: 'Too few.' };
  const without = { ...WHOLE, performance: { ...skipped, ...details }, drift: skipped, severity: null };
  expect(await written(without)).toEqual(without);
});

/** A copy of a report with one thing more in each of its parts, one after the other, by the way to the part. */
function* withOneThingMore(part: unknown, way: string[] = []): Generator<[string, (part: unknown) => unknown]> {
  if (typeof part !== 'object' || part === null) return;
  for (const [name, value] of Object.entries(part as Record<string, unknown>)) {
    const put = (inner: unknown) => (whole: unknown) =>
      Array.isArray(whole)
        ? whole.map((each, i) => (String(i) === name ? inner : (each as unknown)))
        : { ...(whole as object), [name]: inner };
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      yield [[...way, name].join('.'), put({ ...value, more: { of: 'this' } })];
    for (const [below, change] of withOneThingMore(value, [...way, name]))
      yield [below, (whole) => put(change(value))(whole)];
  }
}

/** What holds things by names that are the data's, and settings as the release that wrote them has them. */
const OPEN = /^thresholds$/;

describe('a report has nothing else', () => {
  test.each([...withOneThingMore(WHOLE)].filter(([way]) => !OPEN.test(way)))('in %s', async (_, change) => {
    await expect(written(change(WHOLE) as object)).rejects.toThrow(/^This is no monitoring report that can be written/);
  });

  test('nor in itself, and not less', async () => {
    await expect(written({ ...WHOLE, more: 1 })).rejects.toThrow('This is no monitoring report');
    const { verdict: _, ...without } = WHOLE;
    await expect(written(without)).rejects.toThrow('This is no monitoring report');
  });
});
