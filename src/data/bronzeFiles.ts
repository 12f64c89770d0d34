import type { Pipeline } from '../config/load.js';
import { PerdureError } from '../errors.js';
import type { Workspace } from './workspace.js';
import { checksumOfFile } from '../platform/storage/checksum.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { readParquetSql, withDuckDb } from './duckdb.js';
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
 * that isn't whole Parquet is left out. Which source was read last is not known any more.
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
      const path = await datamart.localFile(key);
      const [found] = await database
        .rows<{ rows: number; lastDay: string | null }>(
          `SELECT CAST(count(*) AS DOUBLE) AS rows, CAST(max(${daySql(pipeline) ?? 'NULL'}) AS VARCHAR) AS "lastDay" FROM ${readParquetSql([path])}`,
        )
        .catch((error: unknown) => {
          if (error instanceof PerdureError && error.type !== 'StoreFull') return [];
          throw error;
        });
      if (!found) continue;
      const objects = [{ table: 'bronze' as const, key, checksum: await checksumOfFile(path), size, rows: found.rows }];
      partitions[name] = { inputs: recipe, objects, ...(found.lastDay !== null && { lastDay: found.lastDay }) };
    }
  });
  return { partitions };
}
