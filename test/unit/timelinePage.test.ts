import { describe, expect, test } from 'vitest';
import { describePeriod } from '../../src/cli/backfill.js';
import { timelineTable } from '../../src/cli/timelineTable.js';
import type { PeriodRecord } from '../../src/contracts/index.js';
import { pageOfKey, timelinePageKey } from '../../src/monitoring/pages.js';
import { renderTimeline } from '../../src/reports/timelineReport.js';

const model = (version: string) => ({ algorithm: 'lightgbm', version });
const none = { retrain: false, because: 'none', reason: 'The last retraining lies 7 days back, of 90.' } as const;

function week(from: string, more: Partial<PeriodRecord>): PeriodRecord {
  return {
    ...{ from, to: from, outcome: 'predicted', decision: none, training: null, model: model('v1'), rows: 64 },
    evaluation: { status: 'skipped', reason: 'There is no champion to evaluate yet.' },
    ...more,
  };
}

function measured(from: string, value: number): PeriodRecord['evaluation'] {
  const period = { from, to: from };
  return { status: 'measured', period, model: model('v1'), rows: 60, metric: 'f1_macro', value, metrics: { n: 60 } };
}

const trained = (version: string, promoted = true): PeriodRecord['training'] => ({
  ...{ model: model(version), metric: 'validation.f1_macro', score: 0.9123, promoted, reason: 'It was refused.' },
});

/** A week too early, an initial training, two weeks of it, and a retraining as the second was poor. */
const PERIODS = [
  week('2022-12-25', {
    outcome: 'skipped',
    model: null,
    rows: 0,
    decision: { retrain: false, because: 'not_enough_data', reason: 'There are 49 of 50 partitions.' },
  }),
  week('2023-01-01', {
    outcome: 'trained',
    training: trained('v1'),
    decision: { retrain: true, because: 'initial', reason: 'There is no model yet.' },
  }),
  week('2023-01-08', {}),
  week('2023-01-15', { evaluation: measured('2023-01-08', 0.95) }),
  week('2023-01-22', {
    outcome: 'trained',
    training: trained('v2'),
    model: model('v2'),
    evaluation: measured('2023-01-15', 0.75),
    decision: { retrain: true, because: 'metric', reason: 'f1_macro is 0.7500, below 0.87.' },
  }),
];

describe('a timeline', () => {
  test('is a line for each retraining, with how its model did until the next', () => {
    const lines = timelineTable({ by: 'week', periods: PERIODS }).split('\n');
    expect(lines[0]).toBe('Timeline: 5 weeks from 2022-12-25 to 2023-01-22; 2 retrainings; 1 without a model');
    expect(lines.at(-2)!.split(/\s{2,}/)).toEqual([
      ...['2023-01-01', '2023-01-15', '3', 'initial', 'lightgbm v1', '0.9123', '0.8500', '0.7500'],
    ]);
    expect(
      lines
        .at(-1)!
        .split(/\s{2,}/)
        .map((cell) => cell.trim()),
    ).toEqual([...['2023-01-22', '2023-01-22', '1', 'metric', 'lightgbm v2', '0.9123', '-', '-']]);
  });

  test('has a page with the metric of each week, the limit, and why each model was trained', () => {
    const page = { pipeline: 'credit', title: 'Grades <b>of loans</b>', by: 'week', periods: PERIODS };
    const html = renderTimeline({ ...page, limits: { f1_macro: 0.87 } });
    expect(html).toContain('0.8500 on average, 0.7500 at the lowest (2023-01-15). 2 retrainings; the limit is 0.87.');
    expect(html).toContain('f1_macro is 0.7500, below 0.87.');
    expect(html).toContain('Grades &lt;b>of loans&lt;/b>');
    expect(html).toContain('<svg');
    expect(renderTimeline({ ...page, periods: PERIODS.slice(0, 2), limits: {} })).toContain('No week was measured.');
  });

  test('has a page that is found by its kind', () => {
    expect(pageOfKey(timelinePageKey('20250102_030405_1a2b3c4d'))).toMatchObject({
      kind: 'timeline',
      run: '20250102_030405_1a2b3c4d',
      startedAt: '2025-01-02T03:04:05Z',
    });
  });
});

describe('a period in one line', () => {
  test.each([
    [PERIODS[0]!, '2022-12-25  skipped    There are 49 of 50 partitions.'],
    [PERIODS[2]!, '2023-01-08  predicted  64 rows predicted; not evaluated'],
    [PERIODS[3]!, '2023-01-15  predicted  64 rows predicted; f1_macro 0.9500 of 60 rows of 2023-01-08'],
    [
      { ...PERIODS[1]!, training: trained('v1', false), model: null, rows: 0 },
      '2023-01-01  trained    lightgbm v1, validation.f1_macro 0.9123 (initial: There is no model yet.); nothing to predict; not evaluated; it was not promoted: It was refused.',
    ],
  ])('%#', (period, line) => {
    expect(describePeriod(period)).toBe(line);
  });
});
