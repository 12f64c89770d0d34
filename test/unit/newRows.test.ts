import { describe, expect, test } from 'vitest';
import { INTERNAL } from '../../src/config/columns.js';
import { describe as columnsOf } from '../../src/data/duckdb.js';
import { inputsDigestSql, newRowsQuery, type RowsAsked } from '../../src/data/newRows.js';
import { sharedDatabase } from '../support/sharedDatabase.js';
import { pipelineOf, storedTables } from '../support/storedTables.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const opened = sharedDatabase();
const digestSql = async (select: string, features: string[], table?: string) =>
  inputsDigestSql(features, await columnsOf(await opened, select), table);
const digested = async (select: string, ...features: string[]) =>
  `SELECT id, ${await digestSql(select, features)} AS ${INTERNAL.inputs} FROM (${select})`;

describe('the digest of what a row is scored by', () => {
  const digests = async (...values: string[]) => {
    const selects = await Promise.all(
      values.map(async (value, i) => {
        const select = `SELECT ${value} AS "a ""x"""`;
        return `SELECT ${await digestSql(select, ['a "x"'])} AS d, ${i} AS i FROM (${select})`;
      }),
    );
    const rows = await (await opened).rows<{ d: bigint }>(`SELECT d FROM (${selects.join(' UNION ALL ')}) ORDER BY i`);
    return rows.map(({ d }) => d);
  };

  test.each([
    ['numbers of one size', ['1::TINYINT', '1::BIGINT', '1.0::DOUBLE', '1.00::DECIMAL(5, 2)', '1e0::FLOAT']],
    [
      'what is missing',
      ['NULL::DOUBLE', "'NaN'::DOUBLE", "'-inf'::DOUBLE", '1e39::DOUBLE', "''", 'NULL::VARCHAR', 'NULL::DATE'],
    ],
    // More digits than a DOUBLE holds.
    ['large whole numbers', ['BIGINT', 'UBIGINT', 'HUGEINT', 'DECIMAL(20, 0)', 'DOUBLE'].map((type) => `CAST('9007199254740993' AS ${type})`)], // prettier-ignore
    ['text that looks alike in any type', ["'2020-01-01'", "DATE '2020-01-01'"]],
    ['truth values and their text', ['true', "'true'"]],
  ])('is the same for %s', async (_, values) => {
    expect(new Set(await digests(...values)).size).toBe(1);
  });

  test('differs for values that differ', async () => {
    const values = ['1', '2', '1.5', '-1', "'1'", "'1.0 '", "'a'", "'A'", 'NULL', 'true', "DATE '2020-01-01'"];
    expect(new Set(await digests(...values)).size).toBe(values.length);
  });

  test('is what earlier releases wrote', async () => {
    const select = "SELECT 3 AS x, 'é' AS k";
    const [found] = await (
      await opened
    ).rows(`SELECT ${await digestSql(select, ['x', 'k'], 't')} AS d FROM (${select}) AS t`);
    // Python: int.from_bytes(hashlib.md5('3.0,é'.encode()).digest()[8:], 'little')
    expect(found).toEqual({ d: 10854587638495514472n });
  });
});

describe('new rows', () => {
  const config = { inference_config: { start_date: '2020-01-10' } };
  const pipeline = pipelineOf({ partition: { by: 'month', column: 'day' } }, config);
  const world = async () => {
    const database = await opened;
    const tables = storedTables(database, temporaryFolder());
    return {
      ...tables,
      new: async (asked: Partial<RowsAsked> = {}, of = pipeline) => {
        const { sql, known } = await newRowsQuery(database, of, tables.stores, { asOf: '2020-12-31', ...asked });
        const rows = sql === undefined ? undefined : await database.rows<{ id: number }>(`${sql} ORDER BY id`);
        return { ids: rows?.map(({ id }) => id), known };
      },
    };
  };
  const january = `SELECT * FROM (VALUES (1, DATE '2020-01-09', 1), (2, DATE '2020-01-10', 2), (3, DATE '2020-01-31', 3)) AS t (id, day, x)`;
  const february = `SELECT * FROM (VALUES (4, DATE '2020-02-01', 4), (5, DATE '2020-02-02', 5)) AS t (id, day, x)`;

  test('are those of the days that are asked for', async () => {
    const { partition, new: found } = await world();
    expect(await found()).toEqual({ ids: undefined, known: [] });
    await partition('2020_01', january);
    await partition('2020_02', february);
    expect(await found()).toEqual({ ids: [2, 3, 4, 5], known: [] });
    expect((await found({ asOf: '2020-02-01T23:00:00Z' })).ids).toEqual([2, 3, 4]);
    expect((await found({ from: '2020-01-11', to: '2020-01-31' })).ids).toEqual([3]);
    expect((await found({ asOf: '2019-12-31' })).ids).toBeUndefined();
  });

  test('have all columns of gold, and no other', async () => {
    const { partition, predictions, stores } = await world();
    await partition('2020_02', february);
    await predictions(await digested('SELECT 4 AS id, 4 AS x', 'x'), { features: ['x'] });
    const { sql } = await newRowsQuery(await opened, pipeline, stores, { asOf: '2020-12-31' });
    expect(await (await opened).rows(`SELECT * REPLACE (CAST(day AS VARCHAR) AS day) FROM (${sql})`)).toEqual([
      { id: 5, day: '2020-02-02', x: 5 },
    ]);
  });

  test('are those whose features are others than they were scored by', async () => {
    const { partition, predictions, new: found } = await world();
    await partition('2020_01', january);
    await partition('2020_02', february);
    const scored = `SELECT * FROM (VALUES (2, 2.0), (3, 33.0), (4, 4.0)) AS t (id, X)`;
    const file = await predictions(await digested(scored, 'X'), { features: ['X'] });
    expect(await found()).toEqual({ ids: [3, 5], known: [file] });
    expect(await found({ again: true })).toEqual({ ids: [2, 3, 4, 5], known: [file] });
    // Scored anew as it is now.
    const again = await predictions(await digested('SELECT 3 AS id, 3 AS X', 'X'), { features: ['X'] });
    expect(await found()).toEqual({ ids: [5], known: [file, again] });
  });

  test('are not those of other files, be they by other features, by some that gold lost, or without digests', async () => {
    const { partition, predictions, new: found } = await world();
    const gold = `SELECT i::INT AS id, DATE '2020-03-01' AS day, i AS x, i + 1 AS z FROM range(1, 9) AS t (i)`;
    await partition('2020_03', gold);
    const row = (id: number, x = id) => `SELECT ${id} AS id, ${x} AS x, ${id + 1} AS z`;
    await predictions(await digested(`${row(1)} UNION ALL ${row(2, 22)}`, 'x'), { features: ['x'] });
    await predictions(await digested(`${row(3)} UNION ALL ${row(4, 44)}`, 'x', 'z'), { features: ['x', 'z'] });
    // Nobody can tell of these whether they changed.
    await predictions(await digested(row(5, 55), 'x'), { features: ['x', 'lost'] });
    await predictions('SELECT 6 AS id');
    expect((await found()).ids).toEqual([2, 4, 7, 8]);
  });

  test('are told by the features of gold, also where predictions have a column of such a name', async () => {
    const { partition, predictions, new: found } = await world();
    await partition('2020_02', `SELECT i::INT AS id, DATE '2020-02-01' AS day, i AS label FROM range(1, 3) AS t (i)`);
    const scored = await digested('SELECT 1 AS id, 1 AS label UNION ALL SELECT 2, 9', 'label');
    await predictions(`SELECT *, 1 AS label FROM (${scored})`, { features: ['label'] });
    expect((await found()).ids).toEqual([2]);
  });

  test('of several keys are those whose keys differ in one', async () => {
    const { partition, predictions, new: found } = await world();
    const of = pipelineOf({ keys: ['id', 'place'] }, config);
    await partition('all', `SELECT * FROM (VALUES (1, 'a'), (1, 'b'), (2, 'a')) AS t (id, place)`);
    await predictions(`SELECT 1 AS id, 'a' AS place`);
    expect((await found({}, of)).ids).toEqual([1, 2]);
  });

  test('of a lost file are new again', async () => {
    const { partition, predictions, new: found, stores } = await world();
    await partition('2020_02', february);
    const lost = await predictions('SELECT 4 AS id');
    const kept = await predictions('SELECT 5 AS id');
    expect((await found()).ids).toEqual([]);
    await stores.predictions.delete(lost.key);
    expect(await found()).toEqual({ ids: [4], known: [kept] });
  });
});
