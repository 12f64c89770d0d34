import { describe, expect, test } from 'vitest';
import type {
  AlertFacts,
  DriftResult,
  TaskMetrics,
  ModelMonitoringCompleted,
  ModelTrainingCompleted,
  PerformanceResult,
} from '../../src/contracts/index.js';
import { webUiFrom } from '../../src/platform/notify/advice.js';
import type { Alert } from '../../src/platform/notify/alert.js';
import { detailLines } from '../../src/platform/notify/channel.js';
import { AlertThresholds } from '../../src/config/alerts.js';
import { alertFor, isOver } from '../../src/platform/notify/conditions.js';
import { decided } from '../support/promotions.js';

const thresholds = AlertThresholds.parse({});
const webUi = webUiFrom('default', { PERDURE_TEMPORAL_UI: 'http://127.0.0.1:8233/' });
const at = '2026-01-04T10:00:00.000Z';
const pipeline = 'churn';
const run = { workflowId: 'churn-model-training-1', runId: '6f0d9a52-0000-4000-8000-000000000001' };
const model = { algorithm: 'xgboost', version: 'v1' };
const report = 's3://bucket/reports/report_1.json';
const runPage = `http://127.0.0.1:8233/namespaces/default/workflows/${run.workflowId}/${run.runId}/history`;
const listPage = 'http://127.0.0.1:8233/namespaces/default/workflows?query=PerdurePipeline%3D%22churn%22';
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
const performance: PerformanceResult = {
  status: 'measured',
  metrics: metrics(0.68),
  baseline: metrics(0.8),
  drop: 0.12,
  metric: 'accuracy',
  p_value: 0.001,
  breached: true,
};

/** Every word of each alert: what it leaves out, nobody is told. */
const ALERTS: [AlertFacts, Partial<Alert>][] = [
  [
    {
      condition: 'processing_failing',
      pipeline,
      at,
      failing: { failures: 3, since: '2026-01-02T02:00:00.000Z', reason: 'No space is left.' },
    },
    {
      level: 'critical',
      details: { failures: 3, since: '2026-01-02T02:00:00.000Z', reason: 'No space is left.' },
      consequence: 'New data does not arrive: trainings and predictions go on with what there is.',
      command: 'perdure process churn',
      link: listPage,
    },
  ],
  [
    { condition: 'inference_down', pipeline, at, since: '2026-01-04T07:20:00.000Z' },
    {
      level: 'critical',
      details: { since: '2026-01-04T07:20:00.000Z', hours: 2.67 },
      consequence: 'New rows have no predictions.',
      command: 'perdure predict churn',
      link: listPage,
    },
  ],
  [
    { condition: 'accuracy_drop', pipeline, at, model, performance, report },
    {
      level: 'critical',
      details: {
        model: 'xgboost v1',
        metric: 'accuracy',
        drop: 0.12,
        rows: 1_000,
        accuracy: 0.68,
        accuracy_baseline: 0.8,
        roc_auc: 0.66,
        roc_auc_baseline: 0.66,
        report,
      },
      consequence: 'The champion goes on predicting, less well than when it was chosen.',
      command: 'perdure steward approve churn --reason "performance drop"',
      link: report,
    },
  ],
  [
    {
      condition: 'training_failed',
      pipeline,
      at,
      run,
      training: { status: 'failed', type: 'EngineCrashed', reason: 'The engine died.' },
    },
    {
      level: 'warning',
      details: { workflow_id: run.workflowId, run_id: run.runId, training: 'The engine died.' },
      consequence: 'The champion stays the version that it was.',
      command: 'perdure train churn',
      link: runPage,
    },
  ],
  [
    {
      condition: 'drift_detected',
      pipeline,
      at,
      model,
      report,
      severity: 'moderate',
      drift: {
        status: 'measured',
        rows: 500,
        psi: { age: 0.31 },
        score_psi: 0.1,
        missing_rate: { age: 0 },
        training_missing_rate: { age: 0 },
        drifted: ['age'],
        score_drifted: false,
        missing: [],
      } as never,
    },
    {
      level: 'warning',
      consequence:
        'The champion goes on predicting rows unlike those that it was trained with; a retraining that needs approval waits for it.',
      command: 'perdure steward approve churn --reason "the drift is real"',
      link: report,
    },
  ],
  [
    { condition: 'sla_missed', pipeline, at, phase: 'training', run, startedAt: '2026-01-04T05:55:00.000Z' },
    {
      level: 'info',
      details: {
        phase: 'training',
        workflow_id: run.workflowId,
        run_id: run.runId,
        started_at: '2026-01-04T05:55:00.000Z',
        sla_minutes: 240,
      },
      consequence: 'What follows on this run is late as well.',
      command: 'perdure status churn',
      link: runPage,
    },
  ],
  [
    {
      condition: 'tasks_failing',
      pipeline,
      at,
      failing: { run, workflow: 'modelTraining', attempts: 4, since: '2026-01-04T09:59:00.000Z', reason: 'a fault' },
    },
    {
      level: 'critical',
      summary:
        'churn-model-training-1 stands still since 2026-01-04T09:59:00.000Z: its workflow task has failed 4 times (a fault).',
      details: {
        workflow_id: run.workflowId,
        run_id: run.runId,
        workflow: 'modelTraining',
        attempts: 4,
        since: '2026-01-04T09:59:00.000Z',
        reason: 'a fault',
      },
      consequence: 'The workflow stands still, and does nothing until the cause is gone; nothing of it is lost.',
      command: 'perdure doctor',
      link: runPage,
    },
  ],
  [
    {
      condition: 'model_tests_failed',
      pipeline,
      at,
      run,
      tests: {
        challenger: { algorithm: 'xgboost', version: 'v2' },
        passed: false,
        tests: [
          { test: 'loads', expected: 'a prediction', actual: 1, passed: true },
          { test: 'latency_p95_ms', expected: '<= 250', actual: 312.5, passed: false },
        ],
        staging: model,
        reason:
          'xgboost v2 did not pass latency_p95_ms (expected <= 250, got 312.5); staging falls back to xgboost v1.',
      },
      champion: null,
    },
    {
      level: 'warning',
      summary:
        'Model tests of churn: xgboost v2 did not pass latency_p95_ms (expected <= 250, got 312.5); staging falls back to xgboost v1.',
      details: {
        model: 'xgboost v2',
        staging: 'xgboost v1',
        champion: 'none',
        latency_p95_ms: 312.5,
        workflow_id: run.workflowId,
        run_id: run.runId,
      },
      consequence: 'The new version stays registered, and is neither staging nor champion: those before it go on.',
      command: 'perdure models show churn challenger',
      link: runPage,
    },
  ],
  [
    { condition: 'model_deployed', pipeline, at, model, previous: null, by: 'ana', reason: 'better' },
    {
      level: 'info',
      consequence: 'From now on predictions come from this version.',
      command: 'perdure models rollback churn --reason "..."',
      link: listPage,
    },
  ],
];

/** Facts of which each case below changes what it is about. */
const training: ModelTrainingCompleted = {
  status: 'partial',
  champion: model,
  challenger: model,
  promotion: decided('promote', model),
  comparison: {
    metric: 'oot.roc_auc',
    scores: { xgboost: 0.66123 },
    estimate: { metric: 'test.roc_auc', scores: { xgboost: 0.65432 } },
  },
  dataset: { id: 'train_data_1', uri: 'file:///d', checksum: 'c', rows: { train: 3, test: 2, oot: 1 } },
  algorithms: {
    random_forest: { status: 'failed', type: 'EngineCrashed', reason: 'The engine died.' },
    logistic_regression: { status: 'failed', type: 'OutOfMemory', reason: 'No memory.' },
  },
};
const drift: DriftResult = {
  status: 'measured',
  rows: 500,
  psi: { age: 0.31, cost: 0.02 },
  score_psi: 0.1,
  expected_psi: { age: 0.02, cost: 0.01 },
  score_expected_psi: 0.02,
  p_value: { age: 0, cost: 0.6 },
  score_p_value: 0.2,
  missing_rate: { age: 0.4, cost: 0.3 },
  training_missing_rate: { age: 0.05, cost: 0.1 },
  drifted: ['age', 'cost'],
  score_drifted: true,
  missing: ['age', 'cost'],
};
const monitoring: ModelMonitoringCompleted = {
  status: 'completed',
  drift: true,
  performance_drop: true,
  missing: true,
  retrain: true,
  conclusion: 'attention',
  not_measured: {},
  rows: 500,
  psi: {},
  score_psi: 0.1,
  missing_rate: {},
  performance,
  uri: report,
};
const alertOf = (facts: AlertFacts) => alertFor(facts, thresholds, webUi);

test('where no retraining is asked for, alerts of what monitoring found say why, and nothing waits for an approval', () => {
  const noRetraining = 'No retraining is asked for, as nothing to learn from has come since xgboost v1 was trained.';
  const about = { pipeline, at, model, report, noRetraining };
  expect(alertOf({ condition: 'accuracy_drop', ...about, performance })).toMatchObject({
    consequence: `The champion goes on predicting, less well than when it was chosen. ${noRetraining}`,
    command: 'perdure process churn',
  });
  expect(alertOf({ condition: 'drift_detected', ...about, severity: 'moderate', drift })).toMatchObject({
    consequence: `The champion goes on predicting rows unlike those that it was trained with. ${noRetraining}`,
    command: 'perdure process churn',
  });
  const weekly = { ...monitoring, retrain: false, no_retraining: noRetraining };
  expect(alertOf({ condition: 'weekly_report', pipeline, at, monitoring: weekly })?.details).toMatchObject({
    retrain: false,
    'no retraining': noRetraining,
  });
});

/** Everything that an alert says, by itself. */
const SAID: [AlertFacts, string, Alert['details'], number | undefined][] = [
  [
    { condition: 'accuracy_drop', pipeline, at, model, performance: { ...performance, drop: 0.0723456789 }, report },
    `accuracy of churn's xgboost v1 is 0.0723 below its baseline over 1,000 labelled rows; see ${report}.`,
    {
      model: 'xgboost v1',
      metric: 'accuracy',
      drop: 0.072346,
      rows: 1_000,
      accuracy: 0.68,
      accuracy_baseline: 0.8,
      roc_auc: 0.66,
      roc_auc_baseline: 0.66,
      report,
    },
    24,
  ],
  [
    { condition: 'inference_down', pipeline, at, since: '2026-01-04T07:00:00.000Z' },
    'Inference of churn has been down for 3 h, since 2026-01-04T07:00:00.000Z; look at its last run.',
    { since: '2026-01-04T07:00:00.000Z', hours: 3 },
    24,
  ],
  [
    { condition: 'inference_down', pipeline, at, since: '2026-01-04T07:00:00.000Z', missed: 4 },
    'Inference of churn has been down for 3 h, since 2026-01-04T07:00:00.000Z, and has not started 4 times when it was due; look at its last run.',
    { since: '2026-01-04T07:00:00.000Z', hours: 3, missed: 4 },
    24,
  ],
  [
    { condition: 'training_failed', pipeline, at, run, training },
    "Training of churn's random_forest, logistic_regression failed: The engine died. No memory.",
    {
      workflow_id: run.workflowId,
      run_id: run.runId,
      random_forest: 'The engine died.',
      logistic_regression: 'No memory.',
    },
    undefined,
  ],
  [
    { condition: 'drift_detected', pipeline, at, model, severity: 'severe', drift, report },
    `The data that churn's xgboost v1 scores has changed: severe drift in age, cost, the score and a changed share of missing values in age, cost; see ${report}.`,
    {
      model: 'xgboost v1',
      rows: 500,
      'drift severity': 'severe',
      'psi age': 0.31,
      'psi cost': 0.02,
      'missing rate age': 0.4,
      'missing rate cost': 0.3,
      'missing rate age at training': 0.05,
      'missing rate cost at training': 0.1,
      score_psi: 0.1,
      report,
    },
    24,
  ],
  [
    {
      condition: 'drift_detected',
      pipeline,
      at,
      model,
      severity: null,
      drift: { ...drift, drifted: [], score_drifted: false, missing: ['cost'] },
      report,
    },
    `The data that churn's xgboost v1 scores has changed: a changed share of missing values in cost; see ${report}.`,
    {
      model: 'xgboost v1',
      rows: 500,
      'drift severity': null,
      'missing rate cost': 0.3,
      'missing rate cost at training': 0.1,
      score_psi: 0.1,
      report,
    },
    24,
  ],
  [
    { condition: 'unusual_data_volume', pipeline, at, what: '2008_03', rows: 1, usual: [10, 40, 20] },
    '2008_03 of churn has 1 row where 20 are usual; check that its source is whole.',
    { what: '2008_03', rows: 1, usual: 20, lowest_usual: 10, highest_usual: 40 },
    undefined,
  ],
  [
    { condition: 'training_completed', pipeline, at, run, training },
    'Training of churn ended as partial; the best by oot.roc_auc is xgboost v1, with test.roc_auc 0.6543 on rows that had no part in the choice.',
    {
      champion: 'xgboost v1',
      promotion: training.promotion.reason,
      'oot.roc_auc xgboost': 0.66123,
      'test.roc_auc xgboost': 0.65432,
      dataset: 'train_data_1',
      random_forest: 'The engine died.',
      logistic_regression: 'No memory.',
      workflow_id: run.workflowId,
      run_id: run.runId,
    },
    undefined,
  ],
  [
    {
      condition: 'model_deployed',
      pipeline,
      at,
      model,
      previous: { algorithm: 'random_forest', version: 'v0' },
      by: 'ana',
      reason: 'It is better.',
    },
    'xgboost v1 is now the champion of churn, in place of random_forest v0: It is better.',
    { model: 'xgboost v1', previous: 'random_forest v0', by: 'ana', reason: 'It is better.' },
    undefined,
  ],
  [
    { condition: 'weekly_report', pipeline, at, monitoring },
    'Monitoring of churn in week 2026-W01: drift, a drop in performance, a changed share of missing values.',
    {
      rows: 500,
      drift: true,
      performance_drop: true,
      missing: true,
      retrain: true,
      score_psi: 0.1,
      metric: 'accuracy',
      drop: 0.12,
      accuracy: 0.68,
      accuracy_baseline: 0.8,
      roc_auc: 0.66,
      roc_auc_baseline: 0.66,
      conclusion: 'attention',
      report,
    },
    undefined,
  ],
  [
    { condition: 'sla_missed', pipeline, at: '2026-01-04T10:59:40.000Z', phase: 'processing', run, startedAt: at },
    'Data processing of churn is still at work after 1 h; it should take 30 min at most.',
    { phase: 'processing', workflow_id: run.workflowId, run_id: run.runId, started_at: at, sla_minutes: 30 },
    undefined,
  ],
];

describe('the words and the details', () => {
  test.each(SAID)('of $condition are all there', (facts, summary, details, repeatAfterHours) => {
    expect(alertOf(facts)).toMatchObject({ condition: facts.condition, pipeline, at: facts.at, summary });
    expect(alertOf(facts)!.details).toEqual(details);
    expect(alertOf(facts)!.repeatAfterHours).toBe(repeatAfterHours);
  });

  test.each([
    ['monitoring', 'Monitoring'],
    ['inference', 'Inference'],
    ['training', 'Training'],
  ] as const)('a late run of %s is told by its name', (phase, name) => {
    expect(
      alertOf({ condition: 'sla_missed', pipeline, at, phase, run, startedAt: '2026-01-04T05:55:00.000Z' })!.summary,
    ).toMatch(new RegExp(`^${name} of churn is still at work after 4 h 5 min;`));
  });

  test('a training that nobody could compare says no number, one that the gate refused says so', () => {
    const { estimate, ...comparison } = training.comparison;
    const unscored = [{}, { xgboost: null }].map((scores) => ({
      ...comparison,
      estimate: { ...estimate!, scores: scores as Record<string, number | null> },
    }));
    for (const compared of [{ ...comparison, estimate: null }, ...unscored]) {
      const unknown = alertOf({
        condition: 'training_completed',
        pipeline,
        at,
        run,
        training: { ...training, champion: null, comparison: compared },
      })!;
      expect(unknown.summary).toBe('Training of churn ended as partial; the best by oot.roc_auc is xgboost v1.');
      expect(unknown.details.champion).toBe('none');
    }
    const told = (decision: 'refuse' | 'hold', champion: ModelTrainingCompleted['champion']) =>
      alertOf({
        condition: 'training_completed',
        pipeline,
        at,
        run,
        training: { ...training, champion, promotion: decided(decision, model) },
      })!.summary;
    for (const champion of [null, { ...model, version: 'v0' }]) {
      expect(told('refuse', champion)).toMatch(
        / on rows that had no part in the choice; the promotion gate refused it\.$/,
      );
      expect(told('hold', champion)).toMatch(
        / on rows that had no part in the choice; it waits in staging for a person to promote it\.$/,
      );
    }
    expect(told('refuse', model)).toMatch(/ on rows that had no part in the choice, which stays champion\.$/);
  });

  test('an algorithm that was left out is none that failed', () => {
    const algorithms: ModelTrainingCompleted['algorithms'] = {
      xgboost: { status: 'skipped', reason: 'Its library is not there.' },
    };
    const ended = { ...training, algorithms };
    expect(alertOf({ condition: 'training_failed', pipeline, at, run, training: ended })).toBeUndefined();
    expect(
      alertOf({ condition: 'training_completed', pipeline, at, run, training: ended })!.details,
    ).not.toHaveProperty('xgboost');
  });

  test('model tests that were all passed are told to nobody; of a failed one the versions that go on are', () => {
    const failing = (facts: { staging: typeof model | null; champion: typeof model | null; passed?: boolean }) =>
      alertOf({
        condition: 'model_tests_failed',
        pipeline,
        at,
        run,
        tests: {
          challenger: { algorithm: 'xgboost', version: 'v2' },
          passed: facts.passed ?? false,
          tests: [{ test: 'loads', expected: 'a prediction', actual: 0, passed: facts.passed ?? false }],
          staging: facts.staging,
          reason: 'xgboost v2 does not load.',
        },
        champion: facts.champion,
      });
    expect(failing({ staging: null, champion: model, passed: true })).toBeUndefined();
    expect(failing({ staging: null, champion: model })!.details).toMatchObject({
      staging: 'none',
      champion: 'xgboost v1',
    });
  });

  const estimate = {
    from: '2026-01-01',
    to: '2026-01-03',
    metric: 'accuracy' as const,
    rows: 1,
    value: 0.712345678,
    sampling_error: 0.01,
    baseline: 0.784691356,
    p_value: 0.001,
    breached: true,
  };

  test('a drop that is only estimated says so, with what it is of; without an alarm it is told to nobody', () => {
    const facts = (drop: number, alarm: boolean): AlertFacts => ({
      condition: 'accuracy_drop',
      pipeline,
      at,
      model,
      performance: {
        status: 'skipped',
        reason: 'Too few labels.',
        estimate: { ...estimate, drop, ...(alarm && { alarm }) },
      },
      report,
    });
    const warning = alertOf(facts(0.0723456789, true))!;
    expect(warning).toMatchObject({
      level: 'warning',
      summary: `accuracy of churn's xgboost v1 is estimated to be 0.0723 below its baseline over 1 row whose labels are still to come; see ${report}.`,
      repeatAfterHours: 24,
    });
    expect(warning.details).toEqual({
      model: 'xgboost v1',
      metric: 'accuracy',
      drop: 0.072346,
      rows: 1,
      estimated: 0.712346,
      baseline: 0.784691,
      report,
    });
    // As of one that was measured, exactly at the threshold is not beyond it.
    expect(alertOf(facts(0.1, true))!.level).toBe('warning');
    const critical = alertOf(facts(0.11, true))!;
    expect(critical.level).toBe('critical');
    const measured = alertOf({ condition: 'accuracy_drop', pipeline, at, model, performance, report })!;
    expect(new Set([warning, critical, measured].map(({ dedupKey }) => dedupKey)).size).toBe(3);
    expect(alertOf(facts(0.11, false))).toBeUndefined();
  });

  test('is over where a drop was measured to be small, unless one is estimated that alarms', () => {
    const over = (alarm: boolean) =>
      isOver(
        {
          condition: 'accuracy_drop',
          pipeline,
          at,
          model,
          performance: {
            ...performance,
            drop: 0.01,
            estimate: { ...estimate, drop: 0.2, ...(alarm && { alarm }) },
          },
          report,
        },
        thresholds,
      );
    expect([over(false), over(true)]).toEqual([true, false]);
  });

  test('drift without a severity is moderate', () => {
    expect(
      alertOf({ condition: 'drift_detected', pipeline, at, model, severity: null, drift, report })!.summary,
    ).toContain('moderate drift in age, cost, the score and');
  });

  test('a long reason of failing tasks is cut', () => {
    const failing = alertOf({
      condition: 'tasks_failing',
      pipeline,
      at,
      failing: { run, workflow: 'modelTraining', attempts: 4, since: at, reason: 'x'.repeat(600) },
    })!;
    expect(failing.details.reason).toBe(`${'x'.repeat(497)}...`);
    expect(failing.repeatAfterHours).toBe(24);
    expect(alertOf({ condition: 'tasks_failing', pipeline, at, failing: null })).toBeUndefined();
  });

  test('a drop exactly at the threshold is no critical one, and exactly two hours are not yet down', () => {
    expect(
      alertOf({
        condition: 'accuracy_drop',
        pipeline,
        at,
        model,
        performance: { ...performance, drop: 0.1 } as PerformanceResult,
        report,
      })!.level,
    ).toBe('warning');
    expect(
      isOver(
        {
          condition: 'accuracy_drop',
          pipeline,
          at,
          model,
          performance: { ...performance, drop: 0.1 } as PerformanceResult,
          report,
        },
        thresholds,
      ),
    ).toBe(true);
    expect(alertOf({ condition: 'inference_down', pipeline, at, since: '2026-01-04T08:00:00.000Z' })).toBeUndefined();
    expect(isOver({ condition: 'tasks_failing', pipeline, at, failing: null }, thresholds)).toBe(true);
    expect(
      isOver(
        {
          condition: 'tasks_failing',
          pipeline,
          at,
          failing: { run, workflow: 'w', attempts: 1, since: at, reason: 'r' },
        },
        thresholds,
      ),
    ).toBe(false);
    expect(isOver({ condition: 'weekly_report', pipeline, at, monitoring }, thresholds)).toBe(false);
  });

  test('what differs is another matter, by key', () => {
    const key = (facts: AlertFacts) => alertOf(facts)!.dedupKey;
    const failingSince = (since: string) =>
      key({ condition: 'processing_failing', pipeline, at, failing: { failures: 3, since, reason: 'r' } });
    expect(failingSince('2026-01-02T02:00:00.000Z')).not.toBe(failingSince('2026-01-03T02:00:00.000Z'));
    const volume = (what: string, rows: number) =>
      key({ condition: 'unusual_data_volume', pipeline, at, what, rows, usual: [10, 40, 20] });
    expect(new Set([volume('a', 1), volume('b', 1), volume('a', 2)]).size).toBe(3);
    const trained = (runId: string) =>
      key({ condition: 'training_completed', pipeline, at, run: { ...run, runId }, training });
    expect(trained('a')).not.toBe(trained('b'));
    // The same version may become champion a second time.
    const deployed = (facts: { at?: string; algorithm?: string; version?: string }) =>
      key({
        condition: 'model_deployed',
        pipeline,
        at: facts.at ?? at,
        model: { ...model, ...facts },
        previous: null,
        by: 'ana',
        reason: 'better',
      });
    const others = [{}, { at: '2026-01-05T10:00:00.000Z' }, { algorithm: 'random_forest' }, { version: 'v2' }];
    expect(new Set(others.map(deployed)).size).toBe(4);
    const drifted = (facts: Partial<DriftResult>) =>
      key({
        condition: 'drift_detected',
        pipeline,
        at,
        model,
        severity: 'severe',
        drift: { ...drift, ...facts } as DriftResult,
        report,
      });
    expect(drifted({ missing: ['age'] })).not.toBe(drifted({ missing: ['cost'] }));
    expect(drifted({ drifted: ['a', 'b'], missing: [] })).not.toBe(drifted({ drifted: ['ab'], missing: [] }));
  });
});

describe('the week of the report', () => {
  test.each([
    // By the calendar of ISO 8601: a week belongs to the year of its Thursday.
    ['2026-01-04T23:59:59.999Z', '2026-W01'],
    ['2026-01-05T00:00:00.000Z', '2026-W02'],
    ['2024-12-30T12:00:00.000Z', '2025-W01'],
    ['2021-01-03T12:00:00.000Z', '2020-W53'],
    ['2026-12-31T23:00:00.000Z', '2026-W53'],
    ['2026-06-15T00:00:00.000Z', '2026-W25'],
  ])('%s is in %s', (instant, week) => {
    expect(alertOf({ condition: 'weekly_report', pipeline, at: instant, monitoring })!.dedupKey).toBe(
      `churn/weekly_report/${week}`,
    );
  });
});

describe('thresholds', () => {
  /** Of each number the smallest and the largest that are allowed, and the default. */
  const BOUNDS: [string, number, number, number][] = [
    ['processing_failures', 1, 1_000, 3],
    ['inference_down_hours', 0.001, 8_784, 2],
    ['accuracy_drop', 0, 1, 0.1],
    ['data_volume_factor', 1.001, 1_000_000, 2],
    ['data_volume_history', 1, 1_000, 3],
    ['repeat_after_hours', 0.001, 8_784, 24],
    ['sla_minutes.processing', 0.001, 527_040, 30],
    ['sla_minutes.training', 0.001, 527_040, 240],
    ['sla_minutes.inference', 0.001, 527_040, 15],
    ['sla_minutes.monitoring', 0.001, 527_040, 30],
  ];
  test.each(BOUNDS)('%s lies from %d to %d, and is %d where nothing is said', (name, smallest, largest, standard) => {
    const [outer, inner] = name.split('.') as [string, string | undefined];
    const accepts = (value: unknown) =>
      AlertThresholds.safeParse({ [outer]: inner ? { [inner]: value } : value }).success;
    expect([accepts(smallest), accepts(largest)]).toEqual([true, true]);
    expect([accepts(smallest - 0.001), accepts(largest + 1), accepts('many')]).toEqual([false, false, false]);
    const value = thresholds[outer as keyof AlertThresholds];
    expect(inner ? (value as Record<string, number>)[inner] : value).toBe(standard);
  });

  test('names that nobody reads are refused', () => {
    expect(AlertThresholds.safeParse({ acuracy_drop: 0.1 }).success).toBe(false);
    expect(AlertThresholds.safeParse({ sla_minutes: { trainig: 1 } }).success).toBe(false);
  });
});

describe('an alert', () => {
  test.each(ALERTS)(
    '$condition says how severe it is, what follows, what to do and where to look',
    (facts, expected) => {
      const alert = alertFor(facts, thresholds, webUi)!;
      for (const [field, value] of Object.entries(expected))
        expect([field, alert[field as keyof Alert]]).toEqual([field, value]);
      const lines = detailLines(alert);
      expect(lines.slice(0, 4)).toEqual([
        `severity: ${alert.level}`,
        `consequence: ${alert.consequence}`,
        `what to do: ${alert.command}`,
        `link: ${alert.link}`,
      ]);
      expect(lines).toHaveLength(4 + Object.keys(alert.details).length);
    },
  );

  test('has no link where nobody said where the web UI is, but that of a report', () => {
    expect(webUiFrom('default', {})).toBeUndefined();
    const links = ALERTS.map(([facts]) => alertFor(facts, thresholds)!.link);
    expect(links).toEqual(ALERTS.map(([, { link }]) => (link === report ? report : null)));
  });
});
