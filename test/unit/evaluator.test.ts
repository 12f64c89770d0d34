import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Expectations } from '../../src/config/expectations.js';
import type { Pipeline } from '../../src/config/load.js';
import { describe as columnsOf, withDuckDb, type Database } from '../../src/data/duckdb.js';
import { layerManifest, manifestKey } from '../../src/data/layers.js';
import { addCorrections, correctedRows, corrections, readCorrections } from '../../src/data/validation/corrections.js';
import { Evaluator, type RowSource } from '../../src/data/validation/evaluate.js';
import {
  exportQuarantine,
  firstQuarantined,
  openQuarantine,
  quarantineLine,
  returnRows,
} from '../../src/data/validation/quarantine.js';
import { validationResult, writeResult } from '../../src/data/validation/results.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { RESOURCES } from '../support/medallion.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const folder = temporaryFolder(afterAll);
let store: FolderStore;
beforeEach(() => {
  store = new FolderStore(mkdtempSync(join(folder, 'store-')));
});
const scratch = () => mkdtempSync(join(folder, 'scratch-'));
const withDatabase = <T>(work: (database: Database) => Promise<T>) =>
  withDuckDb({ resources: RESOURCES, scratch: scratch(), signal: new AbortController().signal }, work, { threads: 1 });

/** Rows of silver, in this order; the third and the last are the same. */
const ROWS = `SELECT id, kind, CAST(cost AS DOUBLE) AS cost, CAST(day AS DATE) AS day FROM (VALUES
  (5, 'a', '-1', '2020-01-05'), (1, 'b', '30', '2020-01-31'), (3, NULL, '-7', '2020-01-03'),
  (2, 'a', NULL, NULL), (4, 'c', '-1', '2020-01-04'), (3, NULL, '-7', '2020-01-03')) AS t (id, kind, cost, day)`;

const pipelineOf = (expectations: object) =>
  ({
    folder: '/conf',
    definition: { name: 'visits', partition: { column: 'day', by: 'month' } },
    expectations: Expectations.parse({ silver: [], ...expectations }),
  }) as unknown as Pipeline;
async function sourceOf(database: Database, text = ROWS): Promise<RowSource> {
  return {
    sql: { file: 'silver.sql', text, digest: '', tables: [] },
    query: text,
    columns: await columnsOf(database, text),
  };
}
const expectation = (type: string, kwargs: object, severity: string, name: string) => ({
  type: `expect_${type}`,
  kwargs,
  severity,
  meta: { name },
});
const check = (name: string, check: string, on_failure = 'drop') => ({ name, check, on_failure });
/** Numbers of 64 bits as numbers, for the eye. */
const plain = (rows: Record<string, unknown>[]) =>
  rows.map((row) => Object.values(row).map((value) => (typeof value === 'bigint' ? Number(value) : value)));

describe('the expectations of a partition', () => {
  const EXPECTED = {
    silver: [check('known', "kind IS NULL OR kind <> 'c' -- as it was"), check('few', 'id < 9', 'fail')],
    expectations: [
      expectation('column_values_to_be_between', { column: 'cost', min_value: 0 }, 'drop', 'no debt'),
      expectation('column_values_to_be_in_set', { column: 'kind', value_set: ['a'], mostly: 0.5 }, 'warn', 'mostly a'),
      expectation('table_row_count_to_equal', { value: 5 }, 'warn', 'five'),
      expectation('column_to_exist', { column: 'id' }, 'fail', 'there'),
      expectation('column_newest_value_age_to_be_between', { column: 'day', max_value: 3 }, 'warn', 'fresh'),
    ],
  };

  test('are evaluated in one pass: counts, values that break them, rows that stay and rows in quarantine', async () => {
    await withDatabase(async (database) => {
      const evaluator = new Evaluator(database, pipelineOf(EXPECTED), await sourceOf(database));
      const { results, ...counts } = await evaluator.evaluate();
      // Rows 5, 3 and 3 are of a debt; 4 breaks "known" before that.
      expect(counts).toEqual({
        kept: 2,
        dropped: { known: 1, 'no debt': 3 },
        newest: { fresh: '2020-01-31' },
        quarantined: 5,
      });
      expect(results.map(({ rule, success, severity }) => [rule, success, severity])).toEqual([
        ['known', false, 'drop'],
        ['few', true, 'fail'],
        ['no debt', false, 'drop'],
        ['mostly a', true, 'warn'],
        ['five', false, 'warn'],
        ['there', true, 'fail'],
      ]);
      const of = (name: string) => results.find(({ rule }) => rule === name)!;
      expect(of('known')).toEqual({
        rule: 'known',
        dimension: 'validity',
        severity: 'drop',
        success: false,
        expectation_config: { type: 'silver_condition', kwargs: { check: "kind IS NULL OR kind <> 'c' -- as it was" } },
        result: {
          element_count: 6,
          unexpected_count: 1,
          unexpected_percent: expect.closeTo(100 / 6, 10) as number,
          partial_unexpected_list: [null],
          partial_unexpected_counts: [{ value: null, count: 1 }],
        },
      });
      expect(of('few').result).toEqual({
        element_count: 6,
        unexpected_count: 0,
        unexpected_percent: 0,
        partial_unexpected_list: [],
        partial_unexpected_counts: [],
      });
      expect(of('no debt').result).toEqual({
        element_count: 6,
        unexpected_count: 4,
        // Of five that have a cost.
        unexpected_percent: 80,
        partial_unexpected_list: [-1, -7, -1, -7],
        partial_unexpected_counts: [
          { value: -1, count: 2 },
          { value: -7, count: 2 },
        ],
        missing_count: 1,
        missing_percent: expect.closeTo(100 / 6, 10) as number,
        unexpected_percent_total: expect.closeTo(400 / 6, 10) as number,
        unexpected_percent_nonmissing: 80,
      });
      expect(of('mostly a').result).toMatchObject({
        unexpected_count: 2,
        unexpected_percent: 50,
        partial_unexpected_list: ['b', 'c'],
        missing_count: 2,
      });
      expect([of('five').result, of('there').result]).toEqual([{ observed_value: 6 }, {}]);

      const kept = await database.rows(`SELECT * EXCLUDE (day) FROM (${evaluator.keptSql()})`);
      expect(plain(kept)).toEqual([
        [1, 'b', 30],
        [2, 'a', null],
      ]);
      const broken = await database.rows(`SELECT * EXCLUDE (day) FROM (${evaluator.quarantineSql()})`);
      expect(Object.keys(broken[0]!)).toEqual(['__perdure_id', '__perdure_rules', 'id', 'kind', 'cost']);
      expect(plain(broken).map(([, ...row]) => row)).toEqual([
        ['no debt', 5, 'a', -1],
        ['mostly a', 1, 'b', 30],
        ['no debt', 3, null, -7],
        ['known; no debt; mostly a', 4, 'c', -1],
        ['no debt', 3, null, -7],
      ]);
      const ids = broken.map((row) => String(row.__perdure_id));
      expect(ids.map((id) => id.slice(32))).toEqual(['-1', '-1', '-1', '-1', '-2']);
      expect(new Set(ids.map((id) => id.slice(0, 32))).size).toBe(4);
      expect(ids[4]!.slice(0, 32)).toBe(ids[2]!.slice(0, 32));
    });
  });

  test('may be none, or met by no row', async () => {
    await withDatabase(async (database) => {
      const source = await sourceOf(database);
      const none = new Evaluator(database, pipelineOf({}), source);
      expect(await none.evaluate()).toEqual({ results: [], kept: 6, dropped: {}, newest: {}, quarantined: 0 });
      expect(plain(await database.rows(none.keptSql())).map(([id]) => id)).toEqual([5, 1, 3, 2, 4, 3]);
      const empty = new Evaluator(database, pipelineOf(EXPECTED), await sourceOf(database, `${ROWS} WHERE id > 9`));
      const { results, ...counts } = await empty.evaluate();
      expect(counts).toEqual({ kept: 0, dropped: {}, newest: { fresh: null }, quarantined: 0 });
      expect(results.filter(({ success }) => !success).map(({ rule }) => rule)).toEqual(['five']);
      expect(results[2]!.result).toMatchObject({ unexpected_percent: null, missing_percent: null });
    });
  });

  test('may look at all rows, which stay in their order', async () => {
    await withDatabase(async (database) => {
      const alone = pipelineOf({ silver: [check('alone', 'count(*) OVER (PARTITION BY kind) < 3')] });
      const evaluator = new Evaluator(database, alone, await sourceOf(database, `${ROWS}, range(2) ORDER BY ALL`));
      const { kept, dropped } = await evaluator.evaluate();
      // Of each kind there are twice as many as there were: b and c have two.
      expect([kept, dropped]).toEqual([4, { alone: 8 }]);
      const rows = await database.rows(evaluator.keptSql());
      expect(plain(rows).map(([id]) => id)).toEqual([1, 1, 4, 4]);
    });
  });

  test('observe nothing where JSON has no word for a number', async () => {
    await withDatabase(async (database) => {
      const largest = expectation('column_max_to_be_between', { column: 'x', min_value: 0 }, 'warn', 'largest');
      const within = expectation('column_values_to_be_between', { column: 'x', max_value: 1 }, 'warn', 'within');
      const text = "SELECT CAST('inf' AS DOUBLE) AS x UNION ALL SELECT 2";
      const evaluator = new Evaluator(
        database,
        pipelineOf({ expectations: [largest, within] }),
        await sourceOf(database, text),
      );
      const [max, values] = (await evaluator.evaluate()).results;
      expect(max!.result).toEqual({ observed_value: null });
      expect(values!.result.partial_unexpected_list).toEqual([null, 2]);
    });
  });

  test.each<[string, object, string, RegExp]>([
    [
      'a condition',
      { silver: [check('fine', 'id > 0'), check('odd', 'price > 1')] },
      'ConfigInvalid',
      /^\/conf\/expectations\.json: the check of odd can't be run: Referenced column "price" not found/,
    ],
    [
      'a condition that its data do not suit',
      { silver: [check('fine', 'id > 0'), check('odd', 'CAST(kind AS INTEGER) > 1')] },
      'InputInvalid',
      /^\/conf\/expectations\.json: the check of odd failed on its data: Could not convert string/,
    ],
    [
      'one of rows',
      {
        expectations: [
          expectation('column_values_to_not_be_null', { column: 'id' }, 'warn', 'fine'),
          expectation('column_values_to_be_unique', { column: 'price' }, 'warn', 'odd'),
        ],
      },
      'ConfigInvalid',
      /^\/conf\/expectations\.json: the expectation odd can't be run: Referenced column "price" not found/,
    ],
    [
      'one of a table',
      {
        expectations: [
          expectation('column_to_exist', { column: 'id' }, 'warn', 'fine'),
          expectation('column_max_to_be_between', { column: 'id', min_value: 0 }, 'warn', 'fine too'),
          expectation('column_mean_to_be_between', { column: 'price', min_value: 0 }, 'warn', 'odd'),
        ],
      },
      'ConfigInvalid',
      /^\/conf\/expectations\.json: the expectation odd can't be run: Referenced column "price" not found/,
    ],
    [
      'one of an age',
      {
        expectations: [
          expectation('column_newest_value_age_to_be_between', { column: 'day', max_value: 3 }, 'warn', 'fine'),
          expectation('column_newest_value_age_to_be_between', { column: 'price', max_value: 3 }, 'warn', 'odd'),
        ],
      },
      'ConfigInvalid',
      /^\/conf\/expectations\.json: the expectation odd can't be run: Referenced column "price" not found/,
    ],
  ])('that can not be evaluated are told by name: %s', async (_, expectations, type, message) => {
    await withDatabase(async (database) => {
      const evaluator = new Evaluator(database, pipelineOf(expectations), await sourceOf(database));
      await expect(evaluator.evaluate()).rejects.toMatchObject({
        type,
        message: expect.stringMatching(message) as string,
      });
    });
  });

  test('are not to blame where the query itself fails', async () => {
    await withDatabase(async (database) => {
      const source = await sourceOf(database);
      const broken = {
        ...source,
        query: "SELECT id, CAST(kind AS INTEGER) AS kind FROM (SELECT 1 AS id, 'x' AS kind)",
      };
      const evaluator = new Evaluator(database, pipelineOf({ silver: [check('a', 'kind > 0')] }), broken);
      await expect(evaluator.evaluate()).rejects.toMatchObject({
        type: 'InputInvalid',
        message: expect.stringMatching(/^silver\.sql failed on its data: Could not convert string 'x'/) as string,
      });
    });
  });
});

const DEBT = {
  name: 'suite',
  expectations: [expectation('column_values_to_be_between', { column: 'cost', min_value: 0 }, 'drop', 'no debt')],
};

/** Evaluates a partition and keeps what came of it. */
async function evaluated(database: Database, pipeline: Pipeline, partition: string, text: string) {
  const evaluator = new Evaluator(database, pipeline, await sourceOf(database, text));
  const evaluation = await evaluator.evaluate();
  return writeResult(store, pipeline, partition, scratch(), { database, evaluator, evaluation });
}

describe('what came of a partition', () => {
  test('is kept with a score, and with the rows that break something', async () => {
    await withDatabase(async (database) => {
      const many = {
        ...DEBT,
        expectations: [
          ...DEBT.expectations,
          ...['id', 'kind', 'cost'].map((column) => expectation('column_to_exist', { column }, 'warn', column)),
        ],
      };
      const result = await evaluated(database, pipelineOf(many), '2020_01', ROWS);
      expect(result).toMatchObject({
        success: false,
        quality_score: 0.75,
        statistics: {
          evaluated_expectations: 4,
          successful_expectations: 3,
          unsuccessful_expectations: 1,
          success_percent: 75,
        },
        meta: { partition: '2020_01', suite: 'suite' },
        quarantine: { key: 'validation/2020_01.quarantine.parquet', rows: 4 },
      });
      expect(await validationResult.read(store, 'validation/2020_01.json')).toEqual(result);
      const { expectations } = DEBT;
      const named = pipelineOf({ expectation_suite_name: 'old', expectations });
      const good = await evaluated(database, named, '2020_02', `${ROWS} WHERE id < 3`);
      expect([good.success, good.meta, good.quarantine]).toEqual([
        true,
        { partition: '2020_02', suite: 'old' },
        undefined,
      ]);
      expect((await evaluated(database, pipelineOf({ expectations }), '2020_02', ROWS)).meta).toEqual({
        partition: '2020_02',
      });
    });
  });

  test('is nothing where nothing is expected', async () => {
    await withDatabase(async (database) => {
      const result = await evaluated(database, pipelineOf({}), '2020_01', ROWS);
      expect(result).toMatchObject({ success: true, quality_score: null, statistics: { success_percent: null } });
      expect(await validationResult.read(store, 'validation/2020_01.json')).toBeUndefined();
    });
  });
});

describe('rows in quarantine', () => {
  const PIPELINE = pipelineOf(DEBT);
  const FEBRUARY = "SELECT 9 AS id, 'x' AS kind, CAST(-2 AS DOUBLE) AS cost, DATE '2020-02-01' AS day";
  const work = <T>(of: (database: Database) => Promise<T>) =>
    withDatabase(async (database) => {
      const partitions = Object.fromEntries(
        ['2020_01', '2020_02', '2020_03'].map((name) => [name, { inputs: 'i', objects: [] }]),
      );
      await layerManifest.write(store, manifestKey('bronze'), { partitions });
      await evaluated(database, PIPELINE, '2020_01', ROWS);
      await evaluated(database, PIPELINE, '2020_02', FEBRUARY);
      return of(database);
    });
  const exported = async (database: Database) => {
    const file = join(scratch(), "it's bad.csv");
    await exportQuarantine(database, await openQuarantine(PIPELINE, store), file);
    return readFileSync(file, 'utf8');
  };
  /** In a database of its own, as each file that is sent back has. */
  const sendBack = (text: string, pipeline = PIPELINE) =>
    withDatabase(async (database) => {
      const file = join(scratch(), 'back.csv');
      writeFileSync(file, text);
      const opened = await openQuarantine(pipeline, store);
      return returnRows(database, pipeline, store, opened, file, scratch()).catch((error: Error) => {
        error.message = error.message.replace(file, 'FILE');
        throw error;
      });
    });

  test('are those of partitions that there are, of expectations that there are', async () => {
    await work(async (database) => {
      await evaluated(database, PIPELINE, '2020_03', `${ROWS} WHERE id < 3`);
      await evaluated(database, PIPELINE, '2020_04', ROWS);
      await store.put('validation/notes.json', 'of somebody else');
      const opened = await openQuarantine(PIPELINE, store);
      expect(opened.map(({ partition, rows, results }) => [partition, rows, results.length])).toEqual([
        ['2020_01', 4, 1],
        ['2020_02', 1, 1],
      ]);
      expect(quarantineLine(opened)).toBe('5 rows of 2 partitions in quarantine');
      expect(quarantineLine([])).toBe('0 rows of 0 partitions in quarantine');
      expect(await openQuarantine(pipelineOf({}), store)).toEqual([]);
      const first = await firstQuarantined(database, opened, 5);
      expect(
        first.map(({ __perdure_partition, __perdure_rules, id }) => [__perdure_partition, __perdure_rules, id]),
      ).toEqual([
        ['2020_01', 'no debt', '5'],
        ['2020_01', 'no debt', '3'],
        ['2020_01', 'no debt', '4'],
        ['2020_01', 'no debt', '3'],
        ['2020_02', 'no debt', '9'],
      ]);
      await store.put('validation/2020_01.json', '{"resu');
      await expect(openQuarantine(PIPELINE, store)).rejects.toMatchObject({
        type: 'ObjectCorrupt',
        message: `${store.uri('validation/2020_01.json')} is damaged: it is not whole JSON; delete it and run data processing again.`,
      });
    });
  });

  test('come back corrected in the place of those that they are of, and can be corrected again', async () => {
    await work(async (database) => {
      const text = await exported(database);
      const [header, five, three, four, again, nine] = text.trimEnd().split('\n');
      expect(header).toBe('__perdure_partition,__perdure_id,__perdure_rules,id,kind,cost,day');
      // In any order, without the rows that are not corrected, and without columns that say nothing.
      const short = [header, nine!.replace('-2.0', '2'), again!.replace('-7.0', '7'), five].join('\n');
      expect(await sendBack(short)).toEqual({ corrected: 2, unchanged: 1, partitions: ['2020_01', '2020_02'] });
      const rowsNow = async (partition: string, query: string) => {
        const source = await sourceOf(database, query);
        const entry = (await readCorrections(store))[partition];
        const rows = await correctedRows(database, store, source.sql, source.columns, entry);
        return { rows, values: plain(await database.rows(`SELECT id, cost FROM (${rows.query})`)) };
      };
      const { values, rows } = await rowsNow('2020_01', ROWS);
      // The last of the two that are the same.
      expect(values).toEqual([
        [5, -1],
        [1, 30],
        [3, -7],
        [2, null],
        [4, -1],
        [3, 7],
      ]);
      expect(rows.identified).toBe(true);
      // It is still the row that it was, whatever it holds now.
      const evaluator = new Evaluator(database, PIPELINE, rows);
      await evaluator.evaluate();
      const ids = (await database.rows(evaluator.quarantineSql())).map((row) => String(row.__perdure_id));
      expect(ids).toEqual([five, three, four].map((line) => line!.split(',')[1]));
      expect((await rowsNow('2020_02', FEBRUARY)).values).toEqual([[9, 2]]);
      expect((await rowsNow('2020_03', ROWS)).rows).toEqual(await sourceOf(database));

      await sendBack([header, five!.replace('-1.0', '1')].join('\n'));
      await sendBack([header, five!.replace('-1.0', '11')].join('\n'));
      expect((await rowsNow('2020_01', ROWS)).values).toEqual([
        [5, 11],
        [1, 30],
        [3, -7],
        [2, null],
        [4, -1],
        [3, 7],
      ]);
      const { partitions } = (await corrections.read(store, 'validation/corrections.json'))!;
      expect([partitions['2020_01']!.rows, partitions['2020_02']!.rows]).toEqual([2, 1]);
      expect(partitions['2020_01']!.key).toMatch(/^validation\/2020_01\.corrections-[0-9a-f]{12}\.parquet$/);
      // What silver is has changed: they are of no row any more.
      const other = 'SELECT id, CAST(cost AS FLOAT) AS cost, kind, day FROM (' + ROWS + ')';
      expect((await rowsNow('2020_01', other)).rows.query).toBe(other);
      expect((await rowsNow('2020_01', `${ROWS} WHERE id = 1`)).values).toEqual([[1, 30]]);
      const failing = `SELECT * REPLACE (CASE WHEN id = 4 THEN CAST('x' || kind AS DOUBLE) ELSE cost END AS cost) FROM (${ROWS})`;
      await expect(rowsNow('2020_01', failing)).rejects.toMatchObject({
        type: 'InputInvalid',
        message: expect.stringMatching(/^silver\.sql failed on its data: Could not convert string 'xc'/) as string,
      });
    });
  });

  test('are taken as a whole or not at all, and what is wrong is told', async () => {
    const text = await work(exported);
    const refused = async (changed: string, pipeline?: Pipeline) => {
      const message = await sendBack(changed, pipeline).then(
        () => null,
        (error: { type: string; message: string }) => `${error.type}: ${error.message}`,
      );
      expect(await readCorrections(store)).toEqual({});
      return message;
    };
    const lines = text.trimEnd().split('\n');
    const id = lines[2]!.split(',')[1]!;
    expect(await refused(text.replaceAll(',kind,', ',sort,').replace(',day', ',on'))).toBe(
      'InputInvalid: FILE has no column kind, day; export the rows anew and keep all columns.',
    );
    expect(await refused(lines.map((line, i) => `${line},${i === 0 ? 'more' : 1}`).join('\n'))).toBe(
      'InputInvalid: FILE has the column more, which silver does not have; leave it out.',
    );
    expect(await refused(lines.map((line, i) => `${line},${i === 0 ? 'kind' : 1}`).join('\n'))).toBe(
      'InputInvalid: FILE has the column kind twice; leave one of them out.',
    );
    expect(await refused(text.replace(id, `${'f'.repeat(32)}-1`))).toBe(
      `InputInvalid: FILE names a row that is not in quarantine (record 3, __perdure_id ${'f'.repeat(32)}-1); export the rows anew, as the data have changed since.`,
    );
    expect(await refused([...lines, lines[1]].join('\n'))).toBe(
      'InputInvalid: FILE has a row twice (record 7); leave one of them out.',
    );
    expect(await refused(text.replace('-2.0', 'two'))).toBe(
      'InputInvalid: FILE has "two" in the column cost (record 6), which is no DOUBLE; correct it and send the file again.',
    );
    // DuckDB's own casts round the one, cut the other, and make an infinite number of the third.
    for (const [right, wrong, column, type] of [
      [',5,a,', ',5.4,a,', 'id', 'INTEGER'],
      ['2020-02-01', '2020-02-01 10:15:00', 'day', 'DATE'],
      ['-2.0', '1e999', 'cost', 'DOUBLE'],
    ] as const)
      expect(await refused(text.replace(right, wrong))).toMatch(
        new RegExp(
          `^InputInvalid: FILE has "${wrong.replaceAll(/,a?/g, '')}" in the column ${column} \\(record \\d\\), which is no ${type};`,
        ),
      );
    expect(await refused(text.replaceAll(',', ';'))).toBe(
      'InputInvalid: FILE separates its values by semicolons; save it with commas between them and run again.',
    );
    expect(await refused(text.replace('2020-02-01', '2020-03-01'))).toBe(
      'InputInvalid: FILE moves a row out of its partition 2020_02 by the column day (record 6); correct the source instead.',
    );
    expect(await refused(text, pipelineOf({}))).toBe(
      "InputInvalid: FILE can't be taken back, as no rows are in quarantine; run data processing, and export them anew.",
    );
    expect(await refused(`${text}1,2\n`)).toBe(
      'InputInvalid: Line 7 of FILE has 2 values where the header names 7 columns, so the file may be torn; fetch it again or correct the line.',
    );
    // An empty field is no value, and quotes around nothing are a text.
    const gaps = lines.map((line, i) =>
      i === 1 ? line.replace(',a,', ',,') : i === 2 ? line.replace(',3,,', ',3,"",') : line,
    );
    expect(await sendBack(gaps.join('\r\n'))).toMatchObject({ corrected: 2, unchanged: 3 });
  });

  test('of a pipeline whose days are not in silver, or that has none, go by no partition', async () => {
    const text = await work(exported);
    const undated = pipelineOf(DEBT);
    undated.definition.partition = { column: undefined, by: 'none' };
    expect(await sendBack(text.replace('2020-02-01', '2020-03-01'), undated)).toMatchObject({ corrected: 1 });
    const elsewhere = pipelineOf(DEBT);
    elsewhere.definition.partition = { column: 'seen', by: 'month' };
    expect(await sendBack(text.replace('2020-02-01', '2020-04-01'), elsewhere)).toMatchObject({ corrected: 1 });
  });

  test('that are corrected are kept beside those of other partitions', async () => {
    await withDatabase(async (database) => {
      await database.run(
        `CREATE TABLE taken AS SELECT * FROM (VALUES ('2020_01', 'b', 1), ('2020_01', 'a', 2), ('2020_02', 'c', 3)) AS t (__perdure_partition, __perdure_id, x)`,
      );
      await addCorrections(database, store, ['2020_01'], 'taken', scratch());
      const first = await readCorrections(store);
      await addCorrections(database, store, ['2020_02'], 'taken', scratch());
      const both = await readCorrections(store);
      expect(Object.keys(both)).toEqual(['2020_01', '2020_02']);
      expect(both['2020_01']).toEqual(first['2020_01']);
      const path = await store.localFile(both['2020_01']!.key);
      expect(plain(await database.rows(`SELECT * FROM read_parquet('${path}')`))).toEqual([
        ['a', 2],
        ['b', 1],
      ]);
    });
  });
});
