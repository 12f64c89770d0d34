import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { Expectations } from '../../src/config/expectations.js';
import type { Pipeline } from '../../src/config/load.js';
import { PipelineDefinition } from '../../src/config/schema.js';
import { defaultSql } from '../../src/data/defaultSql.js';
import { literal, withDuckDb, type Database } from '../../src/data/duckdb.js';
import {
  checkDay,
  checkLayerColumns,
  fingerprint,
  layerSql,
  openTables,
  readSql,
  type LayerSql,
} from '../../src/data/layerSql.js';
import { sha256 } from '../../src/platform/storage/checksum.js';
import { RESOURCES } from '../support/medallion.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});
const context = () => ({ resources: RESOURCES, scratch: temporaryFolder(), signal: new AbortController().signal });
const withDatabase = <T>(work: (database: Database) => Promise<T>) => withDuckDb(context(), work);

const COLUMNS = { id: 'BIGINT', day: 'VARCHAR', 'the cost': 'DOUBLE', city: 'VARCHAR', paid: 'BIGINT' } as const;
function definitionOf(written: object, columns: object = COLUMNS): PipelineDefinition {
  const said = { source: { file: 'a.csv', columns }, key: 'id', label: { column: 'paid' }, ...written };
  return { ...PipelineDefinition.parse(said), name: 'a', title: 'a' };
}
const pipelineOf = (definition: PipelineDefinition, expectations: object = { silver: [] }) =>
  ({ definition, folder, expectations: Expectations.parse(expectations) }) as unknown as Pipeline;

describe('the query of a layer that has no file', () => {
  const SOURCE = `CREATE TABLE source AS SELECT * FROM (VALUES (7, '2020-01-31', 1.5, 'Bonn', 1), (8, '2020-02-01', 2.5, 'Köln', 0))
    AS s (id, day, "the cost", city, paid)`;
  /** What each layer's query gives of two rows of the source. */
  const made = (definition: PipelineDefinition, ...setup: string[]) =>
    withDatabase(async (database) => {
      for (const sql of [SOURCE, ...setup]) await database.run(sql);
      await database.run(`CREATE TABLE bronze AS ${defaultSql(definition, 'bronze')}`);
      await database.run(`CREATE TABLE silver AS ${defaultSql(definition, 'silver')}`);
      const rowsOf = (sql: string) => database.rows(`SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (${sql}) ORDER BY 1`);
      return {
        silver: await rowsOf('SELECT * FROM silver'),
        features: await rowsOf(defaultSql(definition, 'feature_store')),
        labels: await rowsOf(defaultSql(definition, 'label_store')),
      };
    });

  test('keeps the source, and makes all but key and label features', async () => {
    expect(await made(definitionOf({}))).toEqual({
      silver: [
        { id: '7', day: '2020-01-31', 'the cost': '1.5', city: 'Bonn', paid: '1' },
        { id: '8', day: '2020-02-01', 'the cost': '2.5', city: 'Köln', paid: '0' },
      ],
      features: [
        { id: '7', day: '2020-01-31', 'the cost': '1.5', city: 'Bonn' },
        { id: '8', day: '2020-02-01', 'the cost': '2.5', city: 'Köln' },
      ],
      labels: [
        { id: '7', label: '1' },
        { id: '8', label: '0' },
      ],
    });
  });

  test('has the day of a row beside it, and leaves out what that is made of and what is dropped', async () => {
    const definition = definitionOf({ time: 'day', partition: 'month', drop: ['CITY'] });
    const { silver, features, labels } = await made(definition);
    expect(silver[0]).toEqual({
      id: '7',
      day: '2020-01-31',
      'the cost': '1.5',
      city: 'Bonn',
      paid: '1',
      snapshot_date: '2020-01-31',
    });
    expect(features).toEqual([
      { id: '7', snapshot_date: '2020-01-31', 'the cost': '1.5' },
      { id: '8', snapshot_date: '2020-02-01', 'the cost': '2.5' },
    ]);
    expect(labels[1]).toEqual({ id: '8', snapshot_date: '2020-02-01', label: '0' });
  });

  test('numbers rows where no column tells them apart', async () => {
    const { silver, features, labels } = await made(definitionOf({ key: undefined, drop: ['day', 'city'] }));
    expect(Object.keys(silver[0]!)).toEqual([...Object.keys(COLUMNS), 'row_number']);
    expect(features).toEqual([
      { row_number: '1', id: '7', 'the cost': '1.5' },
      { row_number: '2', id: '8', 'the cost': '2.5' },
    ]);
    expect(labels.map(({ row_number }) => row_number)).toEqual(['1', '2']);
    const own = definitionOf({ key: ['row_number'] }, { ...COLUMNS, row_number: 'BIGINT' });
    expect(defaultSql(own, 'bronze')).toBe('SELECT * FROM source');
    expect(defaultSql(definitionOf({ keys: ['row_number', 'id'], key: undefined }), 'bronze')).toBe(
      'SELECT * FROM source',
    );
  });

  test('carries what a split or an entity goes by, each column once', async () => {
    const split = { by: 'column', column: 'city', train: 'Bonn', test: 'Köln' };
    const { features } = await made(definitionOf({ split, entity: 'id', drop: ['city', 'day'] }));
    expect(features).toEqual([
      { id: '7', city: 'Bonn', 'the cost': '1.5' },
      { id: '8', city: 'Köln', 'the cost': '2.5' },
    ]);
    expect(defaultSql(definitionOf({ entity: 'city', drop: ['day'] }), 'feature_store')).toBe(
      'SELECT "id", "city", "the cost" FROM silver',
    );
  });

  test('computes a label by SQL, also with a comment at its end', async () => {
    const definition = definitionOf({ label: { sql: '"the cost" > 2 -- large' } });
    const { features, labels } = await made(definition);
    expect(labels).toEqual([
      { id: '7', label: 'false' },
      { id: '8', label: 'true' },
    ]);
    expect(Object.keys(features[0]!)).toEqual(['id', 'day', 'the cost', 'city', 'paid']);
  });

  test('has every key of a row beside its label', async () => {
    const key = ['id', 'city'];
    expect((await made(definitionOf({ key }))).labels).toEqual([
      { id: '7', city: 'Bonn', label: '1' },
      { id: '8', city: 'Köln', label: '0' },
    ]);
    const labels = { file: 'b.csv', on: ['id'] };
    const file = "CREATE TABLE labels AS SELECT 8 AS id, 'Ulm' AS city, 5 AS paid";
    expect((await made(definitionOf({ key, labels }), file)).labels).toEqual([
      { id: '7', city: 'Bonn', label: null },
      { id: '8', city: 'Köln', label: '5' },
    ]);
    const computed = definitionOf({ key, labels: { file: 'b.csv', on: ['id', 'city'] }, label: { sql: 'paid * 2' } });
    expect((await made(computed, file.replace('Ulm', 'Köln'))).labels).toEqual([
      { id: '7', city: 'Bonn', label: null },
      { id: '8', city: 'Köln', label: '10' },
    ]);
  });

  describe('where labels come in a second file', () => {
    const LABELS = `CREATE TABLE labels AS SELECT * FROM (VALUES (8, 'Köln', 9, 'second')) AS l (id, city, amount, paid)`;

    test('joins them, and leaves a label of the source out of the features', async () => {
      const definition = definitionOf({ labels: { file: 'b.csv', on: ['id', 'city'] } });
      const { features, labels } = await made(definition, LABELS);
      expect(labels).toEqual([
        { id: '7', label: null },
        { id: '8', label: 'second' },
      ]);
      expect(Object.keys(features[0]!)).toEqual(['id', 'day', 'the cost', 'city']);
      const other = definitionOf({ label: { column: 'amount' }, labels: { file: 'b.csv', on: ['id', 'city'] } });
      expect((await made(other, LABELS)).labels).toEqual([
        { id: '7', label: null },
        { id: '8', label: '9' },
      ]);
      expect(Object.keys((await made(other, LABELS)).features[0]!)).toContain('paid');
    });

    test('takes none of the source where the second file has no such column', async () => {
      const definition = definitionOf({ labels: { file: 'b.csv', on: ['id'] } });
      await expect(made(definition, 'CREATE TABLE labels AS SELECT 8 AS id, 9 AS amount')).rejects.toThrow(
        /does not have a column named "paid"/,
      );
    });

    test('joins them on each of several columns', async () => {
      const definition = definitionOf({ labels: { file: 'b.csv', on: ['id', 'city'] } });
      const { labels } = await made(definition, LABELS.replace("'Köln'", "'Bonn'"));
      expect(labels.map(({ label }) => label)).toEqual([null, null]);
    });

    test('computes one of both files, where a name that both have is that of the second', async () => {
      const definition = definitionOf({
        label: { sql: "concat(amount, ' ', paid, ' ', city)" },
        labels: { file: 'b.csv', on: ['id'] },
      });
      const { labels } = await made(definition, LABELS.replace("'Köln'", "'Ulm'"));
      expect(labels).toEqual([
        { id: '7', label: '  ' },
        { id: '8', label: '9 second Ulm' },
      ]);
    });
  });

  test.each<[string, object, string]>([
    ['a key', { key: ['id', 'number'] }, 'the column number'],
    ['an entity', { entity: 'person' }, 'the column person'],
    ['what is dropped', { drop: ['day', 'days'] }, 'the column days'],
    ['the label', { label: { column: 'bought' } }, 'the column bought'],
  ])('is refused where the source has no such column: %s', (_, written, column) => {
    expect(() => defaultSql(definitionOf(written), 'feature_store')).toThrow(
      expect.objectContaining({
        type: 'ConfigInvalid',
        message: `pipeline.json names ${column}, which a.csv doesn't have (it has id, day, the cost, city, paid); correct the name.`,
      }) as Error,
    );
  });

  test('is refused where it leaves no feature', () => {
    const all = definitionOf({ drop: ['day', 'the cost', 'city'] });
    expect(() => defaultSql(all, 'feature_store')).toThrow(
      expect.objectContaining({
        type: 'ConfigInvalid',
        message: 'pipeline.json leaves no column of a.csv as a feature; take some out of "drop".',
      }) as Error,
    );
    expect(defaultSql(definitionOf({ drop: ['day', 'the cost'] }), 'feature_store')).toContain('"city"');
  });
});

describe("a layer's SQL", () => {
  const write = (name: string, text: string | Uint8Array) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  test('is one statement of a file, without what editors put around it', async () => {
    expect(await readSql(write('a.sql', '\uFEFF\n SELECT 1;\n\n'))).toBe('SELECT 1');
    expect(await readSql(write('a.sql', "SELECT ';'; SELECT 2"))).toBe("SELECT ';'; SELECT 2");
    expect(await readSql(write('a.sql', 'SELECT 1 -- \uFEFF;'))).toBe('SELECT 1 -- \uFEFF');
    const none = join(folder, 'none.sql');
    await expect(readSql(none)).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(/none\.sql can't be read \(.*ENOENT.*\); restore the pipeline's SQL\.$/) as string,
      cause: { code: 'ENOENT' },
    });
  });

  test('is its file, or else its default, also of a pipeline that names none', async () => {
    const definition = definitionOf({ drop: ['day'] });
    const pipeline = pipelineOf(definition);
    const named = `The silver query that ${join(folder, 'pipeline.json')} stands for`;
    const standard = await layerSql(context(), pipeline, 'silver');
    expect(standard).toMatchObject({ file: named, text: 'SELECT * FROM bronze', tables: [] });
    const file = write('silver.sql', 'SELECT * FROM bronze WHERE id > 7;\n');
    const own = await layerSql(context(), pipeline, 'silver');
    expect(own).toMatchObject({ file, text: 'SELECT * FROM bronze WHERE id > 7' });
    expect(own.digest).not.toBe(standard.digest);
    const written = { ...definition, brief: false };
    expect((await layerSql(context(), pipelineOf(written), 'silver')).file).toBe(named);
    const layers = { ...definition.layers, bronze: { ...definition.layers.bronze, sql: 'raw.sql' } };
    await expect(layerSql(context(), pipelineOf({ ...definition, layers }), 'bronze')).rejects.toThrow('raw.sql');
  });

  test("may read the pipeline's own tables, whose content counts", async () => {
    const definition = { ...definitionOf({}), tables: { codes: 'codes.csv', more: 'more.parquet' } };
    const pipeline = pipelineOf(definition);
    const path = write('codes.csv', 'code,text\n1,one\n');
    await withDatabase((database) =>
      database.run(`COPY (SELECT 2 AS code) TO ${literal(join(folder, 'more.parquet'))} (FORMAT parquet)`),
    );
    write('silver.sql', 'SELECT bronze.* FROM bronze, codes, more');
    const sql = await layerSql(context(), pipeline, 'silver');
    expect(sql.tables.map(({ name, path }) => [name, path])).toEqual([
      ['codes', path],
      ['more', join(folder, 'more.parquet')],
    ]);
    expect(sql.tables[0]!.checksum).toBe(sha256('code,text\n1,one\n'));
    await withDatabase(async (database) => {
      await openTables(database, sql);
      expect(await database.rows('SELECT * FROM codes')).toEqual([{ code: 1n, text: 'one' }]);
      expect(await database.rows('SELECT * FROM more')).toEqual([{ code: 2 }]);
    });
    // A file without a header that could be told from its rows has one all the same.
    write('codes.csv', 'one,two\nthree,four\n');
    const changed = await layerSql(context(), pipeline, 'silver');
    expect(changed.digest).not.toBe(sql.digest);
    await withDatabase(async (database) => {
      await openTables(database, changed);
      expect(await database.rows('SELECT * FROM codes')).toEqual([{ one: 'three', two: 'four' }]);
      rmSync(path);
      await expect(openTables(database, changed)).rejects.toMatchObject({
        message: expect.stringContaining(path) as string,
      });
    });
    await expect(layerSql(context(), pipeline, 'silver')).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(
        /codes\.csv, the table codes of pipeline\.json, can't be read \(.*ENOENT.*\); restore it\.$/,
      ) as string,
      cause: { code: 'ENOENT' },
    });
  });

  test('may read the layer before it alone, and labels only where there are some', async () => {
    const refused = async (table: 'bronze' | 'silver' | 'feature_store' | 'label_store', text: string, more = {}) => {
      write(`${table}.sql`, text);
      return layerSql(context(), pipelineOf(definitionOf(more)), table).then(
        () => null,
        (error: Error) => error.message.replace(folder, ''),
      );
    };
    const reads = (table: string, what: string, may: string) =>
      `/${table}.sql reads "${what}", of which no run would notice a change: it may read ${may}; put the file into the pipeline's folder and name it under "tables" in pipeline.json.`;
    expect(await refused('bronze', 'SELECT * FROM bronze')).toBe(reads('bronze', 'bronze', 'source'));
    expect(await refused('silver', 'SELECT * FROM source')).toBe(reads('silver', 'source', 'bronze'));
    expect(await refused('feature_store', 'SELECT * FROM bronze')).toBe(reads('feature_store', 'bronze', 'silver'));
    expect(await refused('label_store', 'SELECT * FROM bronze')).toBe(reads('label_store', 'bronze', 'silver'));
    expect(await refused('label_store', 'SELECT * FROM silver, labels')).toBe(reads('label_store', 'labels', 'silver'));
    const labels = { labels: { file: 'b.csv' } };
    expect(await refused('label_store', 'SELECT * FROM silver, labels', labels)).toBeNull();
    expect(await refused('feature_store', 'SELECT * FROM silver, labels', labels)).toBe(
      reads('feature_store', 'labels', 'silver'),
    );
    expect(await refused('silver', 'SELECT current_date FROM bronze')).toBe(
      '/silver.sql uses current_date, which gives another result each time; compute it from the columns alone.',
    );
  });

  test('has conditions of expectations beside it, which may read no more', async () => {
    const refused = (expectations: object, table: 'bronze' | 'silver' = 'silver') =>
      layerSql(context(), pipelineOf(definitionOf({}), expectations), table).then(
        () => null,
        (error: Error) => error.message.replace(folder, ''),
      );
    const moves = (from: string) =>
      `/expectations.json: ${from} uses random(), which gives another result each time; compute it from the columns alone.`;
    const check = (name: string, check: string) => ({ name, check, on_failure: 'drop' });
    const moving = { silver: [check('a', 'id > 0'), check('b', 'random() > 0.5')] };
    expect(await refused(moving)).toBe(moves('the check of b'));
    // Silver is where they are looked at.
    expect(await refused(moving, 'bronze')).toBeNull();
    expect(await refused({ silver: [check('a', 'id > 0 -- always')] })).toBeNull();
    const query = (unexpected_rows_query: string) => ({
      expectations: [{ type: 'unexpected_rows_expectation', kwargs: { unexpected_rows_query }, meta: { name: 'c' } }],
    });
    expect(await refused(query('SELECT * FROM {batch} WHERE random() > 1'))).toBe(moves('the expectation c'));
    expect(await refused(query('SELECT * FROM {batch} WHERE id < 0'))).toBeNull();
  });

  test('has a fingerprint that goes by all of its parts', () => {
    expect(fingerprint('a', ['b'])).toBe(sha256('["a",["b"]]'));
    expect(fingerprint('a', 'b')).not.toBe(fingerprint('ab'));
  });
});

describe('the columns that a query gives', () => {
  const sqlOf = (text: string): LayerSql => ({ file: 'silver.sql', text, digest: '', tables: [] });
  const columnsOf = (text: string) => withDatabase((database) => checkLayerColumns(database, sqlOf(text)));

  test('are told with their types, and refused where a name stands twice or is kept', async () => {
    expect(await columnsOf('SELECT 1 AS a, DATE \'2020-01-01\' AS "B c"')).toEqual([
      { name: 'a', type: 'INTEGER' },
      { name: 'B c', type: 'DATE' },
    ]);
    await expect(columnsOf('SELECT 1 AS a, 2 AS b, 3 AS A')).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message:
        'silver.sql gives the column A twice (upper and lower case letters are the same); leave one out or rename it.',
    });
    await expect(columnsOf('SELECT 1 AS a, 2 AS __Perdure_x')).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message:
        'silver.sql gives the column __Perdure_x, but "file_row_number", "filename" and names that begin with "__perdure_" are kept for columns that are added to a user\'s; rename it.',
    });
    await expect(columnsOf('SELECT none')).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(/^silver\.sql can't be run: /) as string,
    });
  });

  test('have the day that rows are partitioned by', () => {
    const by = (column?: string) => ({ definition: { partition: { column } } }) as Pipeline;
    const check = (type: string, column: string | undefined = 'Day') =>
      checkDay(by(column), sqlOf(''), [
        { name: 'id', type: 'BIGINT' },
        { name: 'day', type },
      ]);
    for (const type of ['DATE', 'TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS'])
      expect(() => check(type), type).not.toThrow();
    for (const type of ['VARCHAR', 'TIMESTAMP WITH TIME ZONE', 'DATE[]', 'MAP(TIMESTAMP, TIMESTAMP)', 'TIMESTAMP_S[]'])
      expect(() => check(type), type).toThrow(
        expect.objectContaining({
          type: 'ConfigInvalid',
          message: `silver.sql gives the column Day, by which rows are partitioned, as ${type}; make it a DATE, by its type in source.columns or with CAST or strptime in the query.`,
        }) as Error,
      );
    expect(() => check('DATE', 'date')).toThrow(
      expect.objectContaining({
        type: 'ConfigInvalid',
        message:
          'silver.sql gives no column date, by which pipeline.json has the rows partitioned; add it to the query or change partition.column.',
      }) as Error,
    );
    expect(() => checkDay(by(), sqlOf(''), [])).not.toThrow();
  });
});
