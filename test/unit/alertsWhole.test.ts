import { describe, expect, test } from 'vitest';
import type { AlertFacts, Metrics, PerformanceResult } from '../../src/contracts/index.js';
import { webUiFrom } from '../../src/notify/advice.js';
import type { Alert } from '../../src/notify/alert.js';
import { detailLines } from '../../src/notify/channel.js';
import { AlertThresholds, alertFor } from '../../src/notify/conditions.js';

const thresholds = AlertThresholds.parse({});
const webUi = webUiFrom('default', { PERDURE_TEMPORAL_UI: 'http://127.0.0.1:8233/' });
const at = '2026-01-04T10:00:00.000Z';
const pipeline = 'churn';
const run = { workflowId: 'churn-model-training-1', runId: '6f0d9a52-0000-4000-8000-000000000001' };
const model = { algorithm: 'xgboost', version: 'v1' };
const report = 's3://bucket/reports/report_1.json';
const runPage = `http://127.0.0.1:8233/namespaces/default/workflows/${run.workflowId}/${run.runId}/history`;
const listPage = 'http://127.0.0.1:8233/namespaces/default/workflows?query=PerdurePipeline%3D%22churn%22';
const metrics = (accuracy: number): Metrics => ({ accuracy, precision: 0.2, recall: 0.5, f1: 0.3, roc_auc: 0.66, average_precision: 0.2, confusion_matrix: [[1, 2], [3, 4]], n: 1_000 });
const performance: PerformanceResult = { status: 'measured', metrics: metrics(0.68), baseline: metrics(0.8), drop: 0.12, metric: 'accuracy', p_value: 0.001, breached: true };

/** Every word of each alert: what it leaves out, nobody is told. */
const ALERTS: [AlertFacts, Partial<Alert>][] = [
  [
    { condition: 'processing_failing', pipeline, at, failing: { failures: 3, since: '2026-01-02T02:00:00.000Z', reason: 'No space is left.' } },
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
    { level: 'critical', details: { since: '2026-01-04T07:20:00.000Z', hours: 2.67 }, consequence: 'New rows have no predictions.', command: 'perdure predict churn', link: listPage },
  ],
  [
    { condition: 'accuracy_drop', pipeline, at, model, performance, report },
    {
      level: 'critical',
      details: { model: 'xgboost v1', metric: 'accuracy', drop: 0.12, rows: 1_000, accuracy: 0.68, accuracy_baseline: 0.8, roc_auc: 0.66, roc_auc_baseline: 0.66, report },
      consequence: 'The champion goes on predicting, less well than when it was chosen.',
      command: 'perdure steward approve churn --reason "performance drop"',
      link: report,
    },
  ],
  [
    { condition: 'training_failed', pipeline, at, run, training: { status: 'failed', type: 'EngineCrashed', reason: 'The engine died.' } },
    {
      level: 'warning',
      details: { workflow_id: run.workflowId, run_id: run.runId, training: 'The engine died.' },
      consequence: 'The champion stays the version that it was.',
      command: 'perdure train churn',
      link: runPage,
    },
  ],
  [
    { condition: 'drift_detected', pipeline, at, model, report, severity: 'moderate', drift: { status: 'measured', rows: 500, psi: { age: 0.31 }, score_psi: 0.1, missing_rate: { age: 0 }, training_missing_rate: { age: 0 }, drifted: ['age'], score_drifted: false, missing: [] } as never },
    {
      level: 'warning',
      consequence: 'The champion goes on predicting rows unlike those that it was trained with; a retraining that needs approval waits for it.',
      command: 'perdure steward approve churn --reason "the drift is real"',
      link: report,
    },
  ],
  [
    { condition: 'sla_missed', pipeline, at, part: 'training', run, startedAt: '2026-01-04T05:55:00.000Z' },
    {
      level: 'info',
      details: { part: 'training', workflow_id: run.workflowId, run_id: run.runId, started_at: '2026-01-04T05:55:00.000Z', sla_minutes: 240 },
      consequence: 'What follows on this run is late as well.',
      command: 'perdure status churn',
      link: runPage,
    },
  ],
  [
    { condition: 'tasks_failing', pipeline, at, failing: { run, workflow: 'modelTraining', attempts: 4, since: '2026-01-04T09:59:00.000Z', reason: 'a fault' } },
    {
      level: 'critical',
      summary: 'churn-model-training-1 stands still since 2026-01-04T09:59:00.000Z: its workflow task has failed 4 times (a fault).',
      details: { workflow_id: run.workflowId, run_id: run.runId, workflow: 'modelTraining', attempts: 4, since: '2026-01-04T09:59:00.000Z', reason: 'a fault' },
      consequence: 'The workflow stands still, and does nothing until the cause is gone; nothing of it is lost.',
      command: 'perdure doctor',
      link: runPage,
    },
  ],
  [
    { condition: 'model_deployed', pipeline, at, model, previous: null, by: 'ana', reason: 'better' },
    { level: 'info', consequence: 'From now on predictions come from this version.', command: 'perdure models rollback churn --reason "..."', link: listPage },
  ],
];

describe('an alert', () => {
  test.each(ALERTS)('$condition says how severe it is, what follows, what to do and where to look', (facts, expected) => {
    const alert = alertFor(facts, thresholds, webUi)!;
    for (const [field, value] of Object.entries(expected)) expect([field, alert[field as keyof Alert]]).toEqual([field, value]);
    const lines = detailLines(alert);
    expect(lines.slice(0, 4)).toEqual([`severity: ${alert.level}`, `consequence: ${alert.consequence}`, `what to do: ${alert.command}`, `link: ${alert.link}`]);
    expect(lines).toHaveLength(4 + Object.keys(alert.details).length);
  });

  test('has no link where nobody said where the web UI is, but that of a report', () => {
    expect(webUiFrom('default', {})).toBeUndefined();
    const links = ALERTS.map(([facts]) => alertFor(facts, thresholds)!.link);
    expect(links).toEqual(ALERTS.map(([, { link }]) => (link === report ? report : null)));
  });
});
