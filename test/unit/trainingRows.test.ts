import { afterAll, describe, expect, test } from 'vitest';
import { ZERO_OR_ONE, type TaskSpec } from '../../src/contracts/index.js';
import type { GoldFiles } from '../../src/data/goldAsOf.js';
import type { InputColumn } from '../../src/data/inputColumns.js';
import { labelSql } from '../../src/data/labels.js';
import { isTrainedSql, keyDigestSql, writeTrainedRows } from '../../src/data/trainedRows.js';
import { countSharedEntities, readTask, readTrainingRows, type RowsOfSplit } from '../../src/data/trainingRows.js';
import { parquetOf, pipelineOf } from '../support/storedTables.js';
import { sharedDatabase } from '../support/sharedDatabase.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const opened = sharedDatabase();
const folder = temporaryFolder(afterAll);

const files = async (features: string, labels: string): Promise<GoldFiles> => ({
  features: await parquetOf(await opened, folder, features),
  labels: await parquetOf(await opened, folder, labels),
});
/** Files that can't be read. */
const absent = { partition: 'all', path: '/absent.parquet', checksum: '', rows: 9 };
const ABSENT: GoldFiles = { features: absent, labels: absent };

const SIDES = { split: { by: 'column', column: 'side' }, layers: { feature_store: { sql: 'features.sql' } } };
const pipeline = pipelineOf(SIDES);
const dated = pipelineOf({ ...SIDES, partition: { by: 'month', column: 'day' } });
const TRAIN: RowsOfSplit = { name: 'train', asOf: '2030-01-01', labelledTo: '2030-01-01' };
const X: InputColumn = { name: 'x', kind: 'number', type: 'numeric' };
const CLASSES: TaskSpec = { task: 'multiclass', classes: ['a', 'b'] };

const january = () =>
  files(
    `SELECT * FROM (VALUES (3, DATE '2020-01-03', 'train', 30), (1, DATE '2020-01-01', 'train', 10), (2, DATE '2020-01-02', 'test', 20), (4, DATE '2020-01-04', 'train', 40), (5, DATE '2020-01-05', 'train', 50), (6, DATE '2020-01-06', 'train', 60)) AS t (id, day, side, x)`,
    `SELECT * FROM (VALUES (1, 'a'), (2, 'a'), (3, 'b'), (5, NULL), (6, 'other'), (7, 'a')) AS t (id, y)`,
  );
const february = () =>
  files(
    `SELECT * FROM (VALUES (1, DATE '2020-02-01', 'train', 11), (4, DATE '2020-02-02', 'train', 41)) AS t (id, day, side, x)`,
    `SELECT * FROM (VALUES (4, 'a'), (1, 'b')) AS t (id, y)`,
  );

describe('training rows', () => {
  const read = async (
    gold: GoldFiles[],
    rows: Partial<RowsOfSplit> = {},
    { of = pipeline, task = CLASSES, beside }: { of?: typeof pipeline; task?: TaskSpec; beside?: InputColumn } = {},
  ) => {
    const { table, labels, ...more } = await readTrainingRows(
      await opened,
      of,
      gold,
      { ...TRAIN, ...rows },
      [X],
      task,
      beside,
    );
    const { values } = table.columns.get('x') as { values: Float64Array };
    expect([...table.columns.keys()]).toEqual(['x']);
    expect([table.rows, values.length]).toEqual([labels.length, labels.length]);
    return { rows: Array.from(values, (value, i) => [value, labels[i]]), ...more };
  };

  test('stand in the order of partitions and files, each with the label of its own partition', async () => {
    // Of January, 4 has no label, that of 5 is NULL, and that of 6 is of no class.
    expect(await read([await january(), await february()])).toEqual({
      rows: [
        [30, 1],
        [10, 0],
        [11, 1],
        [41, 0],
      ],
      unlabelled: 2,
      unknown: 1,
    });
    expect(await read([await january()], { name: 'test' })).toEqual({ rows: [[20, 0]], unlabelled: 0, unknown: 0 });
    expect(await read([])).toEqual({ rows: [], unlabelled: 0, unknown: 0 });
  });

  test('are those whose labels count by their day', async () => {
    const gold = [await january(), await february()];
    for (const [labelledTo, xs] of [
      ['2019-12-31', []],
      ['2020-01-01', [10]],
      ['2020-01-03', [30, 10]],
      ['2020-02-01', [30, 10, 11]],
    ] as const)
      expect((await read(gold, { labelledTo }, { of: dated })).rows.map(([x]) => x)).toEqual(xs);
  });

  test('come with the digests of their keys and a column beside, which may be a feature too', async () => {
    const { keys, beside } = await read(
      [await january(), await february()],
      { keys: true },
      { beside: { ...X, kind: 'category' } },
    );
    expect(beside).toEqual({ kind: 'category', codes: Int32Array.of(0, 1, 2, 3), values: ['30', '10', '11', '41'] });
    const path = `${folder}/trained.parquet`;
    await writeTrainedRows(path, keys!);
    const trained = await (
      await opened
    ).rows<{ id: number }>(`SELECT id FROM range(9) AS t (id) WHERE ${isTrainedSql(path, ['id'], 't')} ORDER BY id`);
    // The keys of the four rows: 3 and 1, 1 and 4.
    expect(trained.map(({ id }) => Number(id))).toEqual([1, 3, 4]);
    expect([keys!.length, keys![1]]).toEqual([4, keys![2]]);
  });

  test('are the first ones where there is a limit; of files beyond it none is opened', async () => {
    const [first, second] = [await january(), await february()];
    // January has five rows of train, of which two are kept: the first and the second.
    for (const [limit, xs] of [
      [1, [30]],
      [2, [30, 10]],
      [5, [30, 10]],
    ] as const)
      expect((await read([first, ABSENT], { limit })).rows.map(([x]) => x)).toEqual(xs);
    for (const [limit, xs] of [
      [6, [30, 10, 11]],
      [7, [30, 10, 11, 41]],
      [8, [30, 10, 11, 41]],
    ] as const)
      expect((await read([first, second], { limit })).rows.map(([x]) => x)).toEqual(xs);
    await expect(read([first, ABSENT], { limit: 6 })).rejects.toThrow('/absent.parquet');
  });

  // More than the 2,048 rows that are read at a time.
  test.each([
    ['known', "'a'"],
    ['not known yet', 'NULL::VARCHAR'],
    ['of no class', "'other'"],
  ])('are refused where several have one key, whose labels are %s', async (_, label) => {
    const features = "SELECT i AS id, 'A' AS place, 'train' AS side, i AS x FROM range(3000) AS t (i)";
    const labels = `SELECT i AS id, 'A' AS place, ${label} AS y FROM range(3000) AS t (i)`;
    const of = pipelineOf({ ...SIDES, keys: ['id', 'place'] });
    const whole = await files(features, labels);
    const { rows, unlabelled, unknown } = await read([await files(features, labels), whole], {}, { of });
    expect(rows.length + unlabelled + unknown).toBe(6000);
    const twice = await files(features, `${labels} UNION ALL SELECT 7, 'A', ${label}`);
    await expect(read([whole, twice], {}, { of })).rejects.toMatchObject({
      type: 'InputInvalid',
      message:
        'Several rows of gold have the same id and place; add an expectation that drops them and run data processing again.',
    });
  });

  test('are refused for labels that the task does not have', async () => {
    await expect(read([await january()], {}, { task: ZERO_OR_ONE })).rejects.toThrow(
      'The column y of the label store holds "b"; expected 0 or 1.',
    );
  });
});

test('labels are numbers, or the text of anything else', async () => {
  const database = await opened;
  const kinds = { '1::TINYINT': 'DOUBLE', '1.5::DECIMAL(3, 1)': 'DOUBLE', NULL: 'DOUBLE', true: 'VARCHAR', "'a'": 'VARCHAR', "DATE '2020-01-01'": 'VARCHAR' }; // prettier-ignore
  for (const [value, type] of Object.entries(kinds))
    expect(await labelSql(database, pipelineOf({ label: 'the "y"' }), `(SELECT ${value} AS "the ""y""")`, 't')).toBe(
      `CAST(t."the ""y""" AS ${type})`,
    );
});

describe('what is predicted', () => {
  const guessed = pipelineOf({ ...SIDES, labelSource: { column: 'y' } });
  const task = async (gold: GoldFiles[], of = guessed) => readTask(await opened, of, gold, TRAIN);
  const labelled = (label: string, rows: number) =>
    files(
      `SELECT i AS id, 'train' AS side FROM range(${rows}) AS t (i)`,
      `SELECT i AS id, ${label} AS y FROM range(${rows}) AS t (i)`,
    );

  test('is by the labels of the split in all files, where nothing is declared', async () => {
    // The label "other" is of January alone.
    expect(await task([await january(), await february()])).toEqual({
      task: 'multiclass',
      classes: ['a', 'b', 'other'],
    });
    expect(await task([await february()])).toEqual({ task: 'binary', classes: ['a', 'b'] });
    expect(await task([])).toEqual({ task: 'binary', classes: ['0', '1'] });
    expect(await task([await labelled('i', 30)])).toEqual({ task: 'regression', objective: 'squared_error' });
    expect(await task([ABSENT], pipeline)).toEqual(ZERO_OR_ONE);
  });

  test('is told after a thousand labels', async () => {
    const few = await labelled("'a' || i", 999);
    expect(await task([few, await labelled("'b' || i", 7)])).toMatchObject({ classes: { length: 1006 } });
    await expect(task([few, ABSENT])).rejects.toThrow('/absent.parquet');
    for (const many of [1000, 1500])
      expect(await task([await labelled("'a' || i", many), ABSENT])).toMatchObject({ classes: { length: 1000 } });
  });
});

describe('entities on both sides', () => {
  const gold = () =>
    files(
      `SELECT * FROM (VALUES (1, DATE '2020-01-01', 'train', 'p'), (2, DATE '2020-01-02', 'train', 'q'), (3, DATE '2020-01-03', 'test', 'p'), (4, DATE '2020-01-04', 'test', 'r'), (5, DATE '2020-01-05', 'test', 'q'), (6, DATE '2020-01-06', 'test', 'q'), (7, DATE '2020-01-07', 'test', 'p')) AS t (id, day, side, Person)`,
      // The row 5 has no label yet, and 6 has none at all.
      `SELECT * FROM (VALUES (1, 0), (2, 1), (3, 0), (4, 1), (5, NULL), (7, 1)) AS t (id, y)`,
    );

  test('are counted by the rows whose labels are known', async () => {
    const shared = async (labelledTo: string) =>
      countSharedEntities(await opened, dated, [await gold()], 'person', { asOf: TRAIN.asOf, labelledTo });
    expect(await shared('2020-01-06')).toEqual([{ split: 'test', rows: 2, sharedRows: 1, groups: 2, sharedGroups: 1 }]);
    expect(await shared('2020-01-07')).toEqual([{ split: 'test', rows: 3, sharedRows: 2, groups: 2, sharedGroups: 1 }]);
  });

  test('that gold does not have are told with the query that is to give them', async () => {
    const refused = async (sql: string | undefined) =>
      countSharedEntities(
        await opened,
        pipelineOf({ ...SIDES, layers: { feature_store: { sql } } }),
        [await gold()],
        'owner',
        TRAIN,
      );
    for (const [sql, named] of [
      ['features.sql', 'features.sql'],
      [undefined, 'its query'],
    ] as const)
      await expect(refused(sql)).rejects.toMatchObject({
        type: 'ConfigInvalid',
        message: `"entity" names owner, which the feature store doesn't have (it has id, day, side, Person); have ${named} give it, or correct the name.`,
      });
  });
});

test('the digest of a key is 53 bits of the MD5 of its parts and their lengths', async () => {
  const [found] = await (
    await opened
  ).rows(
    `SELECT ${keyDigestSql(['id', 'the "place"'], 't')} AS both, ${keyDigestSql(['id'], 't')} AS one FROM (SELECT 7 AS id, 'Aé' AS "the ""place""") AS t`,
  );
  // Python: int.from_bytes(hashlib.md5('1:72:Aé'.encode()).digest()[8:], 'little') >> 11
  expect(found).toEqual({ both: 1016055689298510, one: 8479986191691891 });
});
