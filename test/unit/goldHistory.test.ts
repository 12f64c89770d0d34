import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Pipeline } from '../../src/config/load.js';
import { literal, readParquetSql, withDuckDb, type Database } from '../../src/data/duckdb.js';
import { checksumsAsOf, goldFilesAsOf, partitionsAsOf } from '../../src/data/goldAsOf.js';
import {
  arrivalOf,
  beginning,
  formerRowsSql,
  historyKey,
  standsAt,
  withHistory,
  type Transition,
} from '../../src/data/goldHistory.js';
import {
  layerManifest,
  manifestKey,
  type LayerManifest,
  type PartitionEntry,
  type StoredTable,
} from '../../src/data/layers.js';
import type { BuiltTable } from '../../src/data/layerWriter.js';
import { sha256 } from '../../src/platform/storage/checksum.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { RESOURCES } from '../support/medallion.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const folder = temporaryFolder(afterAll);
let store: FolderStore;
let scratch: string;
beforeEach(() => {
  store = new FolderStore(mkdtempSync(join(folder, 'store-')));
  scratch = mkdtempSync(join(folder, 'scratch-'));
});

const pipelineOf = (keep_days = 100) =>
  ({
    definition: {
      keys: ['id', 'sub'],
      history: { keep_days },
      layers: {
        feature_store: { path: 'gold/features_{partition}.parquet' },
        label_store: { path: 'gold/labels_{partition}.parquet' },
      },
    },
  }) as unknown as Pipeline;
const withDatabase = <T>(work: (database: Database) => Promise<T>) =>
  withDuckDb({ resources: RESOURCES, scratch, signal: new AbortController().signal }, work, { threads: 1 });
const NAME = '2020_01';
/** Midnight of a day in March. */
const march = (day: number) => `2020-03-${String(day).padStart(2, '0')}T00:00:00.000Z`;

describe('moments', () => {
  test('of a day begin with it for what arrives, and end with it for what is seen', () => {
    expect(new Date(arrivalOf('2020-03-01')).toISOString()).toBe(march(1));
    expect(new Date(standsAt('2020-03-01')).toISOString()).toBe('2020-03-01T23:59:59.999Z');
    expect(new Date(standsAt('2020-03-01T12:30:00Z')).toISOString()).toBe('2020-03-01T12:30:00.000Z');
    expect(new Date(arrivalOf('2020-03-01T12:30:00+02:00')).toISOString()).toBe('2020-03-01T10:30:00.000Z');
  });

  test('of the first processing are kept once', () => {
    expect(beginning({ partitions: {} }, '2020-03-01', [NAME])).toEqual({
      began: { at: march(1), partitions: [NAME] },
    });
    expect(beginning({ partitions: {}, began: { at: march(1), partitions: [] } }, '2020-03-02', [NAME])).toEqual({});
    // One that was begun before that was noted.
    expect(beginning({ partitions: { [NAME]: { inputs: 'i', objects: [] } } }, '2020-03-02', [NAME])).toEqual({});
  });

  test('a history lies beside its table, in one of two files', () => {
    expect(historyKey('gold/f_{partition}.parquet', NAME, 'a')).toBe('gold/f_history_2020_01_a.parquet');
    expect(historyKey('gold/f_{partition}.parquet', NAME, 'b')).toBe('gold/f_history_2020_01_b.parquet');
  });
});

type Row = [id: number, sub: string, value: number | null];
type Table = 'feature_store' | 'label_store';
const valuesOf = (rows: Row[], column = 'value') =>
  `SELECT CAST(id AS BIGINT) AS id, sub, CAST(v AS BIGINT) AS ${column} FROM (VALUES ${rows.map(([id, sub, value]) => `(${id}, '${sub}', ${value ?? 'NULL'})`).join(', ')}) AS t (id, sub, v)`;

/** A table as the layer's SQL gives it. */
async function built(database: Database, table: Table, rows: Row[], column?: string): Promise<BuiltTable> {
  const path = join(mkdtempSync(join(scratch, 'made-')), 'made.parquet');
  await database.run(`COPY (${valuesOf(rows, column)}) TO ${literal(path)} (FORMAT parquet)`);
  return {
    table,
    key: pipelineOf().definition.layers[table].path.replace('{partition}', NAME),
    path,
    rows: rows.length,
  };
}
async function stored({ table, key, path, rows }: BuiltTable): Promise<StoredTable> {
  const size = readFileSync(path).length;
  const { checksum } = await store.upload(path, key);
  return { table, key, checksum, size, rows };
}
const pathOf = ({ key }: StoredTable) => fileURLToPath(store.uri(key));
const rowsOf = async (database: Database, sql: string) =>
  (await database.rows<Record<string, bigint | string | null>>(sql)).map((row) =>
    Object.values(row).map((value) => (typeof value === 'bigint' ? Number(value) : value)),
  );

const ROWS: Row[] = [
  [3, 'a', 30],
  [1, 'a', 10],
  [1, 'b', null],
];
const LABELS: Row[] = [[1, 'a', 0]];

describe('what is written of a partition', () => {
  /** As {@link withHistory} says; by default a partition that is there, of rows that stay. */
  async function written(
    database: Database,
    change: Partial<Omit<Transition, 'before' | 'tables'>> & {
      manifest?: Omit<LayerManifest, 'partitions'> & { partitions?: LayerManifest['partitions'] };
      entry?: Partial<PartitionEntry> | null;
      rows?: Row[];
      column?: string;
      keepDays?: number;
      lost?: (object: StoredTable) => boolean;
    } = {},
  ) {
    const { manifest, entry, rows = ROWS, column, keepDays, lost = () => false, ...more } = change;
    const objects = entry?.objects ?? [
      await stored(await built(database, 'feature_store', ROWS)),
      await stored(await built(database, 'label_store', LABELS)),
    ];
    const partitions = {
      ...(entry !== null && { [NAME]: { inputs: 'i', objects, recipe: 'r', ...entry } }),
      ...manifest?.partitions,
    };
    const tables = [await built(database, 'feature_store', rows, column), await built(database, 'label_store', LABELS)];
    const made = await withHistory(database, pipelineOf(keepDays), store, {
      partition: NAME,
      asOf: '2020-03-05',
      recipe: 'r',
      folder: scratch,
      ...more,
      tables,
      before: { manifest: { ...manifest, partitions }, isWhole: (object) => !lost(object) },
    });
    return { made, tables, objects };
  }

  const began = { at: march(1), partitions: ['2020_02'] };
  const other = { '2020_02': { inputs: 'i', objects: [] } };
  test.each<[string, Parameters<typeof written>[1], string | undefined]>([
    ['the first', { manifest: {} }, undefined],
    ['one that comes later', { manifest: { began } }, march(5)],
    [
      'one that the first processing left to a later one',
      { manifest: { began: { ...began, partitions: [NAME] } } },
      undefined,
    ],
    ['another of the moment of the first', { manifest: { began }, asOf: '2020-03-01' }, undefined],
    ['one of a store whose beginning is not known', { manifest: { partitions: other } }, march(5)],
    ['one of a pipeline that keeps no history', { manifest: { began }, keepDays: 0 }, undefined],
  ])('that is new: %s', async (_, change, since) => {
    await withDatabase(async (database) => {
      const { made, tables } = await written(database, { ...change, entry: null });
      expect(made).toEqual({ tables, recipe: 'r', ...(since !== undefined && { since }) });
    });
  });

  test.each<[string, Parameters<typeof written>[1]]>([
    ['of another recipe', { recipe: 's' }],
    ['without one that is kept', { keepDays: 0 }],
    ['of other columns', { rows: [[3, 'a', 31]], column: 'amount' }],
    ['whose file is lost', { rows: [[3, 'a', 31]], lost: ({ table }) => table === 'feature_store' }],
  ])('begins a history anew: %s', async (_, change) => {
    await withDatabase(async (database) => {
      const { made, tables } = await written(database, change);
      expect(made).toEqual({ tables, recipe: change?.recipe ?? 'r', past: { from: march(5) } });
      const later = await written(database, { ...change, entry: { since: march(2) } });
      expect(later.made).toMatchObject({ since: march(2), past: { from: march(5) } });
    });
  });

  test('that changes at the moment of the first processing has nothing before it', async () => {
    await withDatabase(async (database) => {
      const { made, tables } = await written(database, {
        manifest: { began: { at: march(5), partitions: [NAME] } },
        rows: [[3, 'a', 31]],
      });
      expect(made).toEqual({ tables, kept: [], recipe: 'r', announced: true, past: { feature_store: [] } });
    });
  });

  test('that stays as it is keeps its history, but for one that is lost', async () => {
    await withDatabase(async (database) => {
      const { made, tables } = await written(database);
      expect(made).toEqual({ tables, kept: [], recipe: 'r', announced: true });
      const history: StoredTable = { table: 'feature_history', key: 'gold/h', checksum: 'c', size: 1, rows: 1 };
      const objects = [
        await stored(await built(database, 'feature_store', ROWS)),
        await stored(await built(database, 'label_store', LABELS)),
        history,
      ];
      const entry = { objects, since: march(2), past: { from: march(3) } };
      const kept = await written(database, { entry });
      expect(kept.made).toEqual({
        tables: kept.tables,
        kept: [history],
        recipe: 'r',
        since: march(2),
        announced: true,
        past: { from: march(3) },
      });
      const anew = await written(database, { entry, lost: ({ table }) => table === 'feature_history' });
      expect(anew.made).toEqual({ tables: anew.tables, recipe: 'r', since: march(2), past: { from: march(5) } });
    });
  });

  test('that changes has what it was beside it, in another file than before, as long as that is kept', async () => {
    await withDatabase(async (database) => {
      const keys = pipelineOf().definition.keys;
      const second: Row[] = [
        [3, 'a', 31],
        [2, 'z', 20],
        [1, 'b', null],
      ];
      const first = await written(database, { rows: second });
      const [history, features, labels] = first.made.tables as [BuiltTable, BuiltTable, BuiltTable];
      expect(first.made.tables.map(({ table, key }) => [table, key])).toEqual([
        ['feature_history', 'gold/features_history_2020_01_a.parquet'],
        ['feature_store', 'gold/features_2020_01.parquet'],
        ['label_store', 'gold/labels_2020_01.parquet'],
      ]);
      // Two rows that were replaced or taken away, and the keys of two that are new.
      expect(history.rows).toBe(4);
      expect(first.made).toMatchObject({
        announced: true,
        kept: [],
        recipe: 'r',
        past: { feature_store: [{ until: march(5), checksum: first.objects[0]!.checksum }] },
      });
      const at = (moment: string) =>
        rowsOf(database, formerRowsSql(keys, features.path, history.path, Date.parse(moment)));
      expect(await at('2020-03-04T23:59:59.999Z')).toEqual(ROWS);
      expect(await at(march(5))).toEqual(second);

      const objects = [await stored(features), await stored(history), await stored(labels)];
      const past = first.made.past!;
      const third: Row[] = [[3, 'a', 32], ...second.slice(1)];
      const again = (keepDays: number) =>
        written(database, { entry: { objects, past }, rows: third, asOf: '2020-03-10', keepDays });
      const { made } = await again(100);
      const [next, present] = made.tables as [BuiltTable, BuiltTable];
      expect(next.key).toBe('gold/features_history_2020_01_b.parquet');
      const then = (moment: string) =>
        rowsOf(database, formerRowsSql(keys, present.path, next.path, Date.parse(moment)));
      expect([await then(march(4)), await then(march(9)), await then(march(10))]).toEqual([ROWS, second, third]);
      expect(made.past).toEqual({
        feature_store: [...past.feature_store!, { until: march(10), checksum: objects[0]!.checksum }],
      });

      // The moment up to which it is kept is that of the first change: what was before goes.
      const short = (await again(5)).made;
      expect(short.past).toEqual({
        from: march(5),
        feature_store: [{ until: march(10), checksum: objects[0]!.checksum }],
      });
      const [shortHistory, shortPresent] = short.tables as [BuiltTable, BuiltTable];
      expect(
        await rowsOf(database, formerRowsSql(keys, shortPresent.path, shortHistory.path, Date.parse(march(4)))),
      ).toEqual(second);
      const long = (await again(6)).made;
      expect(long.past).not.toHaveProperty('from');
      expect(long.past!.feature_store).toHaveLength(2);
    });
  });
});

describe('gold as of a moment', () => {
  const tableOf = (table: StoredTable['table'], text: string): StoredTable => ({
    table,
    key: `gold/${table}_${text}`,
    checksum: sha256(text),
    size: text.length,
    rows: 1,
  });
  const entryOf = (more: Partial<PartitionEntry> = {}): PartitionEntry => ({
    inputs: 'i',
    objects: [tableOf('feature_store', 'f'), tableOf('label_store', 'l')],
    ...more,
  });
  const write = (partitions: LayerManifest['partitions']) =>
    layerManifest.write(store, manifestKey('gold'), { partitions });
  const YEAR = { from: '2020-01-01', to: '2020-12-31' };

  test('has the partitions that had arrived by the end of the day', async () => {
    await write({
      '2019_12': entryOf(),
      '2020_01': entryOf(),
      '2020_02': entryOf({ since: '2020-03-01T23:59:59.999Z' }),
      '2020_03': entryOf({ since: march(2) }),
    });
    const names = async (asOf: string) =>
      (await partitionsAsOf({ datamart: store }, YEAR, asOf)).map(({ name }) => name);
    expect(await names('2020-03-01')).toEqual(['2020_01', '2020_02']);
    expect(await names('2020-03-01T12:00:00Z')).toEqual(['2020_01']);
    expect(await names(march(2))).toEqual(['2020_01', '2020_02', '2020_03']);
  });

  test('has the checksums of the files that there were, as far back as is known', () => {
    const past = {
      feature_store: [
        { until: march(2), checksum: 'first' },
        { until: march(4), checksum: 'second' },
      ],
    };
    const of = (asOf: string, more = {}) => checksumsAsOf(entryOf({ past: { ...past, ...more } }), asOf).feature_store;
    expect(['2020-03-01', '2020-03-02', '2020-03-03', march(4), '2020-03-04'].map((asOf) => of(asOf))).toEqual([
      'first',
      'second',
      'second',
      sha256('f'),
      sha256('f'),
    ]);
    expect(of('2020-03-01', { from: march(3) })).toBe('second');
    expect(of('2020-03-04', { from: march(3) })).toBe(sha256('f'));
    expect(checksumsAsOf(entryOf({ past }), '2020-03-01')).toEqual({
      feature_store: 'first',
      label_store: sha256('l'),
    });
    expect(checksumsAsOf(entryOf(), '2020-03-01').label_store).toBe(sha256('l'));
  });

  describe('where a writer comes between', () => {
    const put = async (...tables: StoredTable[]) => {
      for (const { key } of tables) await store.put(key, key.split('_').at(-1)!);
    };
    const files = (asOf = '2020-03-01') =>
      withDatabase((database) =>
        goldFilesAsOf({ database, scratch, pipeline: pipelineOf(), stores: { datamart: store } }, YEAR, asOf),
      );
    /** Writes another entry, once the manifest was read, over a file that so is no longer what that said. */
    const meanwhile = async (partitions: LayerManifest['partitions']) => {
      await put(tableOf('label_store', 'l'), tableOf('feature_store', 'g'));
      await store.put('gold/feature_store_f', 'g');
      await write({ [NAME]: entryOf() });
      setTimeout(() => void write(partitions), 200);
    };
    const features = { ...tableOf('feature_store', 'g'), key: 'gold/feature_store_f' };

    test('is read with the past that the new entry knows', async () => {
      const past = { feature_store: [{ until: march(4), checksum: 'before' }] };
      const objects = [features, tableOf('label_store', 'l')];
      await meanwhile({ [NAME]: entryOf({ objects, past }) });
      expect(await files()).toEqual([
        {
          features: { partition: NAME, path: pathOf(features), checksum: 'before', rows: 1 },
          labels: {
            partition: NAME,
            path: pathOf(tableOf('label_store', 'l')),
            checksum: sha256('l'),
            rows: 1,
          },
        },
      ]);
    });

    test('is left out where all of its rows are later then', async () => {
      const objects = [features, tableOf('label_store', 'l')];
      await meanwhile({ [NAME]: entryOf({ objects, since: march(4) }) });
      expect(await files()).toEqual([]);
    });
  });

  test('says from when on it is known, where that is later', async () => {
    for (const { key } of entryOf().objects) await store.put(key, key.split('_').at(-1)!);
    await write({ [NAME]: entryOf({ past: { from: march(3) } }) });
    const knownFrom = (asOf: string) =>
      withDatabase(async (database) => {
        const reader = { database, scratch, pipeline: pipelineOf(), stores: { datamart: store } };
        return (await goldFilesAsOf(reader, YEAR, asOf)).map((files) => files.knownFrom);
      });
    expect(await knownFrom('2020-03-02')).toEqual([march(3)]);
    expect(await knownFrom('2020-03-03')).toEqual([undefined]);
    expect(await knownFrom(march(3))).toEqual([undefined]);
  });

  test('is read from its history, and is an error where that is lost', async () => {
    await withDatabase(async (database) => {
      const pipeline = pipelineOf();
      const [before, labels] = [
        await stored(await built(database, 'feature_store', ROWS)),
        await stored(await built(database, 'label_store', LABELS)),
      ];
      const entry = { inputs: 'i', objects: [before, labels], recipe: 'r' };
      const made = await withHistory(database, pipeline, store, {
        partition: NAME,
        asOf: '2020-03-05',
        recipe: 'r',
        folder: scratch,
        tables: [await built(database, 'feature_store', ROWS.slice(1)), await built(database, 'label_store', LABELS)],
        before: { manifest: { partitions: { [NAME]: entry } }, isWhole: () => true },
      });
      const objects = [];
      for (const table of made.tables) objects.push(await stored(table));
      await write({ [NAME]: { ...entry, objects, ...(made.past && { past: made.past }) } });
      const reader = { database, scratch, pipeline, stores: { datamart: store } };
      const [was] = await goldFilesAsOf(reader, YEAR, '2020-03-04');
      expect(was!.features).toEqual({
        partition: NAME,
        path: join(scratch, 'feature_store_2020_01_as_of.parquet'),
        checksum: before.checksum,
        rows: 3,
      });
      expect(await rowsOf(database, `SELECT * FROM ${readParquetSql([was!.features.path])}`)).toEqual(ROWS);
      const [is] = await goldFilesAsOf(reader, YEAR, '2020-03-05');
      expect(is!.features).toMatchObject({ rows: 2, checksum: objects[1]!.checksum });
      rmSync(pathOf(objects[0]!));
      await expect(goldFilesAsOf(reader, YEAR, '2020-03-04')).rejects.toMatchObject({ type: 'ObjectCorrupt' });
    });
  });
});
