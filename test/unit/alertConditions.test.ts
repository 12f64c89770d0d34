import { describe, expect, test } from 'vitest';
import type {
  AlertFacts,
  DriftResult,
  DriftSeverity,
  EstimatedPerformance,
  TaskMetrics,
  ModelMonitoringCompleted,
  ModelTrainingCompleted,
  PerformanceResult,
} from '../../src/contracts/index.js';
import { dedupKey } from '../../src/platform/notify/alert.js';
import { AlertThresholds } from '../../src/config/alerts.js';
import { alertFor, isOver } from '../../src/platform/notify/conditions.js';
import { decided } from '../support/promotions.js';

const thresholds = AlertThresholds.parse({});
const at = '2026-01-04T10:00:00.000Z';
const pipeline = 'readmission';
const run = { workflowId: 'readmission-model-training-1', runId: '6f0d9a52-0000-4000-8000-000000000001' };
const model = { algorithm: 'xgboost', version: 'v20260104_030000_6f0d9a52' };
const report = 'file:///store/reports/report_2026-01-04.json';

const metrics = (accuracy: number): TaskMetrics => ({
  accuracy,
  precision: 0.2,
  recall: 0.5,
  f1: 0.3,
  roc_auc: 0.66,
  average_precision: 0.2,
  confusion_matrix: [
    [1, 2],
    [3, 4],
  ],
  n: 1_000,
});

const fell = (drop: number): PerformanceResult => ({
  status: 'measured',
  metrics: metrics(0.8 - drop),
  baseline: metrics(0.8),
  drop,
  metric: 'accuracy',
  p_value: 0.001,
  breached: drop > 0.05,
});

const drifted = (features: string[], missing: string[] = []): DriftResult => ({
  status: 'measured',
  rows: 500,
  psi: { age_midpoint: 0.31, insulin_ord: 0.01 },
  score_psi: 0.1,
  expected_psi: { age_midpoint: 0.02, insulin_ord: 0.01 },
  score_expected_psi: 0.02,
  p_value: { age_midpoint: 0, insulin_ord: 0.6 },
  score_p_value: 0.2,
  missing_rate: { age_midpoint: 0, insulin_ord: 0.4 },
  training_missing_rate: { age_midpoint: 0, insulin_ord: 0.05 },
  drifted: features,
  score_drifted: false,
  missing,
});

const failed = { status: 'failed', type: 'EngineCrashed', reason: 'The engine died.' } as const;
const training = (
  algorithms: ModelTrainingCompleted['algorithms'],
  status: 'completed' | 'partial' = 'completed',
): ModelTrainingCompleted => ({
  status,
  champion: model,
  challenger: model,
  promotion: decided('promote', model),
  comparison: {
    metric: 'oot.roc_auc',
    scores: { xgboost: 0.66 },
    estimate: { metric: 'test.roc_auc', scores: { xgboost: 0.65 } },
  },
  dataset: { id: 'train_data_1', uri: 'file:///d', checksum: 'c', rows: { train: 3, test: 2, oot: 1 } },
  algorithms,
});

describe('critical', () => {
  const failing = (failures: number) =>
    alertFor(
      {
        condition: 'processing_failing',
        pipeline,
        at,
        failing: { failures, since: '2026-01-02T02:00:00.000Z', reason: 'No space is left.' },
      },
      thresholds,
    );

  test('the third failure of processing in a row, and not the second', () => {
    expect(failing(2)).toBeUndefined();
    expect(failing(3)).toMatchObject({
      level: 'critical',
      summary:
        'Data processing of readmission has failed 3 times in a row since 2026-01-02T02:00:00.000Z: No space is left.',
    });
  });

  test('one streak of failures is one matter, told again a day later', () => {
    expect(failing(4)).toMatchObject({ dedupKey: failing(3)?.dedupKey, repeatAfterHours: 24 });
  });

  test('inference down for more than two hours', () => {
    const down = (since: string | null) => alertFor({ condition: 'inference_down', pipeline, at, since }, thresholds);
    expect(down(null)).toBeUndefined();
    expect(down('2026-01-04T08:00:00.000Z')).toBeUndefined();
    expect(down('2026-01-04T07:30:00.000Z')).toMatchObject({
      level: 'critical',
      summary: expect.stringContaining('down for 2 h 30 min') as string,
    });
  });

  test('a drop of more than .1 is critical, of more than monitoring allows a warning, and they are two matters', () => {
    const drop = (by: number) =>
      alertFor({ condition: 'accuracy_drop', pipeline, at, model, performance: fell(by), report }, thresholds);
    expect(drop(0.04)).toBeUndefined();
    expect(drop(0.06)).toMatchObject({ level: 'warning' });
    expect(drop(0.12)).toMatchObject({
      level: 'critical',
      summary: `accuracy of readmission's xgboost v20260104_030000_6f0d9a52 is 0.12 below its baseline over 1,000 labelled rows; see ${report}.`,
    });
    expect(drop(0.12)?.dedupKey).not.toBe(drop(0.06)?.dedupKey);
  });

  test('a drop that was measured is told also where a smaller one is estimated of newer rows, and the other way round', () => {
    const estimate = (drop: number): EstimatedPerformance => ({
      from: '2026-01-01',
      to: '2026-01-03',
      metric: 'accuracy',
      rows: 400,
      value: 0.8 - drop,
      sampling_error: 0.01,
      baseline: 0.8,
      drop,
      p_value: 0.001,
      breached: true,
      alarm: true,
    });
    const told = (measured: PerformanceResult, estimated: number) =>
      alertFor(
        {
          condition: 'accuracy_drop',
          pipeline,
          at,
          model,
          performance: { ...measured, estimate: estimate(estimated) },
          report,
        },
        thresholds,
      );
    // .12 is beyond the .1 that wakes somebody, .06 is not.
    expect(told(fell(0.12), 0.06)).toMatchObject({ level: 'critical', details: { drop: 0.12, rows: 1_000 } });
    expect(told(fell(0.06), 0.12)).toMatchObject({ level: 'critical', details: { drop: 0.12, rows: 400 } });
    expect(told(fell(0.06), 0.06)).toMatchObject({ level: 'warning', details: { rows: 1_000 } });
    expect(told(fell(0.01), 0.06)).toMatchObject({ level: 'warning', details: { rows: 400 } });
    expect(told({ status: 'skipped', reason: 'Too few.' }, 0.06)).toMatchObject({ details: { rows: 400 } });
  });

  test('performance that was not measured is no drop', () => {
    expect(
      alertFor(
        {
          condition: 'accuracy_drop',
          pipeline,
          at,
          model,
          performance: { status: 'skipped', reason: 'Too few.' },
          report,
        },
        thresholds,
      ),
    ).toBeUndefined();
  });
});

describe('critical no longer', () => {
  const over = (facts: AlertFacts) => isOver(facts, thresholds);

  test('is what a run did well that failed before', () => {
    expect(over({ condition: 'processing_failing', pipeline, at, failing: null })).toBe(true);
    expect(
      over({
        condition: 'processing_failing',
        pipeline,
        at,
        failing: { failures: 1, since: at, reason: 'No space is left.' },
      }),
    ).toBe(false);
    expect(over({ condition: 'inference_down', pipeline, at, since: null })).toBe(true);
    expect(over({ condition: 'inference_down', pipeline, at, since: at })).toBe(false);
  });

  test('is a drop that was measured again and is small, whether or not it is worth a warning', () => {
    const measured = (performance: PerformanceResult) =>
      over({ condition: 'accuracy_drop', pipeline, at, model, performance, report });
    expect(measured(fell(0.06))).toBe(true);
    expect(measured(fell(0.12))).toBe(false);
    expect(measured({ status: 'skipped', reason: 'Too few.' })).toBe(false);
  });
});

describe('warning', () => {
  test('a training that failed, as a whole or in part', () => {
    const ended = (outcome: ModelTrainingCompleted | typeof failed) =>
      alertFor({ condition: 'training_failed', pipeline, at, run, training: outcome }, thresholds);
    expect(ended(failed)).toMatchObject({
      level: 'warning',
      summary: 'Training of readmission failed: The engine died.',
    });
    expect(ended(training({ random_forest: failed }, 'partial'))).toMatchObject({
      level: 'warning',
      summary: "Training of readmission's random_forest failed: The engine died.",
      details: { random_forest: 'The engine died.', run_id: run.runId },
    });
    expect(ended(training({}))).toBeUndefined();
  });

  test('drift or missing values, with the features at fault', () => {
    const found = (drift: DriftResult) =>
      alertFor({ condition: 'drift_detected', pipeline, at, model, drift, severity: 'moderate', report }, thresholds);
    expect(found(drifted([]))).toBeUndefined();
    expect(found({ status: 'skipped', reason: 'Too few rows.' })).toBeUndefined();
    expect(found(drifted(['age_midpoint'], ['insulin_ord']))).toMatchObject({
      level: 'warning',
      summary: expect.stringContaining(
        'moderate drift in age_midpoint and a changed share of missing values in insulin_ord',
      ) as string,
    });
    expect(found(drifted(['age_midpoint'], ['insulin_ord']))?.details).toEqual({
      model: 'xgboost v20260104_030000_6f0d9a52',
      rows: 500,
      'drift severity': 'moderate',
      'psi age_midpoint': 0.31,
      'missing rate insulin_ord': 0.4,
      'missing rate insulin_ord at training': 0.05,
      score_psi: 0.1,
      report,
    });
    const ofScore = { ...drifted([]), score_drifted: true } as DriftResult;
    expect(found(ofScore)?.summary).toContain('moderate drift in the score');
  });

  test('the same drift is one matter, other features another', () => {
    const key = (features: string[], missing: string[] = [], severity: DriftSeverity = 'moderate') =>
      alertFor(
        { condition: 'drift_detected', pipeline, at, model, drift: drifted(features, missing), severity, report },
        thresholds,
      )?.dedupKey;
    expect(key(['b', 'a'])).toBe(key(['a', 'b']));
    expect(key(['a'])).not.toBe(key(['a', 'b']));
    expect(key(['a'])).not.toBe(key([], ['a']));
    expect(key(['a'])).not.toBe(key(['a'], [], 'severe'));
  });

  test.each([
    [[100, 110, 90, 120], 53, false],
    [[100, 110, 90, 120], 52, true],
    [[100, 110, 90, 120], 210, false],
    [[100, 110, 90, 120], 211, true],
    [[100, 100, 9_000], 100, false],
    [[100, 100], 1, false],
    [[], 0, false],
    [[0, 0, 0], 1, true],
  ])('rows against %j: %i is unusual: %s', (usual, rows, unusual) => {
    const alert = alertFor(
      { condition: 'unusual_data_volume', pipeline, at, what: '2008_03', rows, usual },
      thresholds,
    );
    expect(alert?.level).toBe(unusual ? 'warning' : undefined);
  });
});

describe('info', () => {
  test('a training that completed names its champion and the scores', () => {
    expect(
      alertFor({ condition: 'training_completed', pipeline, at, run, training: training({}) }, thresholds),
    ).toMatchObject({
      level: 'info',
      summary:
        'Training of readmission ended as completed; the best by oot.roc_auc is xgboost v20260104_030000_6f0d9a52, with test.roc_auc 0.65 on rows that had no part in the choice.',
      details: { 'oot.roc_auc xgboost': 0.66, 'test.roc_auc xgboost': 0.65, dataset: 'train_data_1' },
    });
  });

  test('a champion that is another than before', () => {
    const moved = (previous: typeof model | null) =>
      alertFor({ condition: 'model_deployed', pipeline, at, model, previous, by: 'ana', reason: 'better' }, thresholds);
    expect(moved(model)).toBeUndefined();
    expect(moved(null)).toMatchObject({
      level: 'info',
      summary: 'xgboost v20260104_030000_6f0d9a52 is now the champion of readmission, its first: better.',
      details: { previous: 'none' },
    });
    expect(moved({ ...model, version: 'v1' })).toMatchObject({
      level: 'info',
      summary: 'xgboost v20260104_030000_6f0d9a52 is now the champion of readmission, in place of xgboost v1: better.',
      details: { previous: 'xgboost v1' },
    });
  });

  test('one report a calendar week', () => {
    const monitoring: ModelMonitoringCompleted = {
      status: 'completed',
      drift: true,
      performance_drop: false,
      missing: false,
      retrain: true,
      conclusion: 'attention',
      not_measured: {},
      rows: 500,
      psi: {},
      score_psi: 0.1,
      missing_rate: {},
      performance: fell(0.01),
      uri: report,
    };
    const of = (instant: string, found = monitoring) =>
      alertFor({ condition: 'weekly_report', pipeline, at: instant, monitoring: found }, thresholds);
    const ok: ModelMonitoringCompleted = { ...monitoring, drift: false, retrain: false, conclusion: 'ok' };
    expect(of(at, ok)?.summary).toBe('Monitoring of readmission in week 2026-W01: no problems found.');
    const reason = '12 scored rows have labels; performance needs at least 100.';
    const unmeasured = of(at, {
      ...ok,
      performance_drop: null,
      conclusion: 'not_measured',
      not_measured: { performance: reason },
      performance: { status: 'skipped', reason },
    });
    expect(unmeasured?.summary).toBe(
      'Monitoring of readmission in week 2026-W01: no problems found in what was measured; performance not measured.',
    );
    expect(unmeasured?.details).toEqual({
      rows: 500,
      drift: false,
      performance_drop: null,
      missing: false,
      retrain: false,
      score_psi: 0.1,
      conclusion: 'not_measured',
      'performance not measured': reason,
      report,
    });
    expect(of(at)).toMatchObject({
      level: 'info',
      summary: 'Monitoring of readmission in week 2026-W01: drift.',
      dedupKey: 'readmission/weekly_report/2026-W01',
    });
    // Beside the drop, what the watched metric is and was: of a regression there is no accuracy to tell.
    expect(of(at)?.details).toMatchObject({ metric: 'accuracy', drop: 0.01, accuracy: 0.79, accuracy_baseline: 0.8 });
    const regression = of(at, {
      ...ok,
      performance: {
        status: 'measured',
        metrics: { rmse: 2.5, n: 300 },
        baseline: { rmse: 2.25, n: 400 },
        drop: 0.25,
        metric: 'rmse',
        p_value: 0.2,
        breached: false,
      },
    });
    expect(regression?.details).toMatchObject({ metric: 'rmse', drop: 0.25, rmse: 2.5, rmse_baseline: 2.25 });
    expect(Object.values(regression?.details ?? {})).not.toContain(undefined);
    expect(Object.keys(regression?.details ?? {})).not.toContain('accuracy');
    expect(of('2025-12-29T00:00:00Z')?.dedupKey).toBe('readmission/weekly_report/2026-W01');
    expect(of('2026-01-05T00:00:00Z')?.dedupKey).toBe('readmission/weekly_report/2026-W02');
    expect(of('2027-01-03T23:59:59Z')?.dedupKey).toBe('readmission/weekly_report/2026-W53');
  });
});

describe('service levels', () => {
  test.each([
    ['processing', 30, 'warning'],
    ['training', 240, 'info'],
    ['inference', 15, 'warning'],
    ['monitoring', 30, 'info'],
  ] as const)('%s may take %i minutes', (phase, minutes, level) => {
    const after = (taken: number) =>
      alertFor(
        {
          condition: 'sla_missed',
          pipeline,
          phase,
          run,
          startedAt: at,
          at: new Date(Date.parse(at) + taken * 60_000).toISOString(),
        },
        thresholds,
      );
    expect(after(minutes - 1)).toBeUndefined();
    expect(after(minutes)).toMatchObject({ level, dedupKey: `readmission/sla_missed/${run.runId}` });
  });

  test('the sentence counts in hours and minutes', () => {
    const startedAt = '2026-01-04T05:55:00.000Z';
    expect(
      alertFor({ condition: 'sla_missed', pipeline, phase: 'training', run, startedAt, at }, thresholds)?.summary,
    ).toBe('Training of readmission is still at work after 4 h 5 min; it should take 4 h at most.');
  });
});

describe('keys', () => {
  test("hold what an object's key and PagerDuty can", () => {
    const key = dedupKey('readmission', 'drift_detected', '..', 'a/b c', 'x'.repeat(500), 'Ü'.repeat(90));
    expect(key).toMatch(/^[A-Za-z0-9._/-]{1,255}$/);
    expect(key.split('/').every((part) => part !== '' && part !== '.' && part !== '..')).toBe(true);
  });

  test('differ where what they are about does', () => {
    expect(dedupKey('p', 'sla_missed', 'a:b')).not.toBe(dedupKey('p', 'sla_missed', 'a-b'));
    expect(dedupKey('p', 'sla_missed', `${'x'.repeat(100)}1`)).not.toBe(
      dedupKey('p', 'sla_missed', `${'x'.repeat(100)}2`),
    );
  });
});
