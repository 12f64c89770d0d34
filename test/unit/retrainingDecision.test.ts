import { describe, expect, test } from 'vitest';
import type { PeriodEvaluation } from '../../src/contracts/index.js';
import { decideRetraining, type RetrainingFacts } from '../../src/monitoring/retraining.js';

const settings = { every_days: 90, minimums: { f1_macro: 0.87 }, maximums: { log_loss: 0.5 } };
const model = { algorithm: 'lightgbm', version: 'v20230101_060000_abcdef12' };

function measured(metrics: { f1_macro?: number | null; log_loss?: number }): PeriodEvaluation {
  const period = { from: '2023-01-01', to: '2023-01-07' };
  return {
    status: 'measured',
    period,
    model,
    rows: 64,
    metric: 'f1_macro',
    value: null,
    metrics: { n: 64, ...metrics },
  };
}

const decide = (facts: Partial<RetrainingFacts>) =>
  decideRetraining(settings, {
    days: 7,
    hasModel: true,
    lacking: undefined,
    evaluation: { status: 'skipped', reason: 'A model was trained in the period before.' },
    ...facts,
  });

describe('a retraining', () => {
  test.each([
    [89, false, 'none'],
    [90, true, 'age'],
    [91, true, 'age'],
  ] as const)('%i days after the last one is due: %s', (days, retrain, because) => {
    expect(decide({ days })).toMatchObject({ retrain, because });
  });

  test('says how long ago the last one was, and after how many days one is due', () => {
    expect(decide({ days: 90 }).reason).toBe('The last retraining lies 90 days back; one is due after 90.');
    expect(decide({ days: 1 }).reason).toBe('The last retraining lies 1 day back, of 90.');
  });

  test('is due where none is recorded, as if it were ninety days ago', () => {
    expect(decide({ days: null })).toMatchObject({ retrain: true, because: 'age' });
  });

  test('is the first one where there is no model', () => {
    expect(decide({ days: null, hasModel: false })).toEqual({
      retrain: true,
      because: 'initial',
      reason: 'There is no model yet.',
    });
  });

  test.each([
    [0.8699, true],
    [0.87, false],
    [0.8701, false],
  ])('where macro F1 is %f with a floor of 0.87: %s', (f1_macro, retrain) => {
    expect(decide({ evaluation: measured({ f1_macro }) }).retrain).toBe(retrain);
  });

  test('says which metric of which days is beyond its limit', () => {
    expect(decide({ evaluation: measured({ f1_macro: 0.8 }) })).toEqual({
      retrain: true,
      because: 'metric',
      reason: 'f1_macro of 2023-01-01 to 2023-01-07 is 0.8000, below 0.87.',
    });
    expect(decide({ evaluation: measured({ f1_macro: 0.9, log_loss: 0.6 }) })).toMatchObject({
      because: 'metric',
      reason: 'log_loss of 2023-01-01 to 2023-01-07 is 0.6000, above 0.5.',
    });
  });

  test('is not due for a metric that is undefined, or that nobody measured', () => {
    expect(decide({ evaluation: measured({ f1_macro: null }) }).retrain).toBe(false);
    expect(decide({}).retrain).toBe(false);
  });

  test('is not due for rows that no metric tells of, which the reason says', () => {
    const { retrain, reason } = decide({
      evaluation: {
        ...measured({ f1_macro: 0.9 }),
        rows_not_measured: 'No metric tells of 9 rows.',
      } as PeriodEvaluation,
    });
    expect(retrain).toBe(false);
    expect(reason).toMatch(/^The last retraining .* No metric tells of 9 rows\.$/);
  });

  test('waits for enough data, whatever else calls for it', () => {
    const lacking = 'The days that a training uses have 49 of 50 partitions by 2022-12-24.';
    expect(decide({ days: null, hasModel: false, lacking })).toEqual({
      retrain: false,
      because: 'not_enough_data',
      reason: lacking,
    });
  });
});
