import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Pipeline } from '../../src/config/load.js';
import type { SourceReading } from '../../src/data/csv.js';
import { layerManifest, manifestKey, type SourceEntry } from '../../src/data/layers.js';
import { completed, openLabels, openSource, withReading } from '../../src/data/sourceReading.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { RESOURCES } from '../support/medallion.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const folder = temporaryFolder(afterAll);
const context = () => ({
  resources: RESOURCES,
  scratch: mkdtempSync(join(folder, 'scratch-')),
  signal: new AbortController().signal,
  report: () => {},
});
let files = 0;
function csv(text: string, encoding: BufferEncoding = 'utf8'): string {
  const path = join(folder, `${files++}.csv`);
  writeFileSync(path, text, encoding);
  return path;
}

function pipelineOf(findsColumns: boolean, { by = 'month', null_values = [] as string[] } = {}): Pipeline {
  const columns = findsColumns ? {} : { id: 'BIGINT', day: 'DATE' };
  const source = { file: 'a.csv', columns, null_values, findsColumns };
  return { definition: { source, partition: { by }, label: 'y' }, folder } as unknown as Pipeline;
}
const lastOf = (reading?: SourceReading): SourceEntry => ({
  checksum: 'c',
  sql: 's',
  ...(reading && { reading }),
  lastDay: '2020-01-31',
  through: '2020-01-31',
  partitions: ['2020_01'],
});

describe('the columns of a source', () => {
  const reading: SourceReading = { columns: { x: 'DOUBLE' }, null_values: ['?'], delimiter: ';' };

  test('are those that were found in it, where pipeline.json leaves them to it', async () => {
    const open = pipelineOf(true, { null_values: ['no'] });
    const { source } = open.definition;
    expect(withReading(open, reading)).toEqual({
      ...open,
      definition: { ...open.definition, source: { ...source, columns: { x: 'DOUBLE' }, null_values: ['?'] } },
    });
    expect(withReading(open, undefined)).toBe(open);
    const written = pipelineOf(false);
    expect(withReading(written, reading)).toBe(written);

    const store = new FolderStore(mkdtempSync(join(folder, 'store-')));
    expect(await completed(open, store)).toBe(open);
    await layerManifest.write(store, manifestKey('bronze'), { partitions: {}, source: lastOf(reading) });
    expect((await completed(open, store)).definition.source.columns).toEqual({ x: 'DOUBLE' });
    // Nothing is looked up where they are written.
    await store.put(manifestKey('bronze'), 'damaged');
    expect(await completed(written, store)).toBe(written);
    await expect(completed(open, store)).rejects.toMatchObject({ type: 'ObjectCorrupt' });
  });
});

describe('a source', () => {
  const open = (
    pipeline: Pipeline,
    path: string,
    { last, isLast = false, replace = false }: { last?: SourceEntry; isLast?: boolean; replace?: boolean } = {},
  ) => openSource(context(), pipeline, path, last, { isLast, replace });
  const TEXT = 'id;day;cost;city\n1;31.01.2020;2,5;NA\n2;01.02.2020;none;Bonn\n';
  const OWN: SourceReading = {
    columns: { id: 'BIGINT', day: 'DATE', cost: 'DOUBLE', city: 'VARCHAR' },
    null_values: ['NA'],
    no_numbers: ['none'],
    delimiter: ';',
    quote: '"',
    encoding: 'utf-8',
    date_format: '%d.%m.%Y',
    decimal: ',',
  };
  const EARLIER: SourceReading = {
    columns: { id: 'BIGINT', day: 'DATE', cost: 'DOUBLE', city: 'VARCHAR' },
    null_values: ['?', 'NA'],
    no_numbers: ['-'],
    delimiter: ',',
    quote: '"',
    encoding: 'windows-1252',
    number_signs: true,
  };

  test('is read by the columns that are written', async () => {
    const path = csv('day,id,more\n2020-01-31,1,x\n');
    const { path: local, ...opened } = await open(pipelineOf(false, { null_values: ['no'] }), path, {
      last: lastOf(EARLIER),
      isLast: true,
    });
    expect(opened).toEqual({
      header: { columns: ['day', 'id', 'more'], newLine: '\n', encoding: 'utf-8' },
      reading: { columns: { id: 'BIGINT', day: 'DATE' }, null_values: ['no'] },
    });
    expect(readFileSync(local, 'utf8')).toBe(readFileSync(path, 'utf8'));
    await expect(open(pipelineOf(false), csv('id\n1\n'))).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringContaining('lacks the column day') as string,
    });
  });

  test('says itself how it is read, beside the texts for what is not known that are written', async () => {
    const { header, reading, found } = await open(pipelineOf(true, { null_values: ['NA', 'no'] }), csv(TEXT));
    expect(header.columns).toEqual(['id', 'day', 'cost', 'city']);
    expect(reading).toEqual({ ...OWN, null_values: ['NA', 'no'] });
    expect(found).toEqual(reading);
    const first = await open(pipelineOf(true), csv(TEXT), { last: lastOf() });
    expect(first.found).toEqual(OWN);
  });

  test('is read in UTF-8 by its byte order mark, where its columns are written', async () => {
    const path = csv('\uFEFFid,day\r\n1,2020-01-31\r\n', 'utf16le');
    const { path: local, header } = await open(pipelineOf(false), path);
    expect(header).toEqual({ columns: ['id', 'day'], newLine: '\r\n', encoding: 'utf-16le' });
    expect(readFileSync(local, 'utf8')).toBe('id,day\r\n1,2020-01-31\r\n');
  });

  test('is read in UTF-8, whatever it is written in', async () => {
    const { path, reading } = await open(pipelineOf(true), csv('id,city\n1,Köln\n', 'latin1'));
    expect(reading.encoding).toBe('windows-1252');
    expect(readFileSync(path, 'utf8')).toBe('id,city\n1,Köln\n');
  });

  test('that was read before is not looked at again', async () => {
    const columns: SourceReading = { ...OWN, decimal: ',', delimiter: '|' };
    const { date_format: _, ...known } = { ...OWN, null_values: ['none'] };
    const last = { ...lastOf(columns), own: known };
    const { reading, found } = await open(pipelineOf(true), csv(TEXT), { last, isLast: true });
    expect(reading).toEqual(known);
    expect(found).toEqual(columns);
    // To replace all, it is looked at by itself; and so is one that an earlier release read.
    const anew = await open(pipelineOf(true), csv(TEXT), { last, isLast: true, replace: true });
    expect([anew.reading, anew.found]).toEqual([OWN, OWN]);
    const earlier = await open(pipelineOf(true), csv(TEXT), { last: lastOf(columns), isLast: true });
    expect([earlier.reading, earlier.found]).toEqual([OWN, columns]);
  });

  test('that comes after another has the columns of that, and its own way of writing them', async () => {
    const { reading, found } = await open(pipelineOf(true), csv(TEXT), { last: lastOf(EARLIER) });
    expect(found).toEqual(EARLIER);
    expect(reading).toEqual({
      ...OWN,
      null_values: ['?', 'NA'],
      no_numbers: ['-', 'none'],
      number_signs: true,
    });
    const { no_numbers: _, ...older } = EARLIER;
    expect((await open(pipelineOf(true), csv(TEXT), { last: lastOf(older) })).reading.no_numbers).toEqual(['none']);
    const lacking = open(pipelineOf(true), csv('id;day;cost\n1;31.01.2020;2,5\n'), { last: lastOf(EARLIER) });
    await expect(lacking).rejects.toThrow(/lacks the column city/);
  });

  test.each([
    ['all partitions are replaced', { replace: true }, {}],
    ['there is one partition, which it is the whole of', {}, { by: 'none' }],
  ])('is read as the first where %s', async (_, more, partition) => {
    const { reading, found } = await open(pipelineOf(true, partition), csv(TEXT), { last: lastOf(EARLIER), ...more });
    expect([reading, found]).toEqual([OWN, OWN]);
  });

  test('that names no column of its own is refused', async () => {
    const path = csv('filename,file_row_number\na,1\n');
    await expect(open(pipelineOf(true), path)).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `${path} names no column in its header; give a CSV with a header line.`,
    });
  });
});

describe('a file of labels', () => {
  test('is read by its own columns, of which some have the types of the source', async () => {
    const { path, header, reading } = await openLabels(
      context(),
      csv('customer;gone;größe\n01;yes;2\n', 'latin1'),
      ['customer', 'gone'],
      { customer: 'VARCHAR', other: 'BIGINT' },
    );
    expect(header.columns).toEqual(['customer', 'gone', 'größe']);
    expect(reading).toMatchObject({
      columns: { customer: 'VARCHAR', gone: 'VARCHAR', größe: 'BIGINT', other: 'BIGINT' },
      delimiter: ';',
      null_values: [],
    });
    expect(readFileSync(path, 'utf8')).toBe('customer;gone;größe\n01;yes;2\n');
  });

  test('is refused where it lacks a column', async () => {
    await expect(openLabels(context(), csv('a,b\n1,2\n'), ['a', 'c'], {})).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringMatching(/lacks the column c/) as string,
    });
  });
});
