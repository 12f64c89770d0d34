import { describe, expect, test } from 'vitest';
import { INTERNAL } from '../../src/config/columns.js';
import { arrivingSql, byArrival, keptSql, mergedSql, openArrivals } from '../../src/data/arrivals.js';
import { LayerWriter } from '../../src/data/layerWriter.js';
import { sharedDatabase } from '../support/sharedDatabase.js';
import { pipelineOf, storedTables } from '../support/storedTables.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const opened = sharedDatabase();
const pipeline = pipelineOf({ keys: ['id', 'place'], partition: { by: 'arrival', column: 'arrival_date' } });
/** SQL as a user may end it. */
const sqlOf = (text: string) => ({ file: 'bronze.sql', text: `${text} -- all of it`, digest: '', tables: [] });
const rowsOf = (...rows: [id: number | null, place: string | null, x: number][]) =>
  `SELECT * FROM (VALUES ${rows.map(([id, place, x]) => `(${id}, ${place === null ? 'NULL' : `'${place}'`}, ${x})`).join(', ')}) AS t (id, place, x)`;
const arrived = (day: string, rows: string) => `SELECT *, DATE '${day}' AS arrival_date FROM (${rows})`;

async function world(...partitions: [name: string, select: string][]) {
  const database = await opened;
  const tables = storedTables(database, temporaryFolder());
  for (const [name, select] of partitions) await tables.partition(name, select, 'bronze');
  return {
    ...tables,
    open: async (source: string, replace = false) =>
      openArrivals(
        database,
        pipeline,
        tables.stores.datamart,
        await LayerWriter.open(tables.stores.datamart, 'bronze'),
        sqlOf(source),
        replace,
      ),
  };
}
/** Rows of a source as they arrive: `[id, place, x, day, position]`. */
async function arriving(source: string): Promise<unknown[][]> {
  const numbered = `SELECT *, row_number() OVER () AS ${INTERNAL.row} FROM (${source})`;
  const rows = await (
    await opened
  ).rows(
    `SELECT id, place, x, CAST(arrival_date AS VARCHAR) AS day, CAST(${INTERNAL.position} AS INTEGER) AS position
    FROM (${arrivingSql(pipeline, numbered, '2020-05-01')}) ORDER BY ${INTERNAL.row}`,
  );
  return rows.map((row) => Object.values(row));
}

test('rows go by their arrival where the partitioning says so', () => {
  expect([byArrival(pipeline), byArrival(pipelineOf({}))]).toEqual([true, false]);
});

describe('a row', () => {
  test('that is the first of its key arrives on the day of the run', async () => {
    const source = rowsOf([1, 'a', 10], [2, 'a', 20]);
    expect((await (await world()).open(source)).size).toBe(0);
    expect(await arriving(source)).toEqual([
      [1, 'a', 10, '2020-05-01', null],
      [2, 'a', 20, '2020-05-01', null],
    ]);
  });

  test('that arrived before keeps its day and its place, the first where its key stands there twice', async () => {
    const { open } = await world(
      ['2020_04_01', arrived('2020-04-01', rowsOf([5, 'a', 50], [1, 'a', 10], [5, 'a', 51], [null, 'b', 1]))],
      ['2020_04_02', arrived('2020-04-02', rowsOf([1, 'a', 11], [1, 'b', 12]))],
    );
    const source = rowsOf([1, 'b', 120], [1, 'a', 100], [9, 'a', 90], [5, 'a', 500], [null, 'b', 10], [null, null, 7]);
    const files = await open(source);
    expect([...files].map(([name, { rows }]) => [name, rows])).toEqual([
      ['2020_04_01', 4],
      ['2020_04_02', 2],
    ]);
    expect(await arriving(source)).toEqual([
      [1, 'b', 120, '2020-04-02', 1],
      [1, 'a', 100, '2020-04-01', 1],
      [9, 'a', 90, '2020-05-01', null],
      [5, 'a', 500, '2020-04-01', 0],
      [null, 'b', 10, '2020-04-01', 3],
      [null, null, 7, '2020-05-01', null],
    ]);
  });

  test('stays where it is when the source has it no more; new ones follow in the order of the source', async () => {
    const { open } = await world([
      '2020_05_01',
      arrived('2020-05-01', rowsOf([1, 'a', 10], [2, 'a', 20], [3, 'a', 30], [null, 'a', 40])),
    ]);
    const source = rowsOf([9, 'a', 90], [3, 'a', 33], [8, 'a', 80], [null, 'a', 44]);
    const before = (await open(source)).get('2020_05_01')!;
    const numbered = `SELECT *, row_number() OVER () AS ${INTERNAL.row} FROM (${source})`;
    const own = `(${arrivingSql(pipeline, numbered, '2020-05-01')})`;
    const database = await opened;
    const found = async (sql: string) =>
      (await database.rows(`SELECT * REPLACE (CAST(arrival_date AS VARCHAR) AS arrival_date) FROM (${sql})`)).map(
        (row) => [Object.keys(row).join(' '), ...Object.values(row)],
      );
    const names = 'id place x arrival_date';
    expect(await found(mergedSql(pipeline, own, before))).toEqual(
      [
        [1, 'a', 10],
        [2, 'a', 20],
        [3, 'a', 33],
        [null, 'a', 44],
        [9, 'a', 90],
        [8, 'a', 80],
      ].map((row) => [names, ...row, '2020-05-01']),
    );
    // Without what was there before, it is the source's rows alone.
    expect(await found(mergedSql(pipeline, own, undefined))).toEqual(
      [
        [3, 'a', 33],
        [null, 'a', 44],
        [9, 'a', 90],
        [8, 'a', 80],
      ].map((row) => [names, ...row, '2020-05-01']),
    );
    const kept = await database.rows(`SELECT id FROM (${keptSql(pipeline, own, before)}) ORDER BY id`);
    expect(kept).toEqual([{ id: 1 }, { id: 2 }]);
  });
});

describe('is refused', () => {
  test.each([
    [
      'a source without a key',
      'SELECT 1 AS ID, 2 AS x',
      'bronze.sql gives no column place, a key, by which rows are known again when they arrive once more; add it to the query.',
    ],
    [
      'a source with a column of the name that is added',
      "SELECT 1 AS id, 'a' AS place, 2 AS Arrival_Date",
      'bronze.sql gives the column arrival_date, which is added to rows that are partitioned by arrival; rename it.',
    ],
  ])('%s', async (_, source, message) => {
    await expect((await world()).open(source)).rejects.toMatchObject({ type: 'ConfigInvalid', message });
  });

  test('what can not know which rows arrived before, unless it is to replace them', async () => {
    const days = ['2020_04_01', '2020_04_02', '2020_04_03'].map((name): [string, string] => [
      name,
      arrived(name.replaceAll('_', '-'), rowsOf([Number(name.slice(-2)), 'a', 1])),
    ]);
    const { open, stores } = await world(...days);
    const source = rowsOf([1, 'a', 1], [2, 'a', 2], [3, 'a', 3]);
    const lose = (name: string) => stores.datamart.delete(`bronze/bronze_${name}.parquet`);
    await lose('2020_04_02');
    await expect(open(source)).rejects.toMatchObject({
      type: 'InputInvalid',
      message:
        'Bronze has lost the partition 2020_04_02, and with it which rows arrived then; give a file that has those rows and ask to replace (--replace, or "replace": true), which has them arrive anew.',
    });
    await lose('2020_04_01');
    await expect(open(source)).rejects.toThrow(
      'Bronze has lost the partitions 2020_04_01, 2020_04_02, and with them which rows arrived then; give',
    );
    expect([...(await open(source, true)).keys()]).toEqual(['2020_04_03']);
    expect((await arriving(source)).map(([id, , , day]) => [id, day])).toEqual([
      [1, '2020-05-01'],
      [2, '2020-05-01'],
      [3, '2020-04-03'],
    ]);
  });
});
