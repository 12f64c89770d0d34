import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { loadPipeline, type Pipeline } from '../../src/config/load.js';
import { literal, readParquetSql, withDuckDb, type Database, type SqlValue } from '../../src/data/duckdb.js';
import { goldFilesAsOf } from '../../src/data/goldAsOf.js';
import { beginning, withHistory } from '../../src/data/goldHistory.js';
import { readDatasetMetadata } from '../../src/data/dataset.js';
import type { StoredTable } from '../../src/data/layers.js';
import { LayerWriter } from '../../src/data/layerWriter.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import type { Stores } from '../../src/platform/storage/objectStore.js';
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

/** Rows after each step, the first of which makes them. */
function rowsOver(steps: Step[]): Row[][] {
  const rows: Row[] = Array.from({ length: 6 }, (_, id) => ({ id, month: 1 + (id % 2), value: 1, label: 'no' }));
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

/** Writes gold as a processing at `asOf` does whose SQL gives these rows. */
async function writeGold(database: Database, pipeline: Pipeline, { datamart }: Stores, rows: Row[], asOf: string) {
  const writer = await LayerWriter.open(datamart, 'gold');
  for (const month of [1, 2, 3]) {
    const partition = `2029_0${month}`;
    const own = rows.filter((row) => row.month === month);
    const inputs = JSON.stringify(own);
    const intact = writer.intact(partition);
    if (intact?.inputs === inputs || (!intact && own.length === 0)) continue;
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
    await writer.commit(beginning(writer.manifest, asOf));
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
  if (result.status === 'failed') throw new Error(result.reason);
  const { lineage } = (await readVersion(modelRegistry, { algorithm: 'xgboost', version: result.version }))!;
  const { id: _, ...dataset } = await readDatasetMetadata(datamart, { ...lineage.dataset, rows: {} });
  return { model, dataset };
}

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
          for (const [i, rows] of rowsOver(steps as Step[]).entries()) {
            await writeGold(database, pipeline, stores, rows, moment(i));
            were.push(await goldAt(database, pipeline, stores, moment(i)));
          }
          for (const [i, was] of were.entries())
            expect(await goldAt(database, pipeline, stores, moment(i))).toEqual(was);
        }),
      ),
      { numRuns: 25 },
    );
  });
});
