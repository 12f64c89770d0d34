import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { loadPipeline, type Pipeline } from '../../src/config/load.js';
import { literal, readParquetSql, withDuckDb, type Database, type SqlValue } from '../../src/data/duckdb.js';
import { goldFilesAsOf } from '../../src/data/goldAsOf.js';
import { beginning, versionsUntil, withHistory } from '../../src/data/goldHistory.js';
import { readDatasetMetadata } from '../../src/data/dataset.js';
import { readManifest, type StoredTable } from '../../src/data/layers.js';
import { LayerWriter } from '../../src/data/layerWriter.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import type { ObjectStore, Stores } from '../../src/platform/storage/objectStore.js';
import { readVersion } from '../../src/registry/versions.js';
import { RESOURCES } from '../support/medallion.js';
import { createShortPipeline, type ShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';
import { madeBy } from '../support/training.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());

const DEFINITION = {
  source: 'table.csv',
  key: 'id',
  label: { column: 'label', positive: 'yes' },
  time: 'day',
  partition: 'month',
};
const EVER = { from: '0000-01-01', to: '9999-12-31' };

interface Row {
  id: number;
  month: number;
  value: number;
  label: string | null;
}
type Step = { kind: 'value' | 'label' | 'month' | 'new' | 'gone'; at: number; value: number }[];
/** Per partition: the files' checksums, features in their order, and labels by key. */
type Gold = Record<string, { checksums: string[]; features: SqlValue[][]; labels: SqlValue[][] }>;

/** Rows after each step, the first of which makes them, in an order that isn't that of their keys. */
function rowsOver(steps: Step[]): Row[][] {
  const rows: Row[] = [5, 4, 3, 2, 1, 0].map((id) => ({ id, month: 1 + (id % 2), value: 1, label: 'no' }));
  let next = rows.length;
  return [[], ...steps].map((step) => {
    for (const { kind, at, value } of step) {
      const row = rows[at % Math.max(1, rows.length)];
      if (kind === 'new') rows.splice(at % (rows.length + 1), 0, { id: next++, month: value, value: 5, label: null });
      else if (!row) continue;
      else if (kind === 'value') row.value = value;
      else if (kind === 'label') row.label = ['yes', 'no', null][value - 1]!;
      else if (kind === 'month') row.month = value;
      else rows.splice(rows.indexOf(row), 1);
    }
    return structuredClone(rows);
  });
}

const step = fc.array(
  fc.record({
    kind: fc.constantFrom('value', 'label', 'month', 'new', 'gone'),
    at: fc.nat(100),
    value: fc.integer({ min: 1, max: 3 }),
  }),
  { maxLength: 5 },
);

/** A store whose process dies right before an upload, of which it has done some, or right after it. */
function dying(datamart: ObjectStore, uploads: number, isAfter: boolean): ObjectStore {
  let done = 0;
  const upload: ObjectStore['upload'] = async (...args) => {
    const dies = done++ === uploads;
    if (dies && !isAfter) throw new Death();
    const uploaded = await datamart.upload(...args);
    if (dies) throw new Death();
    return uploaded;
  };
  return new Proxy(datamart, {
    get: (store, name) => {
      if (name === 'upload') return upload;
      const value: unknown = Reflect.get(store, name);
      return typeof value === 'function' ? (value.bind(store) as unknown) : value;
    },
  });
}
class Death extends Error {}

/** Writes gold as a processing at `asOf` does whose SQL gives these rows. */
async function writeGold(database: Database, pipeline: Pipeline, datamart: ObjectStore, rows: Row[], asOf: string) {
  const writer = await LayerWriter.open(datamart, 'gold');
  for (const month of [1, 2, 3]) {
    const partition = `2029_0${month}`;
    const own = rows.filter((row) => row.month === month);
    const inputs = JSON.stringify(own);
    const intact = writer.intact(partition);
    if (intact?.inputs === inputs) {
      if (!writer.isNoted(partition, intact)) await writer.note(partition, intact);
      continue;
    }
    if (!writer.manifest.partitions[partition] && own.length === 0) continue;
    const scratch = mkdtempSync(join(folder, 'made-'));
    const write = async (table: 'feature_store' | 'label_store', columns: string, values: (row: Row) => SqlValue[]) => {
      const path = join(scratch, `${table}.parquet`);
      const list = own.map(
        (row) =>
          `(${values(row)
            .map((value) => (value === null ? 'NULL' : typeof value === 'string' ? literal(value) : String(value)))
            .join(', ')})`,
      );
      const none = columns.replaceAll(/(\w+) (\w+)/g, 'CAST(NULL AS $2) AS $1');
      const typed = columns.replaceAll(/(\w+) (\w+)/g, 'CAST($1 AS $2) AS $1');
      const names = columns.replaceAll(/(\w+) (\w+)/g, '$1');
      const sql =
        list.length === 0
          ? `SELECT ${none} LIMIT 0`
          : `SELECT ${typed} FROM (VALUES ${list.join(', ')}) AS v (${names})`;
      await database.run(`COPY (${sql}) TO ${literal(path)} (FORMAT parquet)`);
      const key = pipeline.definition.layers[table].path.replace('{partition}', partition);
      return { table, key, path, rows: own.length };
    };
    const tables = [
      await write('feature_store', 'id BIGINT, place BIGINT', ({ id, value }) => [id, value]),
      await write('label_store', 'id BIGINT, label VARCHAR', ({ id, label }) => [id, label]),
    ];
    await writer.commit(beginning(writer.manifest, asOf, ['2029_01', '2029_02']));
    const before = { manifest: writer.manifest, isWhole: (object: StoredTable) => writer.isWhole(object) };
    const change = { partition, asOf, recipe: 'the same', tables, folder: scratch, before };
    const { tables: made, announced, ...more } = await withHistory(database, pipeline, datamart, change);
    if (announced) await writer.announce(partition, inputs, made, more);
    await writer.write(partition, inputs, made, more);
  }
  await writer.commit();
}

async function goldAt(database: Database, pipeline: Pipeline, stores: Stores, asOf: string): Promise<Gold> {
  const scratch = mkdtempSync(join(folder, 'read-'));
  const rowsOf = async (path: string, order: string) => {
    const rows = await database.rows(`SELECT * FROM ${readParquetSql([path])} ${order}`);
    return rows.map((row) => Object.values(row));
  };
  const found: Gold = {};
  for (const { features, labels } of await goldFilesAsOf({ database, scratch, pipeline, stores }, EVER, asOf)) {
    expect(features.rows).toBe(labels.rows);
    found[features.partition] = {
      checksums: [features.checksum, labels.checksum],
      features: await rowsOf(features.path, ''),
      labels: await rowsOf(labels.path, 'ORDER BY id'),
    };
  }
  return found;
}

/** Runs work with gold of its own. */
async function withGold(
  work: (database: Database, pipeline: Pipeline, stores: Stores) => Promise<void>,
): Promise<void> {
  const { stores } = await createShortPipeline(engines, folder, DEFINITION);
  const context = { resources: RESOURCES, scratch: temporaryFolder(), signal: new AbortController().signal };
  const pipeline = await loadPipeline('table');
  await withDuckDb(context, (database) => work(database, pipeline, stores));
}

/** Trains, and returns what doesn't name the run of the version and of the dataset that it is made of. */
async function trained(pipeline: ShortPipeline, asOf: string) {
  const { datamart, modelRegistry } = pipeline.stores;
  const result = (await pipeline.train(['xgboost'], asOf, true)).algorithms.xgboost!;
  const model = await madeBy(modelRegistry, 'xgboost', result);
  if (result.status !== 'completed') throw new Error(result.reason);
  const { lineage } = (await readVersion(modelRegistry, { algorithm: 'xgboost', version: result.version }))!;
  const { id: _, ...dataset } = await readDatasetMetadata(datamart, { ...lineage.dataset, rows: {} });
  return { model, dataset };
}

test('a table that changes leaves the version that it was, as long as that is kept', () => {
  const at = (hour: number) => Date.parse('2020-01-01T00:00:00Z') + hour * 3_600_000;
  const until = (hour: number, checksum: string) => ({ until: new Date(at(hour)).toISOString(), checksum });
  const change = (hour: number, horizon = 0) => ({
    at: at(hour),
    horizon: at(horizon),
    former: 'now',
    checksum: 'next',
  });
  const other = expect.not.stringMatching(/^(a|b|c|now|next)$/) as string;

  expect(versionsUntil([], change(5))).toEqual([until(5, 'now')]);
  const known = [until(1, 'a'), until(3, 'b'), until(7, 'c')];
  expect(versionsUntil(known, change(9))).toEqual([...known, until(9, 'now')]);
  // At an earlier moment it replaces what was seen then, and those after it are mixtures.
  expect(versionsUntil(known, change(2))).toEqual([until(1, 'a'), until(2, 'b'), until(3, other), until(7, other)]);
  expect(versionsUntil(known, change(3))).toEqual([until(1, 'a'), until(3, 'b'), until(7, other)]);
  expect(versionsUntil(known, change(9, 3))).toEqual([until(7, 'c'), until(9, 'now')]);
  const [, , one, two] = versionsUntil(known, change(2));
  expect(one!.checksum).not.toBe(two!.checksum);
});

describe('a training that stands before a correction', () => {
  const random = new Mt19937(5);
  const rows = Array.from({ length: 240 }, (_, id) => {
    const x = (random.uint32() / 2 ** 32) * 2;
    const month = 1 + (id % 3);
    return { id, day: `2029-0${month}-10`, x: x.toFixed(3), label: x > 1 === id % 9 > 0 ? 'yes' : 'no' };
  });
  const csv = (rows: object[]) =>
    [Object.keys(rows[0]!).join(','), ...rows.map((row) => Object.values(row).join(','))].join('\n') + '\n';
  const corrected = rows
    .flatMap((row) => (row.id === 30 ? [] : row.id === 100 ? [{ ...row, id: 1000 }, row] : [row]))
    .map((row) => (row.id % 20 === 1 ? { ...row, x: '7.5' } : row.id % 20 === 2 ? { ...row, label: 'yes' } : row));
  const [FIRST, LATER] = ['2029-12-01', '2029-12-08'];

  test('makes the same dataset and the same model again, byte for byte; one that stands after it sees it', async () => {
    const pipeline = await createShortPipeline(engines, folder, DEFINITION);
    const made = (asOf: string) => trained(pipeline, asOf);
    await pipeline.process(csv(rows), { asOf: FIRST });
    const before = await made(FIRST);
    await pipeline.process(csv(corrected), { asOf: LATER, replace: true });
    expect(await made(FIRST)).toEqual(before);
    await expect(pipeline.train(['xgboost'], FIRST)).rejects.toThrow(/^Nothing changed since version/);

    const after = await made(LATER);
    expect(after.model.model_checksum).not.toBe(before.model.model_checksum);
    const fresh = await createShortPipeline(engines, folder, DEFINITION);
    await fresh.process(csv(corrected), { asOf: LATER });
    const anew = (await fresh.train(['xgboost'], LATER)).algorithms.xgboost!;
    expect(await madeBy(fresh.stores.modelRegistry, 'xgboost', anew)).toEqual(after.model);
  });

  test('is refused where all rows of a split arrived after it, which is said', async () => {
    const split = {
      by: 'time',
      train: { from: '2029-01-01', to: '2029-01-31' },
      test: { from: '2029-02-01', to: '2029-02-28' },
    };
    const pipeline = await createShortPipeline(engines, folder, { ...DEFINITION, split });
    await pipeline.process(csv(rows.filter(({ day }) => day < '2029-02')), { asOf: FIRST });
    await pipeline.process(csv(rows.filter(({ day }) => day >= '2029-02')), { asOf: LATER });
    await expect(pipeline.train(['xgboost'], FIRST)).rejects.toThrow(
      'The test split has no rows that had arrived by 2029-12-01: those of its days came with the processing as of 2029-12-08T00:00:00.000Z at the earliest; train as of a later moment, or let processing stand at the day on which rows arrived (--as-of).',
    );
  });

  test('sees the rows as they were made anew where the SQL has changed since, which is said', async () => {
    const pipeline = await createShortPipeline(engines, folder, DEFINITION);
    await pipeline.process(csv(rows), { asOf: FIRST });
    writeFileSync(join(pipeline.folder, 'feature_store.sql'), 'SELECT id, snapshot_date, x * 2 AS twice FROM silver');
    await pipeline.process(csv(rows), { asOf: LATER });
    expect((await trained(pipeline, FIRST)).dataset.warnings).toContainEqual(
      'What rows of 3 partitions were on 2029-12-01 is not known, as their SQL, expectations or columns were changed since, or history.keep_days is over: they are as they were on 2029-12-08, with what was corrected until then.',
    );
    expect((await trained(pipeline, LATER)).dataset.warnings).toEqual([]);
  });
});

describe('what training sees of gold as of a moment', () => {
  test('is what gold was then, whatever was corrected, came late, moved or was taken away', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), (steps) =>
        withGold(async (database, pipeline, stores) => {
          const were: Gold[] = [];
          const moment = (i: number) => `2029-12-0${i + 1}`;
          for (const [i, rows] of rowsOver(steps).entries()) {
            await writeGold(database, pipeline, stores.datamart, rows, moment(i));
            were.push(await goldAt(database, pipeline, stores, moment(i)));
          }
          for (const [i, was] of were.entries())
            expect(await goldAt(database, pipeline, stores, moment(i))).toEqual(was);
        }),
      ),
      { numRuns: 12 },
    );
  });

  test('also where writers died on their way, of which some were done again and some were not', async () => {
    const death = fc.record({ uploads: fc.nat(8), isAfter: fc.boolean(), isDoneAgain: fc.boolean() });
    const attempt = fc.record({ step, death: fc.option(death) });
    await fc.assert(
      fc.asyncProperty(fc.array(attempt, { minLength: 2, maxLength: 5 }), (attempts) =>
        withGold(async (database, pipeline, stores) => {
          const were = new Map<string, Gold>();
          for (const [i, rows] of rowsOver(attempts.map(({ step }) => step)).entries()) {
            const asOf = `2029-12-0${i + 1}`;
            const found = i === 0 ? null : attempts[i - 1]!.death;
            if (found) {
              const datamart = dying(stores.datamart, found.uploads, found.isAfter);
              await writeGold(database, pipeline, datamart, rows, asOf).catch((error: unknown) => {
                if (!(error instanceof Death)) throw error;
              });
            }
            if (found && !found.isDoneAgain) continue;
            await writeGold(database, pipeline, stores.datamart, rows, asOf);
            were.set(asOf, await goldAt(database, pipeline, stores, asOf));
            for (const [moment, was] of were) expect(await goldAt(database, pipeline, stores, moment)).toEqual(was);
          }
        }),
      ),
      { numRuns: 12 },
    );
  });

  /** Value of row 0 and label of row 1, both of the first month. */
  const seen = (gold: Gold) => {
    const { features, labels } = gold['2029_01']!;
    return [Number(features.find(([id]) => id === 0n)![1]), labels.find(([id]) => id === 2n)![1]];
  };
  const first = rowsOver([])[0]!;
  const withValue = (value: number, label = 'no') =>
    first.map((row) => (row.id === 0 ? { ...row, value } : row.id === 2 ? { ...row, label } : row));

  test('goes back as far as the history is kept, which is then as at its beginning', () =>
    withGold(async (database, pipeline, stores) => {
      const { datamart } = stores;
      pipeline.definition.history.keep_days = 10;
      const many = Array.from({ length: 500 }, (_, i): Row => ({ id: 100 + i, month: 1, value: 1, label: 'no' }));
      await writeGold(database, pipeline, datamart, [...withValue(1), ...many], '2029-12-01');
      await writeGold(database, pipeline, datamart, [...withValue(2, 'yes'), ...many], '2029-12-03');
      await writeGold(database, pipeline, datamart, [...withValue(3, 'yes'), ...many], '2029-12-09');
      const at = async (asOf: string) => seen(await goldAt(database, pipeline, stores, asOf));
      expect(await at('2029-12-02')).toEqual([1, 'no']);
      const { objects } = (await readManifest(datamart, 'gold')).partitions['2029_01']!;
      const rowsOf = Object.fromEntries(objects.map(({ table, rows }) => [table, rows]));
      expect(rowsOf).toMatchObject({ feature_store: 503, feature_history: 3, label_history: 2 });

      await writeGold(database, pipeline, datamart, [...withValue(4, 'yes'), ...many], '2029-12-14');
      expect(await Promise.all(['2029-12-02', '2029-12-05', '2029-12-10', '2029-12-14'].map(at))).toEqual([
        [2, 'yes'],
        [2, 'yes'],
        [3, 'yes'],
        [4, 'yes'],
      ]);
      const reader = { database, scratch: temporaryFolder(), pipeline, stores };
      const knownFrom = async (asOf: string) => (await goldFilesAsOf(reader, EVER, asOf))[0]!.knownFrom;
      expect([await knownFrom('2029-12-02'), await knownFrom('2029-12-05')]).toEqual([
        '2029-12-04T00:00:00.000Z',
        undefined,
      ]);
    }));

  test('is of a run at an earlier moment from that moment on', () =>
    withGold(async (database, pipeline, stores) => {
      const { datamart } = stores;
      await writeGold(database, pipeline, datamart, withValue(1), '2029-12-01');
      await writeGold(database, pipeline, datamart, withValue(2), '2029-12-10T12:00:00Z');
      await writeGold(database, pipeline, datamart, withValue(3), '2029-12-05');
      const at = async (asOf: string) => seen(await goldAt(database, pipeline, stores, asOf))[0];
      const moments = ['2029-12-04', '2029-12-04T23:59:59Z', '2029-12-05', '2029-12-07', '2029-12-10', '2029-12-31'];
      expect(await Promise.all(moments.map(at))).toEqual([1, 1, 3, 3, 3, 3]);
    }));

  test('is the present where the history is lost, once gold is made anew, and before nothing', () =>
    withGold(async (database, pipeline, stores) => {
      const { datamart } = stores;
      await writeGold(database, pipeline, datamart, withValue(1), '2029-12-01');
      await writeGold(database, pipeline, datamart, withValue(2), '2029-12-03');
      const { objects } = (await readManifest(datamart, 'gold')).partitions['2029_01']!;
      const { key } = objects.find(({ table }) => table === 'feature_history')!;
      rmSync(fileURLToPath(datamart.uri(key)));
      const at = async (asOf: string) => seen(await goldAt(database, pipeline, stores, asOf))[0];
      await expect(at('2029-12-02')).rejects.toThrow(/is gone; run data processing again, which writes it anew\.$/);
      expect(await at('2029-12-03')).toBe(2);
      await writeGold(database, pipeline, datamart, withValue(2), '2029-12-04');
      expect(await at('2029-12-02')).toBe(2);
      const reader = { database, scratch: temporaryFolder(), pipeline, stores };
      const [files] = await goldFilesAsOf(reader, EVER, '2029-12-02');
      expect(files!.knownFrom).toBe('2029-12-04T00:00:00.000Z');
    }));

  test('has a partition that the first processing left to a later one from the start, and a new one from its arrival', () =>
    withGold(async (database, pipeline, stores) => {
      const { datamart } = stores;
      const of = (...months: number[]) => months.map((month): Row => ({ id: month, month, value: 1, label: 'no' }));
      await writeGold(database, pipeline, datamart, of(1), '2029-12-01');
      await writeGold(database, pipeline, datamart, of(1, 2, 3), '2029-12-02');
      const names = async (asOf: string) => Object.keys(await goldAt(database, pipeline, stores, asOf));
      expect(await names('2029-03-01')).toEqual(['2029_01', '2029_02']);
      expect(await names('2029-12-02')).toEqual(['2029_01', '2029_02', '2029_03']);
    }));
});
