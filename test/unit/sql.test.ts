import { getEventListeners } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FILE_ROW, INTERNAL } from '../../src/config/columns.js';
import { columnsOf, identifier, literal, readParquetSql, withDuckDb, type Database } from '../../src/data/duckdb.js';
import {
  betweenDaysSql,
  dayOf,
  earlier,
  isPartition,
  partitionDays,
  partitionKey,
  partitionNameSql,
} from '../../src/data/partitions.js';
import { sqlError } from '../../src/data/sqlError.js';
import { refuseOutsideReads } from '../../src/data/sqlReads.js';
import { PerdureError } from '../../src/errors.js';
import type { Pipeline } from '../../src/config/load.js';
import { RESOURCES } from '../support/medallion.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const withDatabase = <T>(work: (database: Database) => Promise<T>) =>
  withDuckDb({ resources: RESOURCES, scratch: temporaryFolder(), signal: new AbortController().signal }, work);

test('moments with a zone have the days and hours of UTC, wherever the process runs', async () => {
  const rows = await withDatabase((database) =>
    database.rows(
      `SELECT current_setting('TimeZone') AS zone, CAST(CAST(to_timestamp(1706745600) AS DATE) AS VARCHAR) AS day, CAST(hour(TIMESTAMPTZ '2024-01-31 19:00:00-05') AS INTEGER) AS hour`,
    ),
  );
  expect(rows).toEqual([{ zone: 'UTC', day: '2024-02-01', hour: 0 }]);
});

describe('what DuckDB says, as a sentence that says what to do', () => {
  const CSV = '/data/visits.csv';
  test.each<[string, Parameters<typeof sqlError>[1], string, string]>([
    [
      'IO Error: Could not write file "/tmp/a.tmp": No space left on device',
      {},
      'StoreFull',
      'No space is left to write /tmp/a.tmp; free some and run again.',
    ],
    [
      'IO Error: Disk quota exceeded',
      {},
      'StoreFull',
      'No space is left to write temporary files; free some and run again.',
    ],
    [
      'IO Error: File too large',
      { csv: CSV },
      'StoreFull',
      'No space is left to write temporary files; free some and run again.',
    ],
    [
      'Out of Memory Error: failed to offload (max_temp_directory_size)',
      {},
      'StoreFull',
      'No space is left to write temporary files; free some and run again.',
    ],
    [
      'Out of Memory Error: could not allocate 2 GiB.\nPossible solutions: ...',
      { sqlFile: 'a.sql' },
      'EngineFailed',
      'A query needs more memory than the worker has (could not allocate 2 GiB); give the worker more.',
    ],
    [
      "Invalid Input Error: No magic bytes found at end of file '/s/a.parquet'",
      {},
      'ObjectCorrupt',
      '/s/a.parquet is not a whole Parquet file; delete it and run the stage that writes it again.',
    ],
    [
      'Binder Error: Referenced column "x" not found.\nCandidates: y',
      { sqlFile: 'a.sql' },
      'ConfigInvalid',
      'a.sql can\'t be run: Referenced column "x" not found.',
    ],
    [
      'Parser Error: syntax error at end of input',
      {},
      'EngineFailed',
      "A query can't be run: syntax error at end of input.",
    ],
    [
      'Catalog Error: Table a does not exist!',
      { sqlFile: 'a.sql' },
      'ConfigInvalid',
      "a.sql can't be run: Table a does not exist!.",
    ],
    [
      'Conversion Error: Could not convert string',
      { sqlFile: 'a.sql' },
      'InputInvalid',
      'a.sql failed on its data: Could not convert string; correct the data or the query.',
    ],
    [
      'Out of Range Error: Overflow',
      {},
      'InputInvalid',
      'A query failed on its data: Overflow; correct the data or the query.',
    ],
    [
      'INTERNAL Error: a Binder Error inside',
      { sqlFile: 'a.sql' },
      'EngineFailed',
      'a.sql failed: a Binder Error inside.',
    ],
    ['INTERNAL Error: no Conversion Error', {}, 'EngineFailed', 'A query failed: no Conversion Error.'],
    ['Binder Error: No. 1.5 is wrong.. \nCandidates: y', {}, 'EngineFailed', "A query can't be run: No. 1.5 is wrong."],
    ['Interrupted', {}, 'EngineFailed', 'A query failed: Interrupted.'],
    [
      'Invalid Input Error: CSV Error on Line: 3\nExpected Number of Columns: 4 Found: 2',
      { csv: CSV },
      'InputInvalid',
      'Line 3 of /data/visits.csv has 2 values where the header names 4 columns, so the file may be torn; fetch it again or correct the line.',
    ],
    [
      'CSV Error on Line: 3\nValue with unterminated quote found.',
      { csv: CSV },
      'InputInvalid',
      'Line 3 of /data/visits.csv has a quote that is not closed; correct it and run again.',
    ],
    [
      'CSV Error: byte sequence is not utf-8 encoded',
      { csv: CSV },
      'InputInvalid',
      '/data/visits.csv is not in UTF-8; save the file in UTF-8 and run again.',
    ],
    [
      'CSV Error on Line: 1\nMaximum line size of 2000000 bytes exceeded',
      { csv: CSV },
      'InputInvalid',
      'Line 1 of /data/visits.csv is longer than 2 MB, so the file is hardly a CSV; fetch it again.',
    ],
    [
      'Error when sniffing file "visits.csv"',
      { csv: CSV },
      'InputInvalid',
      "/data/visits.csv can't be read as CSV: line ends or quotes are not the same throughout; save it anew as plain CSV.",
    ],
    ['Binder Error: CSV options', {}, 'EngineFailed', "A query can't be run: CSV options."],
  ])('%s', (message, origin, type, sentence) => {
    const cause = new Error(message);
    expect(sqlError(cause, origin)).toMatchObject({ type, message: sentence, cause });
  });

  test.each([
    "Invalid Input Error: No magic bytes found at end of file '/s/a.parquet'",
    "Invalid Input Error: Footer length error in file '/s/a.parquet'",
    "Invalid Input Error: File '/s/a.parquet' too small to be a Parquet file",
    "Invalid Input Error: Failed to read Parquet file '/s/a.parquet': no page header",
    'Invalid Error: TProtocolException: Invalid data in "/s/a.parquet"',
    "Invalid Error: don't know what type: 14",
    'Invalid Error: invalid TType',
    'IO Error: Could not read enough bytes from file "/s/a.parquet": attempted to read 10',
  ])('of a torn Parquet file: %s', (message) => {
    const path = message.includes('/s/') ? '/s/a.parquet' : 'A file that is read';
    expect(sqlError(new Error(message))).toMatchObject({
      type: 'ObjectCorrupt',
      message: `${path} is not a whole Parquet file; delete it and run the stage that writes it again.`,
    });
    // What only names such an error somewhere is another.
    expect(sqlError(new Error(`A user said: ${message}`)).type).toBe('EngineFailed');
  });

  test('an error that is a sentence already stays as it is', () => {
    const error = new PerdureError('NotFound', 'It is not there.');
    expect(sqlError(error, { sqlFile: 'a.sql' })).toBe(error);
  });

  test('so it is with what the database really throws', async () => {
    await withDatabase(async (database) => {
      await expect(database.rows('SELECT x', { sqlFile: 'a.sql' })).rejects.toMatchObject({
        type: 'ConfigInvalid',
        message: expect.stringMatching(/^a\.sql can't be run: Referenced column "x"/),
      });
      await expect(database.run("SELECT CAST('x' AS INTEGER)", { sqlFile: 'a.sql' })).rejects.toMatchObject({
        type: 'InputInvalid',
        message: expect.stringMatching(/^a\.sql failed on its data: Could not convert string 'x'/),
      });
      const torn = join(temporaryFolder(), 'torn.parquet');
      writeFileSync(torn, 'PAR1 and no more than that');
      await expect(database.rows(`SELECT * FROM read_parquet('${torn}')`)).rejects.toMatchObject({
        type: 'ObjectCorrupt',
        message: `${torn} is not a whole Parquet file; delete it and run the stage that writes it again.`,
      });
    });
  });
});

describe('SQL may depend on nothing but its input', () => {
  const refusals = (texts: readonly string[], columns: string[] = []) =>
    withDatabase(async (database) => {
      const found: [string, string | null][] = [];
      for (const text of texts) {
        const refused = await refuseOutsideReads(database, {
          text,
          from: 'silver.sql',
          readable: ['bronze', 'codes'],
          columns,
        }).then(
          () => null,
          (error: PerdureError) => `${error.type}: ${error.message}`,
        );
        found.push([text, refused]);
      }
      return found;
    });
  const reads = (what: string) =>
    `silver.sql reads ${what}, of which no run would notice a change: it may read bronze, codes; put the file into the pipeline's folder and name it under "tables" in pipeline.json.`;
  const moves = (what: string) =>
    `silver.sql uses ${what}, which gives another result each time; compute it from the columns alone.`;

  const TAKEN = [
    'SELECT * FROM bronze',
    'SELECT * FROM BRONZE JOIN Codes USING (id)',
    'WITH a AS (SELECT 1 AS x), b AS (SELECT x FROM a) SELECT * FROM b, bronze',
    'SELECT * FROM bronze, range(3), generate_series(1, 2), unnest([1, 2])',
    "SELECT * FROM bronze, repeat(1, 2), repeat_row(1, 2, num_rows = 3), json_each('[1]'), JSON_TREE('[1]')",
    "SELECT (SELECT max(id) FROM bronze), CASE WHEN id > 0 THEN id ELSE error('none') END FROM bronze",
    'SELECT age(day, day), sum(id) OVER (ORDER BY day) FROM bronze',
    "SELECT 'current_date' AS a, bronze.localtime FROM bronze",
    'SELECT * FROM bronze USING SAMPLE 10 ROWS (reservoir, 7)',
    // What DuckDB can't read is told by the query itself.
    'SELECT FROM WHERE',
  ];
  const REFUSED: [string, string][] = [
    ["SELECT * FROM 'other.csv'", reads('"other.csv"')],
    ['SELECT * FROM silver', reads('"silver"')],
    ['SELECT * FROM main.bronze', reads('"main.bronze"')],
    ['SELECT * FROM other.main.bronze', reads('"other.main.bronze"')],
    ["SELECT * FROM bronze WHERE id IN (SELECT id FROM read_csv('a.csv'))", reads('read_csv(...)')],
    ["SELECT * FROM glob('*')", reads('glob(...)')],
    ['SELECT now() FROM bronze', moves('now()')],
    ['SELECT RANDOM() FROM bronze', moves('random()')],
    ['SELECT uuid() FROM bronze', moves('uuid()')],
    ['SELECT age(day) FROM bronze', moves('age()')],
    ['SELECT current_date FROM bronze', moves('current_date')],
    ['SELECT Current_Timestamp FROM bronze', moves('current_timestamp')],
    ['SELECT localtime FROM bronze', moves('localtime')],
    ['SELECT localtimestamp FROM bronze', moves('localtimestamp')],
    ['SELECT current_localtime() FROM bronze', moves('current_localtime()')],
    ['SELECT current_localtimestamp() FROM bronze', moves('current_localtimestamp()')],
    ["SELECT getvariable('day') FROM bronze", moves('getvariable()')],
    ["SELECT getenv('HOME') FROM bronze", moves('getenv()')],
    ["SELECT current_setting('threads') FROM bronze", moves('current_setting()')],
    ['SELECT reservoir_quantile(id, 0.5) FROM bronze', moves('reservoir_quantile()')],
    ['SELECT * FROM bronze USING SAMPLE 10 ROWS', moves('a sample without a seed')],
    ['SELECT 1; SELECT 2', 'silver.sql holds 2 statements; write it as one query.'],
    ['', 'silver.sql holds 0 statements; write it as one query.'],
    ['CREATE TABLE a AS SELECT 1', 'silver.sql is no SELECT; write it as one query.'],
    ['DROP TABLE bronze', 'silver.sql is no SELECT; write it as one query.'],
  ];

  test('and is taken or refused by it', async () => {
    expect(await refusals(TAKEN)).toEqual(TAKEN.map((text) => [text, null]));
    expect(await refusals(REFUSED.map(([text]) => text))).toEqual(
      REFUSED.map(([text, message]) => [text, `ConfigInvalid: ${message}`]),
    );
  });

  test('a column of the source may be called like a clock', async () => {
    const texts = ['SELECT current_date FROM bronze', 'SELECT current_time FROM bronze'];
    expect(await refusals(texts, ['Current_Date'])).toEqual([
      [texts[0], null],
      [texts[1], `ConfigInvalid: ${moves('current_time')}`],
    ]);
  });
});

describe('partitions', () => {
  test('are months, by their first and last day', () => {
    expect(partitionDays('2008_02')).toEqual({ start: '2008-02-01', end: '2008-02-29' });
    expect(partitionDays('1999_12')).toEqual({ start: '1999-12-01', end: '1999-12-31' });
    expect(partitionDays('0004_02').end).toBe('0004-02-29');
    expect(partitionKey('s/v_{partition}.parquet', '1999_01')).toBe('s/v_1999_01.parquet');
    for (const name of ['1999_00', '1999_13', '199_01', '1999-01', '1999_1', 'x1999_01', '1999_01x', '']) {
      expect(isPartition(name)).toBe(false);
      expect(() => partitionDays(name)).toThrow(
        expect.objectContaining({
          type: 'InputInvalid',
          message: `${JSON.stringify(name)} can't name a partition; give a day, an ISO week, a month or a year such as 1999_01_31, 1999_W05, 1999_01 or 1999.`,
        }) as Error,
      );
      expect(() => partitionKey('{partition}', name)).toThrow();
    }
    for (const name of ['0000_01', '9999_12', '2008_09', '2008_10']) expect(isPartition(name)).toBe(true);
  });

  test('are named by SQL as they are here', async () => {
    const rows = await withDatabase((database) =>
      database.rows(
        `SELECT ${partitionNameSql({ definition: { partition: { by: 'month', column: 'day' } } } as Pipeline, "DATE '2008-02-29'")} AS name`,
      ),
    );
    expect(rows).toEqual([{ name: '2008_02' }]);
  });

  test('of rows without a day are one, and all days are theirs', async () => {
    const by = (by: string, column?: string) => ({ definition: { partition: { by, column } } }) as Pipeline;
    expect(partitionNameSql(by('none'))).toBe("'all'");
    expect(partitionNameSql(by('none', 'day'))).toBe("'all'");
    expect(betweenDaysSql(by('none'), { from: '2020-01-01', to: '2020-01-02' })).toBe('true');
    const days = ['2019-12-31', '2020-01-01', '2020-01-02', '2020-01-03'].map(
      (day) => `('${day} 23:59:59'::TIMESTAMP)`,
    );
    const rows = await withDatabase((database) =>
      database.rows(
        `SELECT CAST(t."on" AS VARCHAR) AS day FROM (VALUES ${days.join(', ')}) AS t ("on") WHERE ${betweenDaysSql(by('day', 'on'), { from: '2020-01-01', to: '2020-01-02' }, 't')} ORDER BY 1`,
      ),
    );
    expect(rows).toEqual([{ day: '2020-01-01 23:59:59' }, { day: '2020-01-02 23:59:59' }]);
    const names = await withDatabase((database) =>
      database.rows(
        `SELECT ${(['day', 'week', 'month', 'year', 'arrival'] as const).map((unit) => `${partitionNameSql(by(unit, 'on'))} AS ${unit}`).join(', ')} FROM (SELECT DATE '2021-01-03' AS "on")`,
      ),
    );
    // A Sunday, of the last ISO week of 2020.
    expect(names).toEqual([
      { day: '2021_01_03', week: '2020_W53', month: '2021_01', year: '2021', arrival: '2021_01_03' },
    ]);
    expect(partitionDays('2020_W53')).toEqual({ start: '2020-12-28', end: '2021-01-03' });
    expect(partitionDays('2021_01_03')).toEqual({ start: '2021-01-03', end: '2021-01-03' });
    expect(partitionDays('2021')).toEqual({ start: '2021-01-01', end: '2021-12-31' });
    expect(partitionDays('all')).toEqual({ start: '0000-01-01', end: '9999-12-31' });
  });

  test('days are of UTC, and the earlier comes first', () => {
    expect(dayOf('2008-12-31T23:30:00-02:00')).toBe('2009-01-01');
    expect(dayOf('2008-12-31')).toBe('2008-12-31');
    expect([
      earlier('2008-01-01', '2008-01-02'),
      earlier('2008-01-02', '2008-01-01'),
      earlier('2008-01-01', '2008-01-01'),
    ]).toEqual(['2008-01-01', '2008-01-01', '2008-01-01']);
  });
});

describe('the database', () => {
  test('spills into a folder of its own, and says where that can not be made', async () => {
    const scratch = join(temporaryFolder(), 'file');
    writeFileSync(scratch, '');
    const opened = withDuckDb({ resources: RESOURCES, scratch, signal: new AbortController().signal }, async () => 1);
    await expect(opened).rejects.toMatchObject({
      type: 'StoreUnavailable',
      message: expect.stringContaining(`${join(scratch, 'duckdb')} can't be read or written`),
    });
  });

  test('does nothing once its stage is cancelled, whose reason is told', async () => {
    const context = { resources: RESOURCES, scratch: temporaryFolder() };
    const reason = new Error('cancelled');
    await expect(withDuckDb({ ...context, signal: AbortSignal.abort(reason) }, async () => 1)).rejects.toBe(reason);
    const stopped = new AbortController();
    const working = withDuckDb({ ...context, signal: stopped.signal }, async (database) => {
      stopped.abort(reason);
      return database.rows('SELECT 1');
    });
    await expect(working).rejects.toBe(reason);
    const started = new AbortController();
    const counting = withDuckDb({ ...context, signal: started.signal }, async (database) => {
      setTimeout(() => started.abort(reason), 50);
      return database.rows('SELECT count(*) FROM range(1000000) a, range(1000000) b');
    });
    await expect(counting).rejects.toBe(reason);
  });

  test('is closed with its work, and a stage that is cancelled later does not touch it', async () => {
    const stage = new AbortController();
    const database = await withDuckDb(
      { resources: RESOURCES, scratch: temporaryFolder(), signal: stage.signal },
      async (opened) => opened,
    );
    await expect(database.rows('SELECT 1')).rejects.toThrow();
    expect(getEventListeners(stage.signal, 'abort')).toEqual([]);
    const failing = withDuckDb({ resources: RESOURCES, scratch: temporaryFolder(), signal: stage.signal }, async () =>
      Promise.reject(new Error('no')),
    );
    await expect(failing).rejects.toThrow('no');
    expect(getEventListeners(stage.signal, 'abort')).toEqual([]);
  });

  test('tells how much of a query is done', async () => {
    await withDatabase(async (database) => {
      await database.run('SET enable_progress_bar = true; SET enable_progress_bar_print = false');
      const csv = join(temporaryFolder(), 'numbers.csv');
      await database.run(`COPY (SELECT CAST(i AS VARCHAR) AS text FROM range(1000000) AS rows(i)) TO ${literal(csv)}`);
      const seen: number[] = [];
      const timer = setInterval(() => seen.push(database.progress()), 5);
      await database
        .rows(`SELECT count(DISTINCT text) AS texts FROM read_csv(${literal(csv)})`)
        .finally(() => clearInterval(timer));
      expect(seen.filter((share) => share < 0 || share > 1)).toEqual([]);
      expect(seen.some((share) => share > 0.1 && share < 0.9)).toBe(true);
    });
  });

  test('has as many threads as are asked for, a share of the memory, and fetches nothing by itself', async () => {
    const context = {
      resources: { cpus: 2, memory: 2 * 2 ** 30 },
      scratch: temporaryFolder(),
      signal: new AbortController().signal,
    };
    const settings = (database: Database) =>
      database.rows(
        "SELECT name, value FROM duckdb_settings() WHERE name IN ('threads', 'memory_limit', 'autoinstall_known_extensions', 'autoload_known_extensions', 'enable_external_file_cache', 'temp_directory') ORDER BY name",
      );
    const expected = (threads: number) => [
      { name: 'autoinstall_known_extensions', value: 'false' },
      { name: 'autoload_known_extensions', value: 'false' },
      { name: 'enable_external_file_cache', value: 'false' },
      // A quarter of the worker's.
      { name: 'memory_limit', value: '512.0 MiB' },
      { name: 'temp_directory', value: join(context.scratch, 'duckdb') },
      { name: 'threads', value: String(threads) },
    ];
    expect(await withDuckDb(context, settings)).toEqual(expected(2));
    expect(await withDuckDb(context, settings, { threads: 1 })).toEqual(expected(1));
  });

  test('reads Parquet files in their order, whatever their folders and columns are called', async () => {
    const folder = join(temporaryFolder(), "it's", 'key=value');
    mkdirSync(folder, { recursive: true });
    await withDatabase(async (database) => {
      const path = (name: string) => join(folder, name);
      for (const [name, value] of [
        ['b.parquet', 1],
        ['a.parquet', 2],
      ] as const) {
        await database.run(`COPY (SELECT ${value} AS ${identifier('a "b"')} FROM range(2)) TO ${literal(path(name))}`);
      }
      const both = [path('b.parquet'), path('a.parquet')];
      expect(await columnsOf(database, readParquetSql(both))).toEqual(['a "b"']);
      expect(await database.rows(`SELECT * FROM ${readParquetSql(both)}`)).toEqual(
        [1, 1, 2, 2].map((value) => ({ 'a "b"': value })),
      );
      expect(await database.rows(`SELECT * FROM ${readParquetSql([both[1]!], { fileRow: true, file: true })}`)).toEqual(
        [0n, 1n].map((row) => ({ 'a "b"': 2, [FILE_ROW]: row, [INTERNAL.file]: both[1] })),
      );
      const chunks = [];
      for await (const chunk of database.chunks('SELECT * FROM range(5000)')) chunks.push(chunk.rowCount);
      expect(chunks).toEqual([2_048, 2_048, 904]);
    });
  });
});
