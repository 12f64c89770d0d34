import { describe, expect, test } from 'vitest';
import type { ColumnType } from '../../src/config/schema.js';
import { identifier } from '../../src/data/duckdb.js';
import { TABLE, type ColumnSummary } from '../../src/data/inspect/describe.js';
import type { LabelDecision } from '../../src/data/inspect/label.js';
import { findSuspects } from '../../src/data/inspect/suspects.js';
import { sharedDatabase } from '../support/sharedDatabase.js';

const opened = sharedDatabase();

/** A column: its type, and SQL of its value by the number `i` of the row. */
type Columns = Record<string, [type: ColumnType, sql: string]>;

/** Suspects and the strongest columns of a table of so many rows, whose label is `y`. */
async function found(rows: number, columns: Columns, label: Partial<LabelDecision>) {
  const database = await opened;
  const selected = Object.entries(columns).map(
    ([name, [type, sql]]) => `CAST(${sql} AS ${type}) AS ${identifier(name)}`,
  );
  await database.run(
    `CREATE OR REPLACE TEMP TABLE ${TABLE} AS SELECT ${selected.join(', ')} FROM (SELECT * FROM range(${rows}) t(i) ORDER BY i)`,
  );
  const own = label.column ?? 'y';
  const names = Object.keys(columns);
  const [counts] = await database.rows<Record<string, bigint>>(
    `SELECT ${names.map((name) => `count(${identifier(name)}) AS ${identifier(name)}`).join(', ')} FROM ${TABLE}`,
  );
  const features = names
    .filter((name) => name !== own)
    .map((name): ColumnSummary => ({
      name,
      type: columns[name]![0],
      present: Number(counts![name]),
      distinct: rows,
      min: null,
      max: null,
      mean: null,
      variance: null,
      written: 0,
    }));
  return findSuspects(database, features, {
    column: own,
    task: 'regression',
    classes: [],
    unlabelled: rows - Number(counts![own]),
    reason: '',
    ...label,
  });
}

/** From 0 to below a number, in an order that has nothing to do with the row's. */
const mixed = (below: number, seed = 0) => `((i * 7919 + 13 + ${seed} * (i // 7)) % ${below})`;
const noise: Columns = { noise: ['BIGINT', mixed(97)] };
const BINARY = { task: 'binary', positive: 1 } as const;

describe('a column that tells the label by itself', () => {
  test('is found whatever the label is written as, the strongest first', async () => {
    const positive = 'i % 4 = 0';
    // Of the rows of no, one in 50 is not told; so ROC AUC is (1 + 1 - 0.02) / 2.
    const columns: Columns = {
      ...noise,
      nearly: ['BIGINT', `${positive} OR i % 200 = 1`],
      same: ['VARCHAR', `CASE WHEN ${positive} THEN 'p' ELSE 'q' END`],
      flag: ['BOOLEAN', `${positive} OR i % 100 IN (1, 2, 3)`],
    };
    for (const [y, of] of [
      [['BIGINT', `CASE WHEN ${positive} THEN 1 ELSE 0 END`], 1],
      [['DOUBLE', `CASE WHEN ${positive} THEN 1 ELSE 0 END`], 1],
      [['DOUBLE', `CASE WHEN ${positive} THEN 0.5 ELSE 0.25 END`], 0.5],
      [['BOOLEAN', positive], true],
      [['BOOLEAN', `NOT (${positive})`], false],
      [['VARCHAR', `CASE WHEN ${positive} THEN 'it''s' ELSE 'isn''t' END`], "it's"],
    ] as [Columns[string], LabelDecision['positive']][]) {
      const { suspects, strongest } = await found(800, { ...columns, y }, { task: 'binary', positive: of });
      expect(suspects).toEqual([
        { columns: ['same'], reason: 'tells the label by itself (ROC AUC 1.00)' },
        { columns: ['nearly'], reason: expect.stringMatching(/^tells the label by itself \(ROC AUC 0\.99/) as string },
        { columns: ['flag'], reason: expect.stringMatching(/^tells the label by itself \(ROC AUC 0\.98/) as string },
      ]);
      expect(strongest.map(({ column, measure }) => [column, measure])).toEqual([
        ['same', 'ROC AUC'],
        ['nearly', 'ROC AUC'],
        ['flag', 'ROC AUC'],
      ]);
    }
  });

  test('is found among rows that have a label, by days, texts and numbers with gaps', async () => {
    const y: Columns[string] = ['VARCHAR', `CASE WHEN i % 5 = 0 THEN NULL ELSE 'c' || (i % 3) END`];
    const { suspects } = await found(
      900,
      {
        ...noise,
        day: ['DATE', `DATE '2020-01-01' + (i % 3)::INTEGER`],
        moment: ['TIMESTAMP', `TIMESTAMP '2020-01-01 10:00:00' + INTERVAL (i % 3) HOUR`],
        gaps: ['DOUBLE', `CASE WHEN i % 3 = 1 THEN NULL ELSE i % 3 + 0.5 END`],
        y,
      },
      { task: 'multiclass' },
    );
    expect(suspects).toEqual(
      ['day', 'moment', 'gaps'].map((name) => ({
        columns: [name],
        reason: 'tells the label by itself (errors saved 1.00)',
      })),
    );
  });

  test('is none where it says nothing, and of the strongest three are named', async () => {
    const y: Columns[string] = ['DOUBLE', `${mixed(50)} + 0.5`];
    const weaker = (seed: number): Columns[string] => ['DOUBLE', `${mixed(50)} + ${seed} * ${mixed(83, seed)}`];
    const { suspects, strongest } = await found(800, { d: weaker(4), b: weaker(2), a: weaker(1), c: weaker(3), y }, {});
    expect(suspects).toEqual([]);
    expect(strongest.map(({ column }) => column)).toEqual(['a', 'b', 'c']);
    // A label of one value can't be told.
    expect(await found(100, { ...noise, y: ['BIGINT', '1'] }, BINARY)).toEqual({ suspects: [], strongest: [] });
  });
});

describe('a name', () => {
  // Of 100 rows of yes and 100 of no the column is 1 in so many; ROC AUC is (1 + yes / 100 - no / 100) / 2.
  const told = (yes: number, no: number): Columns[string] => [
    'BIGINT',
    `CASE WHEN i < 100 THEN i < ${yes} ELSE i < 100 + ${no} END`,
  ];
  const y: Columns[string] = ['BIGINT', 'i < 100'];

  test.each<[string, string, string, string | undefined]>([
    ['of a score', 'pred', 'late', 'by its name it may come from a model or from the outcome (ROC AUC 0.65)'],
    ['of the label', 'is_LATE', 'Late', "its name has the label's in it (ROC AUC 0.65)"],
    ['of a label that is short', 'is_out', 'out', undefined],
    ['of anything', 'size', 'late', undefined],
  ])('%s makes a suspect of what tells some of the label', async (_, name, label, reason) => {
    const of = async (column: Columns[string]) =>
      (await found(200, { ...noise, [name]: column, [label]: y }, { ...BINARY, column: label })).suspects;
    expect(await of(told(60, 30))).toEqual(reason === undefined ? [] : [{ columns: [name], reason }]);
    expect(await of(told(59, 30))).toEqual([]);
  });

  test('makes a suspect of what saves a fifth of the errors, or tells a fifth of the variance', async () => {
    // Of 100 rows of a and 50 each of b and c, a column that tells so many rows of b saves so many of 100 errors.
    const saving = async (rows: number) =>
      (
        await found(
          200,
          {
            pred: ['VARCHAR', `CASE WHEN i < ${rows} THEN 'p' ELSE 'q' END`],
            y: ['VARCHAR', `CASE WHEN i < 50 THEN 'b' WHEN i < 150 THEN 'a' ELSE 'c' END`],
          },
          { task: 'multiclass' },
        )
      ).suspects;
    const named = 'by its name it may come from a model or from the outcome';
    expect(await saving(21)).toEqual([{ columns: ['pred'], reason: `${named} (errors saved 0.21)` }]);
    expect(await saving(19)).toEqual([]);
    // A mean that is d higher or lower, of numbers whose own variance is 1: d² / (d² + 1) of the variance.
    const telling = async (d: number) =>
      (
        await found(
          400,
          { score: ['BIGINT', 'i % 2'], y: ['DOUBLE', `(i % 2 * 2 - 1) * ${d} + (i // 2 % 2 * 2 - 1)`] },
          {},
        )
      ).suspects;
    expect(await telling(0.6)).toEqual([{ columns: ['score'], reason: `${named} (R² 0.26)` }]);
    expect(await telling(0.4)).toEqual([]);
  });
});

describe('a column that is missing where the label is', () => {
  /** Of 20 rows without a label and 1000 with one, so many lack a value. */
  const missing = async (unlabelled: number, labelled: number, rows = 20) =>
    (
      await found(
        1_000 + rows,
        {
          full: ['BIGINT', mixed(97)],
          gaps: [
            'BIGINT',
            `CASE WHEN i < ${rows} THEN CASE WHEN i < ${unlabelled} THEN NULL ELSE ${mixed(89)} END WHEN i < ${rows + labelled} THEN NULL ELSE ${mixed(89)} END`,
          ],
          y: ['DOUBLE', `CASE WHEN i < ${rows} THEN NULL ELSE ${mixed(71, 3)} END`],
        },
        {},
      )
    ).suspects;
  const told = [{ columns: ['gaps'], reason: 'has values where the label has one, and hardly any where it has none' }];

  test('is one of which four fifths are', async () => {
    expect(await missing(16, 0)).toEqual(told);
    expect(await missing(15, 0)).toEqual([]);
  });

  test('is one that hardly lacks a value elsewhere', async () => {
    expect(await missing(20, 10)).toEqual(told);
    expect(await missing(20, 11)).toEqual([]);
  });

  test('is none where few rows have no label, or nothing has gaps', async () => {
    expect(await missing(19, 0, 19)).toEqual([]);
    expect(await missing(0, 0)).toEqual([]);
  });

  test('is told once, where it tells the label as well', async () => {
    const y: Columns[string] = ['DOUBLE', `CASE WHEN i < 30 THEN NULL ELSE ${mixed(71)} END`];
    expect((await found(800, { ...noise, later: y, y }, {})).suspects).toEqual([
      { columns: ['later'], reason: 'tells the label by itself (R² 1.00)' },
    ]);
  });
});

describe('a sum that is the label', () => {
  const term = (n: number): Columns[string] => ['BIGINT', `(20 + ${mixed(61 + 2 * n, n + 1)})`];
  const parts: Columns = { a: term(1), b: term(2), c: term(3) };
  const value = (n: number) => term(n)[1];

  /** How the suspects say it. */
  async function sumOf(rows: number, columns: Columns, y: string, label: Partial<LabelDecision> = {}) {
    const { suspects } = await found(rows, { ...columns, y: ['DOUBLE', y] }, label);
    const sum = suspects.findIndex(({ reason }) => reason.endsWith(' is the label'));
    // It says more than any other column.
    if (sum > 0) throw new Error('A sum is told first.');
    return sum < 0 ? undefined : suspects[0];
  }

  test.each<[string, string, string]>([
    ['two columns', `${value(1)} + ${value(2)}`, 'b + a'],
    ['a column less another', `${value(1)} * 3 - ${value(2)}`, '3 * a - b'],
    ['a column less another, of which that says more', `${value(1)} - 3 * ${value(2)}`, '-3 * b + a'],
    ['one less than nothing', `0 - ${value(1)} - ${value(2)}`, '-b - a'],
    ['three', `${value(1)} + 2 * ${value(2)} + 4 * ${value(3)}`, '4 * c + 2 * b + a'],
  ])('is told, with what says most of it first: %s', async (_, y, text) => {
    expect(await sumOf(600, parts, y)).toEqual({
      columns: text.split(/[- +0-9*]+/).filter((name) => name !== ''),
      reason: `${text} is the label`,
    });
  });

  test('is told beside columns of text, of gaps, of the same values, and one that says more than any of its terms', async () => {
    const columns: Columns = {
      text: ['VARCHAR', `'t' || ${value(1)}`],
      gaps: ['BIGINT', `CASE WHEN i = 3 THEN NULL ELSE ${value(1)} END`],
      day: ['DATE', `DATE '2020-01-01' + (${value(2)})::INTEGER`],
      ...parts,
      again: parts.a!,
      rough: ['DOUBLE', `${value(1)} + ${value(2)} + ${mixed(3, 9)}`],
    };
    expect(await sumOf(600, columns, `${value(1)} + ${value(2)}`)).toMatchObject({
      columns: expect.arrayContaining(['b']) as string[],
      reason: expect.stringMatching(/^(a|b|again) \+ (a|b|again) is the label$/) as string,
    });
  });

  test('has at most eight terms', async () => {
    const columns = (terms: number): Columns =>
      Object.fromEntries(Array.from({ length: terms }, (_, n) => [`t${n}`, term(n)]));
    const total = (terms: number) => Array.from({ length: terms }, (_, n) => value(n)).join(' + ');
    expect((await sumOf(600, columns(8), total(8)))!.columns).toHaveLength(8);
    expect(await sumOf(600, columns(9), total(9))).toBeUndefined();
  });

  test('is seen in five rows a term', async () => {
    expect((await sumOf(10, parts, `${value(1)} + 3 * ${value(2)}`))!.columns).toHaveLength(2);
    expect(await sumOf(9, parts, `${value(1)} + 3 * ${value(2)}`)).toBeUndefined();
  });

  test('holds in all rows but one in a thousand, however many lack a value', async () => {
    const sum = `${value(1)} + 3 * ${value(2)}`;
    const but = (rows: string, other: string) => `CASE WHEN i > 600 AND ${rows} THEN ${other} ELSE ${sum} END`;
    expect(await sumOf(2_000, parts, but('i < 603', '7'))).toBeDefined();
    expect(await sumOf(2_000, parts, but('i < 604', '7'))).toBeUndefined();
    expect(await sumOf(2_000, parts, but('i % 2 = 0', 'NULL'))).toBeDefined();
    // A part of a million is no difference.
    expect(await sumOf(2_000, parts, but('true', `(${sum}) * (1 + 9e-7)`))).toBeDefined();
    expect(await sumOf(2_000, parts, but('true', `(${sum}) * (1 + 2e-6)`))).toBeUndefined();
    const gaps: Columns = { ...parts, b: ['BIGINT', `CASE WHEN i > 600 THEN NULL ELSE ${value(2)} END`] };
    expect(await sumOf(2_000, gaps, sum)).toBeDefined();
  });

  test.each<[string, string, Partial<LabelDecision>]>([
    ['one column', `2 * ${value(1)}`, {}],
    ['halves', `${value(1)} + ${value(2)} / 2`, {}],
    ['something else beside', `${value(1)} + ${value(2)} + ${mixed(5, 11)}`, {}],
    ['classes', `${value(1)} + ${value(2)}`, { task: 'multiclass' }],
  ])('is none of %s', async (_, y, label) => {
    expect(await sumOf(600, parts, y, label)).toBeUndefined();
  });
});
