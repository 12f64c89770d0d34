import { describe, expect, test } from 'vitest';
import { Expectations } from '../../src/config/expectations.js';
import type { Pipeline } from '../../src/config/load.js';
import type { LayerManifest, PartitionEntry } from '../../src/data/layers.js';
import { summaryOf, type Evaluation } from '../../src/data/validation/evaluate.js';
import { checkFreshness } from '../../src/data/validation/freshness.js';
import { scoreOf, type ExpectationResult } from '../../src/data/validation/results.js';
import {
  isRefused,
  qualityOf,
  refusal,
  refuseLowScores,
  type RefusedPartition,
} from '../../src/data/validation/verdict.js';

const pipelineOf = (minimum?: number) =>
  ({
    definition: { name: 'visits' },
    config: minimum === undefined ? {} : { validation_config: { min_quality_score: minimum } },
  }) as Pipeline;

/** An expectation that is met, or broken by some of a hundred rows. */
const rows = (rule: string, broken: number, severity: ExpectationResult['severity'] = 'warn'): ExpectationResult => ({
  rule,
  dimension: 'validity',
  severity,
  success: broken === 0,
  expectation_config: { type: 't', kwargs: {} },
  result: { unexpected_count: broken, unexpected_percent: broken },
});
/** One about a table. */
const table = (rule: string, success: boolean, observed?: unknown): ExpectationResult => ({
  ...rows(rule, 0, 'fail'),
  success,
  result: observed === undefined ? {} : { observed_value: observed },
});
const partitionOf = (partition: string, ...results: ExpectationResult[]): RefusedPartition => ({
  partition,
  results,
  quality_score: scoreOf(results.filter(({ success }) => success).length, results.length),
});
const REMEDY = 'correct the source, or the rows that "perdure data quarantine visits" shows, and run again.';

describe('a partition', () => {
  test.each<[string, boolean, ExpectationResult[], number | undefined]>([
    ['with all met is taken', false, [rows('a', 0, 'fail'), rows('b', 0)], 1],
    ['with what must hold broken is refused', true, [rows('a', 0), rows('b', 1, 'fail')], undefined],
    ['with what is told broken is taken', false, [rows('a', 1), rows('b', 0, 'fail')], undefined],
    ['with what is left out is taken', false, [rows('a', 1, 'drop')], undefined],
    ['below the minimum is refused', true, [rows('a', 1), rows('b', 0)], 0.51],
    ['at the minimum is taken', false, [rows('a', 1), rows('b', 0)], 0.5],
    ['of which nothing is expected has no score that could be too low', false, [], 1],
  ])('%s', (_, isNot, results, minimum) => {
    expect(isRefused(pipelineOf(minimum), partitionOf('p', ...results))).toBe(isNot);
  });

  test('has a share of what is met as its score', () => {
    expect([scoreOf(0, 0), scoreOf(0, 4), scoreOf(1, 4), scoreOf(4, 4)]).toEqual([null, 0, 0.25, 1]);
  });
});

describe('what a run fails with', () => {
  test.each<[string, string, RefusedPartition[]]>([
    [
      'one expectation of rows',
      `The expectation a, which must hold, is broken by 1 row of partition p; ${REMEDY}`,
      [partitionOf('p', rows('a', 1, 'fail'), rows('b', 9), rows('c', 0, 'fail'))],
    ],
    [
      'one expectation of a table',
      `The expectation a, which must hold, is not met (12) in partition p; ${REMEDY}`,
      [partitionOf('p', table('a', false, 12), table('b', true, 3))],
    ],
    [
      'one of the columns of a table',
      `The expectation a, which must hold, is not met in partition p; ${REMEDY}`,
      [partitionOf('p', table('a', false))],
    ],
    [
      'two, the worst first',
      `Expectations that must hold are not met: b is broken by 9 rows of p, a is broken by 2 rows of q; ${REMEDY}`,
      [partitionOf('q', rows('a', 2, 'fail')), partitionOf('p', rows('b', 9, 'fail'))],
    ],
    [
      'three, of which one is about the whole table',
      `Expectations that must hold are not met: c is not met (null) in q, b is broken by 99 rows of p, a is broken by 2 rows of p; ${REMEDY}`,
      [partitionOf('p', rows('a', 2, 'fail'), rows('b', 99, 'fail')), partitionOf('q', table('c', false, null))],
    ],
    [
      'four, of which three are named',
      `Expectations that must hold are not met: d is broken by 4 rows of p, c is broken by 3 rows of p, b is broken by 2 rows of p, and 1 more; ${REMEDY}`,
      [partitionOf('p', ...['a', 'b', 'c', 'd'].map((name, i) => rows(name, i + 1, 'fail')))],
    ],
  ])('%s', (_, message, refused) => {
    expect(refusal(pipelineOf(), refused)).toMatchObject({ type: 'InputInvalid', message });
  });

  test('a score that is too low, of the worst partition', () => {
    const low = [
      partitionOf('p', rows('a', 1), rows('b', 2), rows('c', 0)),
      partitionOf('q', rows('a', 1), rows('b', 33.25), { ...table('c', false), severity: 'warn' }),
      partitionOf('r', rows('a', 1), rows('b', 2), rows('c', 0)),
    ];
    expect(refusal(pipelineOf(0.75), low)).toMatchObject({
      type: 'InputInvalid',
      message: `Partition q, as 2 others, has a quality score of 0.00 (0 of 3 expectations are met), below the minimum of 0.75 (validation_config.min_quality_score); the worst are c, b (33.3% of the rows), a (1.0% of the rows); ${REMEDY}`,
    });
    expect(refusal(pipelineOf(0.75), low.slice(0, 1))).toMatchObject({
      message: `Partition p has a quality score of 0.33 (1 of 3 expectations is met), below the minimum of 0.75 (validation_config.min_quality_score); the worst are b (2.0% of the rows), a (1.0% of the rows); ${REMEDY}`,
    });
  });
});

describe('partitions that were made when a lower score was enough', () => {
  const entry = (unmet?: Record<string, number>, evaluated = 4): PartitionEntry => ({
    inputs: 'i',
    objects: [],
    ...(unmet && { validation: { evaluated, met: evaluated - Object.keys(unmet).length, unmet } }),
  });

  test('stay where they reach it, or have no score', () => {
    const entries: [string, PartitionEntry][] = [
      ['2020_01', entry()],
      ['2020_02', entry({}, 0)],
      ['2020_03', entry({ a: 1 })],
    ];
    expect(() => refuseLowScores(pipelineOf(0.75), entries)).not.toThrow();
    expect(() => refuseLowScores(pipelineOf(), [['2020_01', entry({ a: 1 }, 1)]])).not.toThrow();
    expect(() => refuseLowScores(pipelineOf(0.75), [])).not.toThrow();
  });

  test('are refused with the worst of them, and what most of its rows break first', () => {
    const refused = (...entries: [string, PartitionEntry][]) => {
      try {
        refuseLowScores(pipelineOf(0.8), entries);
      } catch (error) {
        return error;
      }
      return undefined;
    };
    const below = 'below the minimum of 0.8 (validation_config.min_quality_score)';
    const remedy = 'correct the source, or lower the minimum, and run again.';
    expect(refused(['2020_01', entry()], ['2020_02', entry({ a: 1 })])).toMatchObject({
      type: 'InputInvalid',
      message: `Partition 2020_02 has a quality score of 0.75 (3 of 4 expectations are met), ${below}; not met are a (1 row); ${remedy}`,
    });
    expect(
      refused(['2020_01', entry({ a: 1 })], ['2020_02', entry({ a: 1, b: 0, c: 3 })], ['2020_03', entry({ a: 1 })]),
    ).toMatchObject({
      message: `Partition 2020_02, as 2 others, has a quality score of 0.25 (1 of 4 expectations is met), ${below}; not met are c (3 rows), a (1 row), b; ${remedy}`,
    });
    expect(refused(['2020_02', entry({ a: 1, b: 2, c: 3, d: 4 })])).toMatchObject({
      message: `Partition 2020_02 has a quality score of 0.00 (0 of 4 expectations are met), ${below}; not met are d (4 rows), c (3 rows), b (2 rows), and 1 more; ${remedy}`,
    });
    expect(refused(['2020_02', entry({ a: 1 }, 1)])).toMatchObject({
      message: `Partition 2020_02 has a quality score of 0.00 (0 of 1 expectation is met), ${below}; not met are a (1 row); ${remedy}`,
    });
  });

  test('count together, with the rows that break an expectation added up', () => {
    const unvalidated = entry();
    expect(qualityOf([entry({ a: 1, b: 0 }), unvalidated, entry({ a: 2 }), entry({})])).toEqual({
      evaluated: 12,
      met: 9,
      unmet: { a: 3, b: 0 },
    });
    expect(qualityOf([unvalidated])).toEqual({ evaluated: 0, met: 0, unmet: {} });
  });
});

test('what is not met of a partition is kept by name, with the rows that break it', () => {
  const evaluation = (newest: Evaluation['newest'], ...results: ExpectationResult[]): Evaluation => ({
    results,
    newest,
    kept: 1,
    dropped: {},
    quarantined: 0,
  });
  expect(summaryOf(evaluation({}, rows('a', 3), rows('b', 0), table('c', false, 1)))).toEqual({
    evaluated: 3,
    met: 1,
    unmet: { a: 3, c: 0 },
  });
  // An expectation may be met though some rows break it.
  expect(summaryOf({ ...evaluation({}, { ...rows('a', 3), success: true }), quarantined: 3 })).toEqual({
    evaluated: 1,
    met: 1,
    unmet: {},
    quarantined: 3,
  });
  expect(summaryOf(evaluation({ fresh: '2020-01-31', none: null }))).toEqual({
    evaluated: 0,
    met: 0,
    unmet: {},
    newest: { fresh: '2020-01-31', none: null },
  });
});

describe('the age of the newest value', () => {
  const aged = (name: string, severity: string, bounds: object) => ({
    type: 'expect_column_newest_value_age_to_be_between',
    kwargs: { column: 'day', ...bounds },
    severity,
    meta: { name },
  });
  const pipeline = (...expectations: object[]) =>
    ({ expectations: Expectations.parse({ expectations }) }) as unknown as Pipeline;
  const silver = (...newest: (Record<string, string | null> | undefined)[]): LayerManifest => ({
    partitions: Object.fromEntries(
      newest.map((newest, i) => [
        `2020_0${i + 1}`,
        { inputs: 'i', objects: [], validation: { evaluated: 0, met: 0, unmet: {}, ...(newest && { newest }) } },
      ]),
    ),
  });

  test('is of all partitions, whichever was made last, and counts from the day of the run', () => {
    const expected = pipeline(
      { type: 'expect_column_to_exist', kwargs: { column: 'day' } },
      aged('fresh', 'fail', { max_value: 21 }),
      aged('old', 'warn', { min_value: 22 }),
      aged('other', 'warn', { max_value: 1 }),
    );
    const manifest = silver({ fresh: '2020-01-31', old: '2020-02-08' }, { fresh: '2020-02-08', old: null }, undefined, {
      fresh: '2020-01-05',
      old: '2020-01-05',
    });
    // From 8 to 29 February.
    expect(checkFreshness(expected, manifest, '2020-02-29T23:59:59Z')).toEqual({
      freshness: { fresh: { days: 21, met: true }, old: { days: 21, met: false }, other: { days: null, met: false } },
    });
    expect(() => checkFreshness(expected, manifest, '2020-03-01T12:00:00Z')).toThrow(
      expect.objectContaining({
        type: 'InputInvalid',
        message:
          'The expectation fresh, which must hold, is not met: the newest value is of 2020-02-08, 22 days before 2020-03-01; bring newer data, or correct expectations.json, and run again.',
      }) as Error,
    );
    expect(() => checkFreshness(expected, { partitions: {} }, '2020-03-01')).toThrow(
      expect.objectContaining({
        message:
          'The expectation fresh, which must hold, is not met: no row has a value; bring newer data, or correct expectations.json, and run again.',
      }) as Error,
    );
  });

  test('is not looked at where none is expected', () => {
    const none = pipeline({ type: 'expect_column_to_exist', kwargs: { column: 'day' } });
    expect(checkFreshness(none, silver({ fresh: '2020-01-31' }), '2020-03-01')).toEqual({});
    const condition = {
      expectations: Expectations.parse({ silver: [{ name: 'a', check: 'true', on_failure: 'fail' }] }),
    } as unknown as Pipeline;
    expect(checkFreshness(condition, silver({ a: '2020-01-31' }), '2020-03-01')).toEqual({});
  });
});
