import { expect, test } from 'vitest';
import type { DriftResult, DriftSeverity, PerformanceResult, Verdict } from '../../src/contracts/index.js';
import { rowsLeftOut, severityOf, verdictOf } from '../../src/monitoring/verdict.js';

const measured: Extract<DriftResult, { status: 'measured' }> = {
  status: 'measured',
  rows: 100,
  psi: { x1: 0, x2: 0 },
  score_psi: 0,
  expected_psi: { x1: 0.05, x2: 0.05 },
  score_expected_psi: 0.05,
  p_value: { x1: 0.5, x2: 0.5 },
  score_p_value: 0.5,
  missing_rate: { x1: 0, x2: 0 },
  training_missing_rate: { x1: 0, x2: 0 },
  drifted: [],
  score_drifted: false,
  missing: [],
};
const skipped = { status: 'skipped' as const, reason: 'Too few.' };
const performance = (breached: boolean, rows_not_measured?: string) =>
  ({ status: 'measured', breached, ...(rows_not_measured && { rows_not_measured }) }) as PerformanceResult;

test.each<[string, PerformanceResult, DriftResult, Verdict]>([
  [
    'all measured and nothing found is ok',
    performance(false),
    measured,
    { drift: false, performance_drop: false, missing: false, retrain: false, conclusion: 'ok', not_measured: {} },
  ],
  [
    'nothing measured is not measured, and asks for nothing',
    skipped,
    skipped,
    {
      drift: null,
      performance_drop: null,
      missing: null,
      retrain: false,
      conclusion: 'not_measured',
      not_measured: { drift: 'Too few.', performance: 'Too few.' },
    },
  ],
  [
    'nothing found in what was measured is not measured',
    skipped,
    measured,
    {
      drift: false,
      performance_drop: null,
      missing: false,
      retrain: false,
      conclusion: 'not_measured',
      not_measured: { performance: 'Too few.' },
    },
  ],
  [
    'drift of a feature',
    performance(false),
    { ...measured, drifted: ['x1'] },
    { drift: true, performance_drop: false, missing: false, retrain: true, conclusion: 'attention', not_measured: {} },
  ],
  [
    'drift of the score',
    performance(false),
    { ...measured, score_drifted: true },
    { drift: true, performance_drop: false, missing: false, retrain: true, conclusion: 'attention', not_measured: {} },
  ],
  [
    'missing values',
    performance(false),
    { ...measured, missing: ['x1'] },
    { drift: false, performance_drop: false, missing: true, retrain: true, conclusion: 'attention', not_measured: {} },
  ],
  [
    'a drop of performance, whatever is not measured beside it',
    performance(true),
    skipped,
    {
      drift: null,
      performance_drop: true,
      missing: null,
      retrain: true,
      conclusion: 'attention',
      not_measured: { drift: 'Too few.' },
    },
  ],
  [
    'no drop on some of the rows is not measured where no metric tells of the others',
    performance(false, 'Some are left out.'),
    measured,
    {
      ...{ drift: false, performance_drop: null, missing: false, retrain: false, conclusion: 'not_measured' },
      not_measured: { performance: 'Some are left out.' },
    },
  ],
  [
    'a drop on some of the rows is one, and the others are told',
    performance(true, 'Some are left out.'),
    measured,
    {
      ...{ drift: false, performance_drop: true, missing: false, retrain: true, conclusion: 'attention' },
      not_measured: { performance: 'Some are left out.' },
    },
  ],
  [
    'a column that lost its last values is not measured',
    performance(false),
    {
      ...measured,
      psi: { x1: null, x2: 0 },
      missing_rate: { x1: 1, x2: 0 },
      training_missing_rate: { x1: 0.98, x2: 0 },
    },
    {
      ...{ drift: null, performance_drop: false, missing: false, retrain: false, conclusion: 'not_measured' },
      not_measured: { drift: 'There is no PSI of x1, which hold no value at training or now.' },
    },
  ],
  [
    'a column with values of which a few more are missing is measured',
    performance(false),
    { ...measured, missing_rate: { x1: 0.02, x2: 0 } },
    { drift: false, performance_drop: false, missing: false, retrain: false, conclusion: 'ok', not_measured: {} },
  ],
  [
    'a score without values is not measured',
    performance(false),
    { ...measured, score_psi: null },
    {
      ...{ drift: null, performance_drop: false, missing: false, retrain: false, conclusion: 'not_measured' },
      not_measured: { drift: 'There is no PSI of the score, which hold no value at training or now.' },
    },
  ],
  [
    'drift beside a column without values is drift, and the column is told',
    performance(false),
    {
      ...measured,
      drifted: ['x2'],
      psi: { x1: null, x2: 1 },
      missing_rate: { x1: 1, x2: 0 },
      training_missing_rate: { x1: 0.98, x2: 0 },
      score_psi: null,
    },
    {
      ...{ drift: true, performance_drop: false, missing: false, retrain: true, conclusion: 'attention' },
      not_measured: { drift: 'There is no PSI of x1, the score, which hold no value at training or now.' },
    },
  ],
  [
    'a column without values that is missing already is told once',
    performance(false),
    {
      ...measured,
      psi: { x1: null, x2: 0 },
      missing: ['x1'],
      missing_rate: { x1: 1, x2: 0 },
      training_missing_rate: { x1: 0, x2: 0 },
    },
    { drift: false, performance_drop: false, missing: true, retrain: true, conclusion: 'attention', not_measured: {} },
  ],
  [
    'a column that never had a value is as it was',
    performance(false),
    { ...measured, psi: { x1: null, x2: 0 }, missing_rate: { x1: 1, x2: 0 }, training_missing_rate: { x1: 1, x2: 0 } },
    { drift: false, performance_drop: false, missing: false, retrain: false, conclusion: 'ok', not_measured: {} },
  ],
])('%s', (_, performance, drift, verdict) => {
  expect(verdictOf(performance, drift)).toEqual(verdict);
});

test.each<[string, DriftResult, DriftSeverity | null]>([
  ['nothing measured has none', skipped, null],
  ['nothing found has none, however large a PSI that sampling explains', { ...measured, psi: { x1: 3, x2: 0 } }, null],
  ['drift below the limit is moderate', { ...measured, psi: { x1: 0.5, x2: 3 }, drifted: ['x1'] }, 'moderate'],
  ['drift at the limit is severe', { ...measured, psi: { x1: 0.55, x2: 0 }, drifted: ['x1'] }, 'severe'],
  ['the largest counts', { ...measured, psi: { x1: 0.3, x2: 0.7 }, drifted: ['x1', 'x2'] }, 'severe'],
  ['the score counts', { ...measured, score_psi: 0.7, score_drifted: true }, 'severe'],
  ['missing values alone are moderate', { ...measured, missing: ['x1'] }, 'moderate'],
  [
    'drift beside missing values keeps its severity',
    { ...measured, psi: { x1: 0.7, x2: null }, drifted: ['x1'], missing: ['x2'] },
    'severe',
  ],
  [
    'as many drifted as missing is not none',
    { ...measured, psi: { x1: 0.3, x2: 0 }, drifted: ['x1'], missing: ['x1'] },
    'moderate',
  ],
])('severity: %s', (_, drift, severity) => {
  expect(severityOf(drift, 0.5)).toBe(severity);
});

test('rows that monitoring leaves out are counted by why, and only those that there are', () => {
  expect(rowsLeftOut({})).toEqual([]);
  expect(rowsLeftOut({ trained_rows: 0, looked_at: { rows: 9, from: '2020-03-01', older: 0, stale: 0 } })).toEqual([]);
  expect(rowsLeftOut({ trained_rows: 1_200, looked_at: { rows: 9, from: '2020-03-01', older: 2, stale: 1 } })).toEqual([
    '1,200 of rows that the model was trained on',
    '2 of days before 2020-03-01',
    '1 of rows whose features have changed since, or are gone',
  ]);
});
