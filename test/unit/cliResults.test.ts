import { describe, expect, test } from 'vitest';
import { resultJson } from '../../src/cli/resultJson.js';
import { describeResults } from '../../src/cli/resultTables.js';
import { describeVerdict, summarize } from '../../src/cli/phases.js';
import { duration } from '../../src/cli/terminal.js';
import { workflowIdAt } from '../../src/client.js';
import type {
  LifecycleResult,
  ModelMonitoringCompleted,
  ModelTrainingCompleted,
  TaskMetrics,
  Verdict,
} from '../../src/contracts/index.js';
import { decided } from '../support/promotions.js';

const METRICS: TaskMetrics = {
  accuracy: 0.6,
  precision: 0.15,
  recall: 0.4481,
  f1: 0.22,
  roc_auc: 0.61204,
  average_precision: null,
  confusion_matrix: [
    [10, 5],
    [3, 2],
  ],
  n: 20,
};

const TRAINING: ModelTrainingCompleted = {
  status: 'partial',
  champion: { algorithm: 'xgboost', version: 'v1' },
  challenger: { algorithm: 'xgboost', version: 'v1' },
  promotion: decided('promote', { algorithm: 'xgboost', version: 'v1' }),
  comparison: {
    metric: 'oot.roc_auc',
    scores: { xgboost: 0.6321 },
    estimate: { metric: 'test.roc_auc', scores: { xgboost: 0.612 } },
  },
  dataset: { id: 'train_data_1', uri: 'file:///d', checksum: 'c', rows: { train: 1, test: 1, oot: 1 } },
  algorithms: {
    xgboost: {
      status: 'completed',
      version: 'v1',
      uri: 'file:///m',
      best_params: { max_depth: 5 },
      cv_score: 0.62,
      test: METRICS,
      oot: { ...METRICS, roc_auc: null },
      search: { candidates: 20, failed: 0, foldsEvaluated: 100, foldsPlanned: 100 },
    },
    random_forest: {
      status: 'failed',
      type: 'AllCandidatesFailed',
      reason: 'Every candidate of random_forest failed.',
    },
  },
};

const RESULTS: LifecycleResult = {
  processing: { status: 'skipped', reason: 'Input unchanged.', rows: 101_766, partitions: 120 },
  training: TRAINING,
  inference: { status: 'skipped', reason: 'No new data.', rows: 0 },
  monitoring: { status: 'skipped', reason: 'No predictions exist.' },
};

describe('the JSON answer', () => {
  test("holds each phase's status and the keys that scripts look for, skipped or not", () => {
    const json = resultJson({ workflow_id: 'w', run_id: 'r', url: null }, RESULTS);
    expect(json).toMatchObject({
      run: { workflow_id: 'w', run_id: 'r', url: null },
      processing: { status: 'skipped', rows: 101_766, partitions: 120 },
      training: {
        status: 'partial',
        champion: { algorithm: 'xgboost', version: 'v1' },
        challenger: { algorithm: 'xgboost', version: 'v1' },
        algorithms: {
          xgboost: {
            status: 'completed',
            version: 'v1',
            best_params: { max_depth: 5 },
            cv_score: 0.62,
            test: METRICS,
            oot: { recall: 0.4481, roc_auc: null },
          },
          random_forest: { status: 'failed', reason: 'Every candidate of random_forest failed.' },
        },
      },
      inference: { status: 'skipped', rows: 0, uri: null },
      monitoring: { status: 'skipped', drift: null, retrain: null, psi: {} },
    });
  });

  test('of one phase holds that phase alone', () => {
    expect(Object.keys(resultJson(null, { inference: RESULTS.inference }))).toEqual(['inference']);
  });
});

describe('the closing tables', () => {
  const text = describeResults(RESULTS);

  test('mark the champion and tell metrics to four decimals, undefined ones as "-"', () => {
    const row = text.split('\n').find((line) => line.includes('xgboost *'));
    expect(row?.split(/ {2,}/)).toEqual(['xgboost *', '0.6200', '0.6120', '0.4481', '0.2200', '-', '0.4481', '0.2200']);
  });

  test('say which split chose the champion, and which had no part in it', () => {
    expect(text).toContain(
      'Train models: champion xgboost v1, chosen by oot.roc_auc 0.6321; test.roc_auc 0.6120 had no part in the choice; failed: random_forest',
    );
    expect(text).toContain('* champion, chosen by oot.roc_auc; the test columns had no part in the choice');
  });

  test('fit a terminal of 80 columns, sentences aside', () => {
    const lines = text.split('\n').filter((line) => line.includes('  '));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('say why an algorithm failed and why a phase was skipped', () => {
    expect(text).toContain('random_forest failed (AllCandidatesFailed): Every candidate of random_forest failed.');
    expect(text).toContain('Process data: skipped: Input unchanged.');
    expect(text).toContain('Predict: skipped: No new data.');
  });
});

describe('what monitoring found, in a line', () => {
  const ok: Verdict = {
    drift: false,
    performance_drop: false,
    missing: false,
    retrain: false,
    conclusion: 'ok',
    not_measured: {},
  };
  const labels = '12 scored rows have labels that are 30 days old by 2001-11-30; performance needs at least 100.';

  test.each<[Pick<ModelMonitoringCompleted, 'rows' | 'looked_at' | 'trained_rows'>, string]>([
    [{ rows: 60, looked_at: { rows: 60, from: '2001-11-01' } }, '60 predictions looked at, '],
    // Scores that took the place of others are none of the rows that are told of.
    [
      { rows: 7_100, trained_rows: 4_173, looked_at: { rows: 2_870, from: '2001-11-01' } },
      '2,870 predictions looked at (left out: 4,173 of rows that the model was trained on), ',
    ],
    [
      { rows: 756, trained_rows: 452, looked_at: { rows: 1, from: '2014-09-01', older: 200, stale: 12 } },
      '1 prediction looked at (left out: 452 of rows that the model was trained on, 200 of days before 2014-09-01, 12 of rows whose features have changed since, or are gone), ',
    ],
    // Of a release that did not tell.
    [
      { rows: 756, trained_rows: 452 },
      '304 predictions looked at (left out: 452 of rows that the model was trained on), ',
    ],
  ])('of %o predictions', (predictions, told) => {
    const measured = {
      status: 'completed',
      ...ok,
      ...predictions,
    } as ModelMonitoringCompleted;
    expect(summarize('monitoring', measured)).toBe(
      `${told}no drift, no drop in performance, no changed share of missing values`,
    );
  });

  test('and below it the features that moved most, with four decimals of each PSI, however small', () => {
    const measured = {
      status: 'completed',
      ...ok,
      rows: 60,
      psi: { age: 0.25004, income: 0.0004861, town: null },
      score_psi: 0.00000123,
      missing_rate: { age: 0, income: 0.125, town: 1 },
      performance: { status: 'skipped', reason: labels },
      uri: 'file:///report.json',
    } as unknown as ModelMonitoringCompleted;
    expect(describeResults({ monitoring: measured }).split('\n').slice(1, 6)).toEqual([
      'most shifted features     PSI  missing',
      '─────────────────────  ──────  ───────',
      'age                    0.2500     0.0%',
      'income                 0.0005    12.5%',
      'town                        -   100.0%',
    ]);
    expect(describeResults({ monitoring: measured })).toMatch(/^the score itself +0\.0000$/m);
  });

  test.each<[Partial<Verdict>, string]>([
    [{}, 'no drift, no drop in performance, no changed share of missing values'],
    [
      { drift: true, retrain: true },
      'found drift: a retraining is asked for; no drop in performance, no changed share of missing values',
    ],
    [
      {
        drift: true,
        no_retraining: 'No retraining is asked for, as nothing to learn from has come since xgboost v1 was trained.',
      },
      'found drift: no retraining is asked for, as nothing to learn from has come since xgboost v1 was trained; no drop in performance, no changed share of missing values',
    ],
    [
      { performance_drop: null, conclusion: 'not_measured', not_measured: { performance: labels } },
      'no drift, no changed share of missing values; not measured: a drop in performance. 12 scored rows have labels that are 30 days old by 2001-11-30; performance needs at least 100',
    ],
    [
      {
        drift: null,
        missing: null,
        performance_drop: null,
        conclusion: 'not_measured',
        not_measured: { drift: 'Few rows.', performance: 'Few labels.' },
      },
      'not measured: drift and a drop in performance and a changed share of missing values. Few rows. Few labels',
    ],
  ])('%j', (found, line) => {
    expect(describeVerdict({ ...ok, ...found })).toBe(line);
  });
});

test('durations read as people say them', () => {
  expect([420, 59_400, 125_000, 12_000_000].map(duration)).toEqual(['0.4 s', '59 s', '2 min 5 s', '3 h 20 min']);
});

test('a workflow id names pipeline, workflow and the instant of its start', () => {
  expect(workflowIdAt('modelTraining', 'churn', new Date('2025-01-02T03:04:05.678Z'))).toBe(
    'churn-model-training-20250102-030405-678',
  );
});
