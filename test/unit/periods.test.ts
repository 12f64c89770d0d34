import fc from 'fast-check';
import { expect, test } from 'vitest';
import { daysAfter, daysBetween, periodsFrom, periodsOver } from '../../src/data/periods.js';

test.each([
  ['2022-01-16', 'day', '2022-01-16', 0],
  ['2022-01-16', 'day', '2022-01-17', 1],
  ['2022-01-16', 'day', '2022-01-15', 0],
  ['2022-01-16', 'day', '2021-01-15', 0],
  ['2022-01-16', 'week', '2022-01-29', 1],
  ['2022-01-16', 'week', '2022-01-30', 2],
  ['2022-01-16', 'month', '2022-02-15', 0],
  ['2022-01-16', 'month', '2022-02-16', 1],
  ['2022-01-31', 'month', '2022-02-27', 0],
  ['2022-01-31', 'month', '2022-02-28', 1],
  ['2020-12-01', 'month', '2022-03-01', 15],
  // Late in the evening where clocks are two hours behind, it is the next day in UTC.
  ['2022-01-16', 'day', '2022-01-16T22:30:00-02:00', 1],
  ['2022-01-15T22:30:00-02:00', 'day', '2022-01-16', 0],
] as const)('of periods from %s on, one a %s, as of %s %i are over', (from, by, asOf, over) => {
  expect(periodsOver(from, by, asOf)).toBe(over);
});

test.each([
  [
    '2021-12-31',
    'month',
    [
      ['2021-12-31', '2022-01-30'],
      ['2022-01-31', '2022-02-27'],
      ['2022-02-28', '2022-03-30'],
      ['2022-03-31', '2022-04-29'],
    ],
  ],
  ['2022-12-31T23:30:00-02:00', 'day', [['2023-01-01', '2023-01-01']]],
  ['2024-02-26', 'week', [['2024-02-26', '2024-03-03']]],
  ['2024-02-26', 'week', []],
] as const)('from %s on go by the %s', (from, by, periods) => {
  expect(periodsFrom(from, by, periods.length).map(({ from, to }) => [from, to])).toEqual(periods);
});

test('are over on the day after their last', () => {
  const dayFrom = (days: number) => new Date(Date.UTC(2022, 11, 1) + days * 86_400_000).toISOString().slice(0, 10);
  const days = fc.integer({ min: 0, max: 500 });
  fc.assert(
    fc.property(days, days, fc.constantFrom('day', 'week', 'month'), (first, later, by) => {
      const [from, asOf] = [dayFrom(first), dayFrom(first + later)];
      const over = periodsOver(from, by, asOf);
      const [last, next] = [undefined, ...periodsFrom(from, by, over + 1)].slice(-2);
      expect(next!.to >= asOf).toBe(true);
      if (last) expect(last.to < asOf).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('days are counted, also over the end of a leap year', () => {
  expect(daysAfter('2023-12-31', 61)).toBe('2024-03-01');
  expect(daysAfter('2024-03-01', -61)).toBe('2023-12-31');
  expect(daysBetween('2023-12-31', '2024-03-01')).toBe(61);
  expect(daysBetween('2024-03-01', '2023-12-31')).toBe(-61);
  expect(daysBetween('2024-03-01', '2024-03-01')).toBe(0);
});
