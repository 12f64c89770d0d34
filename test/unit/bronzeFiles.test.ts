import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Pipeline } from '../../src/config/load.js';
import { bronzeFiles, manifestOfBronzeFiles } from '../../src/data/bronzeFiles.js';
import { literal, withDuckDb } from '../../src/data/duckdb.js';
import { findDuplicates, knownDuplicates, withoutDuplicatesSql } from '../../src/data/duplicates.js';
import { layerManifest, manifestKey, type LayerManifest } from '../../src/data/layers.js';
import { PerdureError } from '../../src/errors.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { RESOURCES } from '../support/medallion.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const folder = temporaryFolder(afterAll);
let store: FolderStore;
beforeEach(() => {
  store = new FolderStore(mkdtempSync(join(folder, 'store-')));
});
const context = () => ({
  resources: RESOURCES,
  scratch: mkdtempSync(join(folder, 'scratch-')),
  signal: new AbortController().signal,
  report: () => {},
});

const pipelineOf = (column: string | undefined = 'day', keys = ['id'], columns = ['id', 'city']) =>
  ({
    definition: {
      source: { columns: Object.fromEntries(columns.map((name) => [name, 'VARCHAR'])) },
      keys,
      partition: { column, by: column === undefined ? 'none' : 'month' },
      layers: { bronze: { path: 'bronze/visits_{partition}.parquet' } },
    },
  }) as unknown as Pipeline;
const keyOf = (name: string) => `bronze/visits_${name}.parquet`;
/** A row of a bronze file. */
type Row = [day: string | null, id: number, city: string];

/** Writes files of bronze; without a manifest. */
async function put(partitions: Record<string, Row[]>, dayColumn = 'day'): Promise<LayerManifest['partitions']> {
  const entries: LayerManifest['partitions'] = {};
  await withDuckDb(context(), async (database) => {
    for (const [name, rows] of Object.entries(partitions)) {
      const path = join(mkdtempSync(join(folder, 'made-')), 'a.parquet');
      const values = rows.map(([day, id, city]) => `(${day === null ? 'NULL' : `DATE '${day}'`}, ${id}, '${city}')`);
      await database.run(
        `COPY (SELECT * FROM (VALUES ${values.join(', ')}) AS t (${dayColumn}, id, city)) TO ${literal(path)} (FORMAT parquet)`,
      );
      const { checksum, size } = await store.upload(path, keyOf(name));
      entries[name] = {
        inputs: 'r',
        objects: [{ table: 'bronze', key: keyOf(name), checksum, size, rows: rows.length }],
      };
    }
  });
  return entries;
}

describe("bronze's files, where no manifest tells of them", () => {
  test('are those that are called as partitions', async () => {
    for (const key of [
      keyOf('2020_02'),
      keyOf('2020_01'),
      keyOf('2020_13'),
      `${keyOf('2020_03')}.old`,
      'bronze/visits_2020_04.csv',
      'bronze/other_2020_05.parquet',
      'silver/visits_2020_06.parquet',
    ])
      await store.put(key, key);
    expect(await bronzeFiles(pipelineOf(), store)).toEqual(
      ['2020_01', '2020_02'].map((name) => ({ name, key: keyOf(name), size: keyOf(name).length })),
    );
  });

  test('tell the manifest, but for what is damaged or has no days', async () => {
    const rows: Row[] = [
      ['2020-01-05', 1, 'Bonn'],
      ['2020-01-31', 2, 'Bonn'],
      ['2020-01-07', 3, 'Ulm'],
    ];
    const entries = await put({ '2020_01': rows, '2020_02': [[null, 4, 'Bonn']] }, 'Day');
    await put({ '2020_03': [['2020-03-01', 5, 'Bonn']] }, 'date');
    await store.put(keyOf('2020_04'), 'PAR1 and no more than that');
    expect(await manifestOfBronzeFiles(context(), pipelineOf(), store, 'r')).toEqual({
      partitions: { '2020_01': { ...entries['2020_01'], lastDay: '2020-01-31' }, '2020_02': entries['2020_02'] },
    });
  });

  test('of rows without days tell the rows alone', async () => {
    const entries = await put({ all: [['2020-01-31', 1, 'Bonn']] });
    const pipeline = pipelineOf();
    pipeline.definition.partition = { column: undefined, by: 'none' };
    expect(await manifestOfBronzeFiles(context(), pipeline, store, 'r')).toEqual({ partitions: entries });
  });

  test('that go meanwhile are left out; a failure is one', async () => {
    await put({ '2020_01': [['2020-01-31', 1, 'Bonn']] });
    const local = vi.spyOn(store, 'localFile');
    local.mockRejectedValueOnce(new PerdureError('NotFound', 'It is gone.'));
    expect(await manifestOfBronzeFiles(context(), pipelineOf(), store, 'r')).toEqual({ partitions: {} });
    for (const failure of [new PerdureError('StoreUnavailable', 'The store is away.'), new Error('no')]) {
      local.mockRejectedValueOnce(failure);
      await expect(manifestOfBronzeFiles(context(), pipelineOf(), store, 'r')).rejects.toBe(failure);
    }
  });
});

describe('rows of bronze that repeat an earlier one', () => {
  /** Of January two are repeated there, and one in February, where another has the key alone. */
  const ROWS: Record<string, Row[]> = {
    '2020_02': [
      ['2020-02-01', 2, 'Ulm'],
      ['2020-02-02', 2, 'Bonn'],
      ['2020-02-03', 3, 'Bonn'],
    ],
    '2020_01': [
      ['2020-01-01', 1, 'Bonn'],
      ['2020-01-02', 1, 'Bonn'],
      ['2020-01-03', 2, 'Ulm'],
      ['2020-01-04', 1, 'Bonn'],
    ],
  };
  const written = async (partitions = ROWS) => {
    const entries = await put(partitions);
    await layerManifest.write(store, manifestKey('bronze'), { partitions: entries });
    return entries;
  };
  const md5 = async (text: string) =>
    withDuckDb(context(), async (database) => (await database.rows(`SELECT md5(${literal(text)}) AS m`))[0]!.m);

  test.each([
    ['by a key of the source', pipelineOf('day', ['id'])],
    ['by a key that the queries make', pipelineOf('day', ['visit'])],
    ['by one of each', pipelineOf('day', ['id', 'visit'])],
  ])('are found over all partitions, and the earlier one stays: %s', async (_, pipeline) => {
    await written();
    const { partitions, file } = await findDuplicates(context(), pipeline, store);
    expect(partitions).toEqual({
      '2020_01': { rows: 2, digest: await md5('1,3') },
      '2020_02': { rows: 1, digest: await md5('0') },
    });
    expect(file!.key).toBe('silver/duplicates.parquet');
    const left = async (name: string) => {
      const path = fileURLToPath(store.uri(keyOf(name)));
      const sql = await withoutDuplicatesSql(store, { inputs: '', file: file!, partitions }, name, path);
      const rows = await withDuckDb(context(), (database) =>
        database.rows(`SELECT CAST(day AS VARCHAR) AS day, * EXCLUDE (day) FROM (${sql})`),
      );
      return rows.map(Object.values);
    };
    const keptOf = (name: string, ...numbers: number[]) => numbers.map((number) => ROWS[name]![number]);
    expect([await left('2020_01'), await left('2020_02')]).toEqual([keptOf('2020_01', 0, 2), keptOf('2020_02', 1, 2)]);
  });

  test('are sought anew only where bronze, its columns or the keys are others', async () => {
    const pipeline = pipelineOf();
    await written();
    expect((await knownDuplicates(pipeline, store)).known).toBeUndefined();
    await layerManifest.write(store, manifestKey('silver'), {
      partitions: { '2020_01': { inputs: 'i', objects: [] } },
    });
    const found = await findDuplicates(context(), pipeline, store);
    const { partitions, duplicates } = (await layerManifest.read(store, manifestKey('silver')))!;
    // What silver has stays.
    expect([partitions, duplicates]).toEqual([{ '2020_01': { inputs: 'i', objects: [] } }, found]);
    expect(await knownDuplicates(pipeline, store)).toEqual({ inputs: found.inputs, known: found });
    const upload = vi.spyOn(store, 'upload');
    expect(await findDuplicates(context(), pipeline, store)).toEqual(found);
    expect(upload).not.toHaveBeenCalled();
    upload.mockRestore();

    for (const other of [pipelineOf('day', ['id', 'day']), pipelineOf('day', ['id'], ['id'])])
      expect((await knownDuplicates(other, store)).known).toBeUndefined();
    await written({ ...ROWS, '2020_01': ROWS['2020_01']!.slice(1) });
    const { known, inputs } = await knownDuplicates(pipeline, store);
    expect([known, inputs === found.inputs]).toEqual([undefined, false]);
    const { partitions: next } = await findDuplicates(context(), pipeline, store);
    expect(next['2020_01']!.rows).toBe(1);
  });

  test.each(['lost', 'damaged'])('are sought anew where the file of them is %s', async (damage) => {
    const pipeline = pipelineOf();
    await written();
    const found = await findDuplicates(context(), pipeline, store);
    const { key, checksum } = found.file!;
    if (damage === 'lost') await store.delete(key);
    else await store.put(key, 'damaged');
    expect(await knownDuplicates(pipeline, store)).toEqual({ inputs: found.inputs });
    expect(await findDuplicates(context(), pipeline, store)).toEqual(found);
    expect(await store.isChanged(key, checksum)).toBe(false);
    expect(await store.head(key)).toBeDefined();
  });

  test('may be none, also in a silver whose manifest is damaged', async () => {
    await written({ '2020_01': ROWS['2020_01']!.slice(1, 3) });
    await store.put(manifestKey('silver'), 'damaged');
    const none = await findDuplicates(context(), pipelineOf(), store);
    expect(none).toEqual({ inputs: none.inputs, partitions: {} });
    expect(await layerManifest.read(store, manifestKey('silver'))).toEqual({ partitions: {}, duplicates: none });
    const path = "/it's/a.parquet";
    const plain = "SELECT * FROM read_parquet(['/it''s/a.parquet'], hive_partitioning = false)";
    for (const duplicates of [none, undefined])
      expect(await withoutDuplicatesSql(store, duplicates, '2020_01', path)).toBe(plain);
    // None of this partition, where others have some.
    const others = { ...none, file: { key: 'k', checksum: 'c' }, partitions: { '2020_02': { rows: 1, digest: 'd' } } };
    expect(await withoutDuplicatesSql(store, others, '2020_01', path)).toBe(plain);
  });
});
