import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  LABELS,
  labelsAreTaken,
  labelsEntry,
  openLabelsTable,
  takeLabels,
  type LabelsAsked,
} from '../../src/data/labelsFile.js';
import { readManifest, type LabelsEntry } from '../../src/data/layers.js';
import { sha256 } from '../../src/platform/storage/checksum.js';
import { writeJson } from '../support/anyDocument.js';
import { RESOURCES } from '../support/medallion.js';
import { sharedDatabase } from '../support/sharedDatabase.js';
import { pipelineOf, storedTables } from '../support/storedTables.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const opened = sharedDatabase();
const ON = { file: 'late.csv', on: { id: 'customer' } };
const definition = (more: object = {}) =>
  pipelineOf({ labels: ON, labelSource: { column: 'gone' }, source: { columns: {} }, ...more });
const pipeline = definition();
const ROWS = `SELECT * FROM (VALUES (1, 10), (2, 20), (3, 30)) AS t (id, x)`;

let folder: string;
let tables: ReturnType<typeof storedTables>;
beforeEach(async () => {
  folder = temporaryFolder();
  tables = storedTables(await opened, folder);
});
const datamart = () => tables.stores.datamart;

let files = 0;
function csv(...lines: string[]): string {
  const path = join(folder, `labels-${files++}.csv`);
  writeFileSync(path, lines.join('\n') + '\n');
  return path;
}
const take = (asked: LabelsAsked = {}, of = pipeline) => {
  const scratch = join(folder, `scratch-${files++}`);
  mkdirSync(scratch);
  const context = { resources: RESOURCES, scratch, signal: new AbortController().signal, report: () => {} };
  return takeLabels(context, of, datamart(), asked);
};
const entry = async (): Promise<LabelsEntry> => (await readManifest(datamart(), 'bronze')).labels!;
/** The rows that are kept. */
const kept = async () => {
  const database = await opened;
  await openLabelsTable(database, datamart(), await entry());
  return (await database.rows(`SELECT * FROM ${LABELS}`)).map((row) => Object.values(row).map(String));
};

test('a pipeline that has its labels in its source takes none, and lacks none', async () => {
  const own = pipelineOf({});
  expect(await take({}, own)).toBeUndefined();
  expect(await labelsAreTaken(own, datamart(), {})).toBe(true);
  expect(await labelsEntry(own, datamart())).toBeUndefined();
});

describe('labels of a file', () => {
  test('are kept a row per key, in the order of the keys, whatever the order of the file', async () => {
    await tables.partition('all', ROWS, 'bronze');
    const path = csv('note,gone,customer', 'a,yes,3', 'b,no,1', 'c,yes,9', 'd,no,1');
    expect(await take({ labels: path })).toEqual({ rows: 3, unknown: 1 });
    expect(await kept()).toEqual([
      ['1', 'no'],
      ['3', 'yes'],
      ['9', 'yes'],
    ]);
    const first = await entry();
    expect(first).toMatchObject({ path, unknown: 1, object: { rows: 3 } });
    expect(first.checksum).toBe(sha256('note,gone,customer\na,yes,3\nb,no,1\nc,yes,9\nd,no,1\n'));
    expect(first.object.key).toMatch(/^bronze\/labels_[0-9a-f]{32}\.parquet$/);
    expect(first).not.toHaveProperty('etag');
    expect(await labelsEntry(pipeline, datamart())).toEqual(first);
    await take({ labels: csv('customer,gone', '9,yes', '1,no', '3,yes') });
    expect((await entry()).object).toEqual(first.object);
  });

  test('of a key of several columns are kept, corrected and sought by all of them', async () => {
    const of = definition({ labels: { ...ON, on: { id: 'customer', place: 'town' } } });
    await tables.partition('2020_01', `SELECT * FROM (VALUES (1, 'a'), (1, 'b')) AS t (id, place)`, 'bronze');
    await tables.partition('2020_02', `SELECT 2 AS id, 'a' AS place`, 'bronze');
    const first = csv('customer,town,gone', '2,b,yes', '1,b,no', '1,a,yes');
    expect(await take({ labels: first }, of)).toEqual({ rows: 3, unknown: 1 });
    expect(await kept()).toEqual([
      ['1', 'a', 'yes'],
      ['1', 'b', 'no'],
      ['2', 'b', 'yes'],
    ]);
    const before = (await entry()).partitions;
    expect(before['2020_02']).toBe('');
    expect(await take({ labels: csv('customer,town,gone', '2,a,no', '1,b,yes') }, of)).toEqual({ rows: 4, unknown: 1 });
    expect(await kept()).toEqual([
      ['1', 'a', 'yes'],
      ['1', 'b', 'yes'],
      ['2', 'a', 'no'],
      ['2', 'b', 'yes'],
    ]);
    const after = (await entry()).partitions;
    for (const name of ['2020_01', '2020_02']) expect(after[name]).not.toBe(before[name]);
  });

  test('have all columns of the file where SQL makes the label of them', async () => {
    await tables.partition('all', ROWS, 'bronze');
    await take({ labels: csv('a,customer,b', '5,1,6', ',2,7') }, definition({ labelSource: { sql: 'a > b' } }));
    expect(await kept()).toEqual([
      ['1', '5', '6'],
      ['2', 'null', '7'],
    ]);
  });

  test('are compared by the types of the source, and are told where they can not be', async () => {
    await tables.partition('all', `SELECT '007' AS id`, 'bronze');
    const texts = definition({ source: { columns: { id: 'VARCHAR' } } });
    expect(await take({ labels: csv('customer,gone', '007,yes', '7,no') }, texts)).toEqual({ rows: 2, unknown: 1 });
    const path = csv('customer,gone', '7,yes', 'seven,no');
    await expect(take({ labels: path }, definition({ source: { columns: { id: 'BIGINT' } } }))).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `Line 3 of ${path} holds "seven" in the column customer, where a whole number is expected; correct it and run again.`,
    });
  });

  test('lie in the store, where nobody names a file', async () => {
    await writeJson(datamart(), 'bronze/manifest.json', { partitions: {} });
    await datamart().put('raw/late.csv', 'customer,gone\n1,yes\n');
    expect(await labelsAreTaken(pipeline, datamart(), {})).toBe(false);
    expect(await take()).toEqual({ rows: 1, unknown: 1 });
    expect(await entry()).toMatchObject({ etag: expect.any(String) as string, partitions: {} });
    expect(await entry()).not.toHaveProperty('path');
    expect(await labelsAreTaken(pipeline, datamart(), {})).toBe(true);
    await datamart().put('raw/late.csv', 'customer,gone\n1,no\n2,no\n');
    expect(await labelsAreTaken(pipeline, datamart(), {})).toBe(false);
    expect(await take()).toEqual({ rows: 2, unknown: 2 });
  });

  test('lie in the store at an address, which pipeline.json or the command names', async () => {
    await tables.partition('all', `${ROWS} LIMIT 0`, 'bronze');
    await datamart().put('other/late.csv', 'customer,gone\n1,yes\n');
    const address = datamart().uri('other/late.csv');
    const named = definition({ labels: { ...ON, file: address } });
    expect(await take({}, named)).toEqual({ rows: 1, unknown: 1 });
    expect(await entry()).toMatchObject({ path: address, etag: expect.any(String) as string });
    expect(await labelsAreTaken(named, datamart(), {})).toBe(true);
    expect(await labelsAreTaken(pipeline, datamart(), { labels: address })).toBe(true);
    await datamart().put('other/late.csv', 'customer,gone\n1,no\n');
    expect(await labelsAreTaken(named, datamart(), {})).toBe(false);
    const absent = datamart().uri('other/absent.csv');
    await expect(take({ labels: absent })).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `There are no labels at ${absent}; name the file that has them with --labels.`,
    });
  });

  test('that is not there is told by its path', async () => {
    const absent = join(folder, 'absent.csv');
    await expect(take({ labels: absent })).rejects.toMatchObject({
      type: 'StoreUnavailable',
      message: expect.stringMatching(new RegExp(`^${absent} can't be read or written: .*ENOENT`)) as string,
    });
    await expect(labelsEntry(pipeline, datamart())).rejects.toMatchObject({
      type: 'NotFound',
      message: 'Bronze holds no labels of late.csv yet; run data processing, which reads them.',
    });
  });
});

describe('a later file', () => {
  beforeEach(async () => {
    await tables.partition('2020_01', `SELECT 1 AS id UNION ALL SELECT 2`, 'bronze');
    await tables.partition('2020_02', `SELECT 3 AS id`, 'bronze');
    await tables.partition('2020_03', `SELECT 4 AS id LIMIT 0`, 'bronze');
    await tables.partition('2020_04', `SELECT 5 AS id`, 'bronze');
  });

  test('adds to what is known and corrects it; only what it says of a partition changes', async () => {
    await take({ labels: csv('customer,gone', '1,yes', '2,no', '3,no', ',no') });
    const before = await entry();
    expect(before.partitions).toEqual({
      '2020_01': expect.stringMatching(/^\d+$/) as string,
      '2020_02': expect.stringMatching(/^\d+$/) as string,
      '2020_04': '',
    });
    // A label without a key is of no row.
    expect(before.unknown).toBe(1);
    expect(await take({ labels: csv('customer,gone', '3,yes', '7,yes', ',yes') })).toEqual({ rows: 5, unknown: 2 });
    expect(await kept()).toEqual([['1', 'yes'], ['2', 'no'], ['3', 'yes'], ['7', 'yes'], ['null', 'yes']]); // prettier-ignore
    const after = await entry();
    expect(after.partitions['2020_01']).toBe(before.partitions['2020_01']);
    expect(after.partitions['2020_02']).not.toBe(before.partitions['2020_02']);
    expect(after.partitions['2020_04']).toBe('');
    await take({ labels: csv('customer,gone', '5,no') });
    expect((await entry()).partitions).toEqual({ ...after.partitions, '2020_04': expect.stringMatching(/^\d+$/) });
  });

  test('is all that is known where it is to replace it', async () => {
    const path = csv('customer,gone', '1,yes', '2,no');
    await take({ labels: csv('customer,gone', '3,no') });
    expect(await take({ labels: path })).toMatchObject({ rows: 3 });
    expect(await labelsAreTaken(pipeline, datamart(), { labels: path, replace: true })).toBe(false);
    expect(await take({ labels: path, replace: true })).toEqual({ rows: 2, unknown: 0 });
    expect(await labelsAreTaken(pipeline, datamart(), { labels: path })).toBe(true);
  });

  test('is all that is known where other columns are kept than before', async () => {
    const path = csv('customer,gone,left', '1,yes,a', '2,no,b');
    await take({ labels: csv('customer,gone', '3,no') });
    await take({ labels: path }, definition({ labelSource: { column: 'left' } }));
    expect(await kept()).toEqual([
      ['1', 'a'],
      ['2', 'b'],
    ]);
    const typed = definition({ labelSource: { column: 'left' }, source: { columns: { id: 'VARCHAR' } } });
    expect(await labelsAreTaken(typed, datamart(), {})).toBe(false);
    expect(await labelsAreTaken(definition({ labelSource: { column: 'left' } }), datamart(), {})).toBe(true);
  });

  test('is the one that was read last, where none is named; what is in it already is not read again', async () => {
    const path = csv('customer,gone', '1,yes', '9,no');
    await take({ labels: csv('customer,gone', '3,no') });
    await take({ labels: path });
    expect(await labelsAreTaken(pipeline, datamart(), {})).toBe(true);
    expect(await labelsAreTaken(pipeline, datamart(), { labels: path })).toBe(true);
    expect(await labelsAreTaken(pipeline, datamart(), { labels: csv('customer,gone', '1,yes', '9,no') })).toBe(false);
    const before = await readManifest(datamart(), 'bronze');
    expect(await take()).toEqual({ rows: 3, unknown: 1 });
    expect(await readManifest(datamart(), 'bronze')).toEqual(before);
    writeFileSync(path, 'customer,gone\n1,no\n');
    expect(await labelsAreTaken(pipeline, datamart(), {})).toBe(false);
    expect(await take()).toEqual({ rows: 3, unknown: 1 });
    expect((await kept())[0]).toEqual(['1', 'no']);
    rmSync(path);
    expect(await labelsAreTaken(pipeline, datamart(), {})).toBe(false);
  });

  test('is sought among the rows anew where these changed', async () => {
    const path = csv('customer,gone', '1,yes', '9,no');
    expect(await take({ labels: path })).toEqual({ rows: 2, unknown: 1 });
    const { object } = await entry();
    const labels = await entry();
    await tables.partition('2020_04', `SELECT 9 AS id`, 'bronze');
    // The manifest without the labels is that of the helper: put them back.
    await writeJson(datamart(), 'bronze/manifest.json', { ...(await readManifest(datamart(), 'bronze')), labels });
    expect(await labelsAreTaken(pipeline, datamart(), {})).toBe(false);
    expect(await take()).toEqual({ rows: 2, unknown: 0 });
    expect((await entry()).object).toEqual(object);
    expect((await entry()).partitions['2020_04']).not.toBe('');
  });

  test.each(['lost', 'changed'])('says how to get back what is known where that is %s', async (damage) => {
    const path = csv('customer,gone', '1,yes');
    await take({ labels: csv('customer,gone', '2,yes') });
    await take({ labels: path });
    const { key } = (await entry()).object;
    const lost = fileURLToPath(datamart().uri(key));
    if (damage === 'lost') rmSync(lost);
    else writeFileSync(lost, 'PAR1');
    expect(await labelsAreTaken(pipeline, datamart(), {})).toBe(false);
    const told = {
      type: 'ObjectCorrupt',
      message: `${datamart().uri(key)}, which held the labels, is gone or not what was written; give a file that has all of them and ask to replace (--replace, or "replace": true).`,
      cause: { type: damage === 'lost' ? 'NotFound' : 'ObjectCorrupt' },
    };
    await expect(take()).rejects.toMatchObject(told);
    await expect(take({ labels: csv('customer,gone', '3,yes') })).rejects.toMatchObject(told);
    await expect(openLabelsTable(await opened, datamart(), await entry())).rejects.toMatchObject(told);
    expect(await take({ labels: path, replace: true })).toEqual({ rows: 1, unknown: 0 });
  });

  test('does not take for lost what can not be looked at just now', async () => {
    await take({ labels: csv('customer,gone', '2,yes') });
    const path = fileURLToPath(datamart().uri((await entry()).object.key));
    rmSync(path);
    // A link to itself can't be opened, as a disk that is away.
    symlinkSync(path, path);
    await expect(openLabelsTable(await opened, datamart(), await entry())).rejects.toMatchObject({
      type: 'StoreUnavailable',
    });
  });
});

describe('labels are refused', () => {
  beforeEach(() => tables.partition('all', ROWS, 'bronze'));
  const both = definition({ labels: { ...ON, on: { id: 'customer', place: 'at "home"' } } });
  const sql = definition({ labelSource: { sql: 'a > b' } });

  test.each<[string, typeof pipeline, string[], string]>([
    ['of one key', pipeline, ['customer,gone', '2,yes', '2,no'], 'customer 2 (no and yes); leave'],
    [
      'of several keys, by the first of them',
      pipeline,
      ['customer,gone', '3,a', '3,b', '2,c', '2,d', '1,a', '4,a', '4,b'],
      'customer 2 (c and d) and of 2 other keys; leave',
    ],
    [
      'of two keys',
      pipeline,
      ['customer,gone', '3,a', '3,b', '2,c', '2,d'],
      'customer 2 (c and d) and of 1 other key; leave',
    ],
    [
      'of a key of two columns, one of them absent',
      both,
      ['customer,"at ""home""",gone', '2,,yes', '2,,no', '2,x,yes'],
      'customer, at "home" 2, nothing (no and yes); leave',
    ],
    ['in a column that is not the first', sql, ['customer,a,b', '2,5,6', '2,5,7'], 'customer 2 (6 and 7); leave'],
  ])('where they say two things %s', async (_, of, lines, told) => {
    const path = csv(...lines);
    await expect(take({ labels: path }, of)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `${path} says more than one thing of ${told} one row of each in the file.`,
    });
    expect(await entry()).toBeUndefined();
  });

  test.each([
    ['the key', 'client,gone', 'customer'],
    ['the label', 'customer,left', 'gone'],
  ])('where the file lacks %s', async (_, header, column) => {
    const path = csv(header, '1,yes');
    await expect(take({ labels: path })).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `${path} lacks the column ${column}; add it or give another file.`,
    });
  });

  test('where the file is torn', async () => {
    const lines = Array.from({ length: 30_000 }, (_, i) => `${i},no`);
    const path = csv('customer,gone', ...lines, '1,no,more');
    await expect(take({ labels: path })).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `Line 30002 of ${path} has 3 values where the header names 2 columns, so the file may be torn; fetch it again or correct the line.`,
    });
  });

  test('where the file has nothing but keys', async () => {
    const path = csv('customer', '2');
    await expect(take({ labels: path }, sql)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `${path} has no column beside customer; give a file that has the labels too.`,
    });
  });

  test('where rows lack a column that they are joined on', async () => {
    await expect(take({ labels: csv('customer,"at ""home""",gone', '2,x,no') }, both)).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message:
        '"labels.on" of pipeline.json names place, which the rows don\'t have (they have id, x); name columns of the source.',
    });
  });
});
