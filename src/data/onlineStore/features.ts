import { sameName } from '../../contracts/index.js';
import { join } from 'node:path';
import type { Pipeline } from '../../config/load.js';
import { variables } from '../../environment.js';
import { countOf } from '../../contracts/counts.js';
import { PerdureError } from '../../errors.js';
import { sha256 } from '../../platform/storage/checksum.js';
import type { ObjectStore } from '../../platform/storage/objectStore.js';
import {
  describe,
  identifier,
  literal,
  readParquetSql,
  withDuckDb,
  type Database,
  type ResultColumn,
} from '../duckdb.js';
import { inputColumns } from '../inputColumns.js';
import { goldPartitions, partitionFile, type GoldPartition, type PartitionFile } from '../layers.js';
import type { Workspace } from '../workspace.js';
import type { FeatureRow, OnlineFeatures, OnlineRow, OnlineStore } from './onlineStore.js';

/**
 * Opens the online store of a pipeline: Redis where `REDIS_URL` names one, else the embedded one.
 * @param scratch a folder for files on their way
 */
export async function openOnlineStore(
  pipeline: Pipeline,
  datamart: ObjectStore,
  scratch: string,
): Promise<OnlineStore> {
  const url = variables().REDIS_URL;
  // The clients take their time to load, and most pipelines have no online store.
  if (url) {
    const { RedisStore } = await import('./redisStore.js');
    return RedisStore.open(url, `${pipeline.environment}:${pipeline.definition.name}`);
  }
  const { LmdbStore } = await import('./lmdbStore.js');
  return new LmdbStore(datamart, join(scratch, 'online_store'));
}

/**
 * Brings an online store up to date with the feature store of gold; what it holds already is left alone until it is due
 * to expire within half of its time to live.
 *
 * @param now ISO 8601 instant
 * @returns what it holds now, and whether it was written
 */
export async function publishFeatures(
  context: Workspace,
  pipeline: Pipeline,
  datamart: ObjectStore,
  store: OnlineStore,
  now: string,
): Promise<{ features: OnlineFeatures; written: boolean }> {
  const partitions = await goldPartitions({ datamart });
  const version = versionOf(pipeline, partitions);
  const current = await store.current();
  const ttl = (pipeline.definition.online_store?.ttl_hours ?? Infinity) * 3_600_000;
  const lasts = (until: string | null) => until === null || Date.parse(until) - Date.parse(now) > ttl / 2;
  const same = current?.version === version && (current.expires_at === null) === (ttl === Infinity);
  if (current && same && lasts(current.expires_at)) return { features: current, written: false };

  const files: PartitionFile[] = [];
  for (const { name, featureStore } of partitions)
    files.push(await partitionFile(datamart, 'gold', 'feature_store', name, featureStore));
  const features: OnlineFeatures = {
    version,
    written_at: now,
    expires_at: ttl === Infinity ? null : new Date(Date.parse(now) + ttl).toISOString(),
    rows: files.reduce((sum, { rows }) => sum + rows, 0),
  };
  const paths = files.filter(({ rows }) => rows > 0).map(({ path }) => path);
  await withDuckDb(context, (database) => store.write(features, rowsOf(database, pipeline, paths)));
  return { features, written: true };
}

/** Of the files of gold's feature store, and of what says which columns are features. */
function versionOf({ definition }: Pipeline, partitions: GoldPartition[]): string {
  const files = partitions.map(({ name, featureStore }) => [name, featureStore.checksum]);
  return sha256(JSON.stringify([definition, files])).slice(0, 16);
}

async function* rowsOf(database: Database, pipeline: Pipeline, paths: string[]): AsyncIterable<OnlineRow[]> {
  if (paths.length === 0) return;
  const table = readParquetSql(paths);
  const features = (await inputColumns(database, pipeline, table)).map(({ name }) => sameName(name));
  const columns = (await describe(database, `SELECT * FROM ${table}`)).filter(({ name }) =>
    features.includes(sameName(name)),
  );
  // JSON has no number that is none.
  const value = ({ name, type }: ResultColumn) =>
    /^(FLOAT|DOUBLE)$/.test(type)
      ? `CASE WHEN isfinite(${identifier(name)}) THEN ${identifier(name)} END`
      : identifier(name);
  const row = columns.map((column) => `${literal(column.name)}: ${value(column)}`).join(', ');
  const sql = `SELECT ${keySql(pipeline.definition.keys)} AS key, CAST(to_json({${row}}) AS VARCHAR) AS features FROM ${table}`;
  for await (const chunk of database.chunks(sql)) {
    const [keys, features] = [chunk.getColumnVector(0), chunk.getColumnVector(1)];
    yield Array.from({ length: chunk.rowCount }, (_, row): OnlineRow => [
      keys.getItem(row) as string,
      features.getItem(row) as string,
    ]);
  }
}

/** A key as the text that it is looked up by: that of its column, or of several columns a JSON array of their texts. */
function keySql(keys: string[]): string {
  const texts = keys.map((key) => `CAST(${identifier(key)} AS VARCHAR)`);
  return texts.length === 1 ? texts[0]! : `CAST(to_json([${texts.join(', ')}]) AS VARCHAR)`;
}

/** What a lookup gives. */
export interface FoundFeatures {
  /** Of each key, in the order in which they were asked for; `null` for one that has none. */
  rows: (FeatureRow | null)[];
  features: OnlineFeatures;
}

/**
 * The newest features of some keys.
 *
 * @param keys texts of the key's column; of a key of several columns, arrays of their texts in the order of `keys`
 * @throws PerdureError `NotFound` where no features were written, or where they are too old by their time to live;
 * `InputInvalid` for a key of another number of columns
 */
export async function lookupFeatures(
  { definition: { name, keys: columns } }: Pipeline,
  store: OnlineStore,
  keys: (string | string[])[],
): Promise<FoundFeatures> {
  const texts = keys.map((key) => textOf([key].flat(), columns));
  const features = await store.current();
  if (!features)
    throw new PerdureError(
      'NotFound',
      `There are no features of ${name} at ${store.address} to look up; run "perdure process ${name}", and see that pipeline.json has "online_store".`,
    );
  if (features.expires_at !== null && Date.parse(features.expires_at) <= Date.now())
    throw new PerdureError(
      'NotFound',
      `The features of ${name} at ${store.address} were good until ${features.expires_at}, by "ttl_hours" in pipeline.json; run "perdure process ${name}", which writes them anew.`,
    );
  const found = await store.lookup(features.version, texts);
  return { features, rows: found.map((text) => (text === undefined ? null : (JSON.parse(text) as FeatureRow))) };
}

function textOf(values: string[], columns: string[]): string {
  if (values.length !== columns.length)
    throw new PerdureError(
      'InputInvalid',
      `The key ${JSON.stringify(values)} has ${countOf(values.length, 'value')}, and a key here is of ${columns.join(', ')}; give a value for each.`,
    );
  return values.length === 1 ? values[0]! : JSON.stringify(values);
}
