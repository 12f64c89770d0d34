import { isAmong } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import type { Workspace } from './workspace.js';
import { checksumOfFile } from '../platform/storage/checksum.js';
import { unlessLost } from '../platform/storage/lost.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { columnsOf, readParquetSql, withDuckDb, type Database } from './duckdb.js';
import type { LayerManifest } from './layers.js';
import { daySql, isPartition } from './partitions.js';

interface BronzeFile {
  /** Of the partition. */
  name: string;
  key: string;
  size: number;
}

/** Files that lie where bronze's partitions do, whatever a manifest says. */
export async function bronzeFiles(pipeline: Pipeline, datamart: ObjectStore): Promise<BronzeFile[]> {
  const [before, after] = pipeline.definition.layers.bronze.path.split('{partition}') as [string, string];
  const files: BronzeFile[] = [];
  for await (const { key, size } of datamart.list(before)) {
    const name = key.slice(before.length, key.length - after.length);
    if (key.endsWith(after) && isPartition(name)) files.push({ name, key, size });
  }
  return files;
}

/**
 * Bronze's manifest as its files tell it, for where the manifest is lost: the raw data they came from may be gone. A file
 * that isn't whole Parquet, or has no column of days, is left out; one that can't be looked at is a failure. Which source was read last is not known any more.
 *
 * @param recipe fingerprint of the SQL and columns that the files are taken to be made by: the pipeline's present ones
 */
export async function manifestOfBronzeFiles(
  context: Workspace,
  pipeline: Pipeline,
  datamart: ObjectStore,
  recipe: string,
): Promise<LayerManifest> {
  const files = await bronzeFiles(pipeline, datamart);
  const partitions: LayerManifest['partitions'] = {};
  await withDuckDb(context, async (database) => {
    for (const { name, key, size } of files) {
      const found = await unlessLost(() => contentOf(database, pipeline, datamart, key));
      if (!found) continue;
      const { checksum, rows, lastDay } = found;
      const objects = [{ table: 'bronze' as const, key, checksum, size, rows }];
      partitions[name] = { inputs: recipe, objects, ...(lastDay !== null && { lastDay }) };
    }
  });
  return { partitions };
}

/** What one of bronze's files holds; `undefined` where it has no column of days. Throws `ObjectCorrupt`, `NotFound`. */
async function contentOf(
  database: Database,
  pipeline: Pipeline,
  datamart: ObjectStore,
  key: string,
): Promise<{ checksum: string; rows: number; lastDay: string | null } | undefined> {
  const path = await datamart.localFile(key);
  const relation = readParquetSql([path]);
  const { column } = pipeline.definition.partition;
  if (column !== undefined && !isAmong(await columnsOf(database, relation), column)) return undefined;
  const [counted] = await database.rows<{ rows: number; lastDay: string | null }>(
    `SELECT CAST(count(*) AS DOUBLE) AS rows, CAST(max(${daySql(pipeline) ?? 'NULL'}) AS VARCHAR) AS "lastDay" FROM ${relation}`,
  );
  return { checksum: await checksumOfFile(path), ...counted! };
}
