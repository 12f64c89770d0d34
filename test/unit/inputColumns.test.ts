import { describe, expect, test } from 'vitest';
import type { Pipeline } from '../../src/config/load.js';
import { InputReader, inputColumns, inputSql, namesRows, readableSql, valuesOf } from '../../src/data/inputColumns.js';
import { sharedDatabase } from '../support/sharedDatabase.js';

const opened = sharedDatabase();

const pipeline = (definition: object) =>
  ({ definition: { keys: ['id'], features: [], drop: [], partition: {}, ...definition } }) as unknown as Pipeline;

/** Features of a relation, as `name kind type`. */
async function features(select: string, definition: object = {}): Promise<string[]> {
  const found = await inputColumns(await opened, pipeline(definition), `(SELECT ${select})`);
  return found.map(({ name, kind, type }) => `${name} ${kind} ${type}`);
}

describe('features', () => {
  test('are what the types of gold are', async () => {
    const types =
      'true::BOOLEAN AS a, 1::TINYINT AS b, 1::USMALLINT AS c, 1::INTEGER AS d, 1::UBIGINT AS e, 1::HUGEINT AS f, 1.5::FLOAT AS g, 1.5::DOUBLE AS h, 1.5::DECIMAL(4, 1) AS i, NULL AS j';
    expect(await features(types)).toEqual([
      'a number binary',
      ...['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].map((name) => `${name} number numeric`),
    ]);
    expect(
      await features("DATE '2020-01-01' AS a, TIMESTAMP '2020-01-01' AS b, TIMESTAMPTZ '2020-01-01' AS c"),
    ).toEqual(['a date numeric', 'b date numeric', 'c date numeric']);
    expect(
      await features(
        "'2020-01-01'::TIMESTAMP_S AS a, '2020-01-01'::TIMESTAMP_MS AS b, '2020-01-01'::TIMESTAMP_NS AS c",
      ),
    ).toEqual(['a date numeric', 'b date numeric', 'c date numeric']);
    // Lists and structs are none of what they hold.
    const others = ["'x'", '[1]', "TIME '10:00'", "{'d': 1}", "{'d': 1.5}", "[TIMESTAMP '2020-01-01']", "[DATE '2020-01-01']"]; // prettier-ignore
    expect(await features(others.map((value, i) => `${value} AS c${i}`).join(', '))).toEqual(
      others.map((_, i) => `c${i} category categorical`),
    );
  });

  test('are none of the columns that say which row it is, or what is predicted', async () => {
    const select = '1 AS ID, 1 AS day, 1 AS "made at", 1 AS fold, 1 AS patient, \'a\' AS y, 1 AS noise, 1 AS x';
    const definition = {
      partition: { column: 'day' },
      time: '"made at"',
      split: { by: 'column', column: 'fold' },
      entity: 'Patient',
      labelSource: { column: 'Y' },
      drop: ['Noise'],
    };
    expect(await features(select, definition)).toEqual(['x number numeric']);
    expect(await features('1 AS made, 1 AS x', { time: 'made' })).toEqual(['x number numeric']);
    expect(await features('1 AS made, 1 AS x', { time: 'made + 1', split: { by: 'random' } })).toEqual([
      'made number numeric',
      'x number numeric',
    ]);
    expect(await features('1 AS id, 1 AS y', { labelSource: { sql: 'y > 1' } })).toEqual(['y number numeric']);
  });

  test('may be parts of a key, unless these name rows by themselves', async () => {
    expect(await features("1 AS id, 'a' AS carrier", { keys: ['id', 'carrier'] })).toEqual([
      'id number numeric',
      'carrier category categorical',
    ]);
    const keys = pipeline({ keys: ['id', 'carrier'] }).definition;
    const numbers = (...values: number[]) => ({ kind: 'number' as const, values: Float64Array.from(values) });
    const codes = (...values: number[]) => ({ kind: 'category' as const, codes: Int32Array.from(values), values: [] });
    expect(namesRows(keys, 'ID', numbers(1, 2, 3, 1))).toBe(true);
    expect(namesRows(keys, 'id', numbers(1, 2, 1, 2))).toBe(false);
    expect(namesRows(keys, 'carrier', codes(0, 1, 2, 1))).toBe(true);
    expect(namesRows(keys, 'carrier', codes(0, 1, 0, 1))).toBe(false);
    expect(namesRows(keys, 'x', numbers(1, 2, 3, 4))).toBe(false);
  });

  test('are those that pipeline.json names, of the kinds that gold has', async () => {
    const named = [
      { name: 'Kind', type: 'categorical' },
      { name: 'absent', type: 'numeric' },
      { name: 'id', type: 'binary' },
    ];
    expect(await features("1 AS id, 'a' AS kind, 1 AS other", { features: named, drop: ['kind'] })).toEqual([
      'Kind category categorical',
      'absent number numeric',
      'id number binary',
    ]);
  });
});

test('values are read as numbers, categories and days, and what is missing as missing', async () => {
  const database = await opened;
  const inputs = [
    { name: 'n"1', kind: 'number' as const, type: 'numeric' as const },
    { name: 'k', kind: 'category' as const, type: 'categorical' as const },
    { name: 'd', kind: 'date' as const, type: 'numeric' as const },
  ];
  const rows = `(VALUES (1, 'b', TIMESTAMP '1970-01-02 12:00:00'), (NULL, NULL, NULL), ('NaN'::DOUBLE, 'a', NULL), (1e300, 'b', DATE '1969-12-31'), (2, 'c', NULL)) AS t ("n""1", k, d)`;
  const reader = new InputReader(inputs, 5);
  const sql = `SELECT ${inputs.map((input) => readableSql(input, inputSql(input, 't'))).join(', ')} FROM ${rows}`;
  for await (const chunk of database.chunks(sql)) {
    reader.take(chunk, [0, 1]);
    reader.take(chunk, [2, 3]);
  }
  const { rows: taken, columns } = reader.table();
  expect(taken).toBe(4);
  expect([...columns]).toEqual([
    ['n"1', { kind: 'number', values: Float64Array.of(1, NaN, NaN, NaN) }],
    ['k', { kind: 'category', codes: Int32Array.of(0, -1, 1, 0), values: ['b', 'a'] }],
    ['d', { kind: 'date', values: Float64Array.of(1.5, NaN, NaN, -1) }],
  ]);
  expect(Array.from(valuesOf(columns.get('k')!))).toEqual(['b', null, 'a', 'b']);
  expect(Array.from(valuesOf(columns.get('d')!))).toEqual([1.5, NaN, NaN, -1]);
  expect(inputSql(inputs[0]!)).toBe('CAST("n""1" AS DOUBLE)');
});
