import { afterAll, describe, expect, test } from 'vitest';
import { readParquetSql, withDuckDb, type SqlValue } from '../../src/data/duckdb.js';
import { featureStoreFiles, readManifest } from '../../src/data/layers.js';
import { RESOURCES } from '../support/medallion.js';
import { createShortPipeline, type ShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());

const DEFINITION = { source: 'table.csv', key: 'id', time: 'day', partition: 'month', label: 'bought' };
const FIRST = [
  'id;day;town;cost;rooms;bought',
  '1;31.01.2024;Köln;1,5;NA;yes',
  '2;02.01.2024;none;-0,25;3;no',
  '3;03.01.2024;Aachen;;none;yes',
].join('\n');

async function gold(
  { stores }: ShortPipeline,
  columns = 'id::INT AS id, CAST(snapshot_date AS VARCHAR) AS day, town, cost, rooms::INT AS rooms',
): Promise<Record<string, SqlValue>[]> {
  const paths = (await featureStoreFiles(stores)).map(({ path }) => path);
  return withDuckDb(
    { resources: RESOURCES, scratch: temporaryFolder(), signal: new AbortController().signal },
    (database) => database.rows(`SELECT ${columns} FROM ${readParquetSql(paths)} ORDER BY id`),
  );
}
const FIRST_ROWS = [
  { id: 1, day: '2024-01-31', town: 'Köln', cost: 1.5, rooms: null },
  // "none" is a town here, and no number of rooms.
  { id: 2, day: '2024-01-02', town: 'none', cost: -0.25, rooms: 3 },
  { id: 3, day: '2024-01-03', town: 'Aachen', cost: null, rooms: null },
];

describe('a later file that is written otherwise than the first', () => {
  async function after(second: string | Uint8Array): Promise<Record<string, SqlValue>[]> {
    const pipeline = await createShortPipeline(engines, folder, DEFINITION);
    await pipeline.process(Buffer.from(FIRST, 'latin1'));
    expect(await gold(pipeline)).toEqual(FIRST_ROWS);
    const before = (await readManifest(pipeline.stores.datamart, 'bronze')).partitions['2024_01'];
    await pipeline.process(second);
    // What was read before is neither made anew nor refused for it.
    expect((await readManifest(pipeline.stores.datamart, 'bronze')).partitions['2024_01']).toEqual(before);
    return (await gold(pipeline)).slice(FIRST_ROWS.length);
  }

  test('is read by its own separator, encoding, decimal sign, dates and texts for what is not known', async () => {
    const rows = await after(
      ['id,day,town,cost,rooms,bought', '4,2024-02-05,Köln,2.75,n/a,no', '5,2024-02-06,none,-,4,yes'].join('\n'),
    );
    expect(rows).toEqual([
      { id: 4, day: '2024-02-05', town: 'Köln', cost: 2.75, rooms: null },
      { id: 5, day: '2024-02-06', town: 'none', cost: null, rooms: 4 },
    ]);
  });

  test('is read as the first where it does not show how it writes dates or fractions', async () => {
    const rows = await after('id;day;town;cost;rooms;bought\n4;05.02.2024;Bonn;1,250;2;no\n5;06.02.2024;Bonn;3;2;no\n');
    expect(rows).toEqual([
      { id: 4, day: '2024-02-05', town: 'Bonn', cost: 1.25, rooms: 2 },
      { id: 5, day: '2024-02-06', town: 'Bonn', cost: 3, rooms: 2 },
    ]);
  });

  test.each([
    // 1.250 alone may be a thousand, which beside 12.5 it is not.
    ['has points for decimal signs where its numbers show it', '12.5', 1.25],
    ['has points between thousands where none of its numbers shows another meaning', '3', 1250],
  ])('%s, after one with decimal commas and points', async (_, other, cost) => {
    const pipeline = await createShortPipeline(engines, folder, DEFINITION);
    await pipeline.process('id;day;cost;bought\n1;2024-01-31;1.234,5;yes\n2;2024-01-02;0,5;no\n');
    await pipeline.process(`id,day,cost,bought\n4,2024-02-05,1.250,no\n5,2024-02-06,${other},yes\n`);
    expect(await gold(pipeline, 'id::INT AS id, cost')).toEqual([
      { id: 1, cost: 1234.5 },
      { id: 2, cost: 0.5 },
      { id: 4, cost },
      { id: 5, cost: Number(other) },
    ]);
  });

  test('is read in the same way again, when a day of it has come that had not', async () => {
    const pipeline = await createShortPipeline(engines, folder, DEFINITION);
    await pipeline.process('id;day;cost;bought\n1;31.01.2024;1.234,5;yes\n2;02.01.2024;0,5;no\n', {
      asOf: '2024-01-31',
    });
    const second = 'id,day,cost,bought\n4,2024-02-05,1.250,no\n5,2024-03-06,12.5,yes\n';
    await pipeline.process(second, { asOf: '2024-02-29' });
    await pipeline.process(second, { asOf: '2024-03-31' });
    expect(await gold(pipeline, 'id::INT AS id, cost')).toEqual([
      { id: 1, cost: 1234.5 },
      { id: 2, cost: 0.5 },
      { id: 4, cost: 1.25 },
      { id: 5, cost: 12.5 },
    ]);
  });

  test('is refused with the line where a value is of another type', async () => {
    await expect(after('id;day;town;cost;rooms;bought\n4;05.02.2024;Bonn;cheap;2;no\n')).rejects.toThrow(
      /^Line 2 of .*table\.csv holds "cheap" in the column cost, where a number is expected; correct it and run again\.$/,
    );
  });

  test('is refused where a whole number has become a fraction, and taken where it is to replace what was read', async () => {
    const pipeline = await createShortPipeline(engines, folder, DEFINITION);
    const rows = 'id;day;rooms;bought\n1;2024-01-31;3;yes\n2;2024-02-01;4;no\n';
    await pipeline.process(rows);
    const other = rows.replace(';4;', ';4.5;');
    await expect(pipeline.process(other)).rejects.toThrow(
      /^Line 3 of .*table\.csv holds "4\.5" in the column rooms, where a whole number is expected; correct it, or give a file that has all rows and ask to replace what was read \(--replace, or "replace": true\), in which the type of the column is found anew\.$/,
    );
    await pipeline.process(other, { replace: true });
    expect(await gold(pipeline, 'id::INT AS id, rooms')).toEqual([
      { id: 1, rooms: 3 },
      { id: 2, rooms: 4.5 },
    ]);
  });

  test('is refused where it lacks a column', async () => {
    await expect(after('id;day;town;rooms;bought\n4;05.02.2024;Bonn;2;no\n')).rejects.toThrow(/lacks the column cost/);
  });
});

/** Python: bytes(b for b in range(0x80, 0xa0) if b not in (0x81, 0x8d, 0x8f, 0x90, 0x9d)).decode('cp1252') */
const ONLY_WINDOWS = '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ';
const BYTES = Array.from({ length: 0x20 }, (_, i) => 0x80 + i).filter(
  (byte) => ![0x81, 0x8d, 0x8f, 0x90, 0x9d].includes(byte),
);

describe.each<[string, (text: string) => Buffer]>([
  ['utf-8', (text) => Buffer.from(text)],
  ['utf-16le', (text) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
  ['utf-16be', (text) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()],
  ['windows-1252', (text) => Buffer.from(text.replaceAll(ONLY_WINDOWS, String.fromCharCode(...BYTES)), 'latin1')],
])('a file in %s', (_encoding, encoded) => {
  test.each(['\n', '\r\n'])(
    'has its characters, in the names of columns as well, with lines that end in %j',
    async (end) => {
      const pipeline = await createShortPipeline(engines, folder, { source: 'table.csv', key: 'id', label: 'bought' });
      await pipeline.process(
        encoded(`id,${ONLY_WINDOWS},bought\n1,ü${ONLY_WINDOWS},yes\n2,é,no\n`.replaceAll('\n', end)),
      );
      expect(await gold(pipeline, `"${ONLY_WINDOWS}" AS text`)).toEqual([{ text: `ü${ONLY_WINDOWS}` }, { text: 'é' }]);
    },
  );
});
