import { join } from 'node:path';
import { FILE_ROW, INTERNAL } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import type { Workspace } from './workspace.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { identifier, literal, readParquetSql, withDuckDb, type Database } from './duckdb.js';
import { fingerprint } from './layerSql.js';
import {
  layerManifest,
  manifestKey,
  readManifest,
  readManifestToWrite,
  tableFiles,
  tableOf,
  type DuplicatesEntry,
  type PartitionFile,
} from './layers.js';

const KEY = 'silver/duplicates.parquet';

/**
 * The rows of bronze whose values an earlier row has already, in every column of the source. They may lie in different
 * partitions, so all of bronze is looked at: the keys of every row, and whole rows of repeated keys only. The finding
 * is kept in silver's manifest until bronze changes.
 */
export async function findDuplicates(
  context: Workspace,
  pipeline: Pipeline,
  datamart: ObjectStore,
): Promise<DuplicatesEntry> {
  const { inputs, known } = await knownDuplicates(pipeline, datamart);
  if (known) return known;

  const files = await tableFiles(datamart, 'bronze', 'bronze');
  const duplicates = await withDuckDb(context, (database) =>
    search(context, database, pipeline, datamart, files, inputs),
  );
  await layerManifest.update(
    datamart,
    manifestKey('silver'),
    (current) => ({ ...current, duplicates, partitions: current?.partitions ?? {} }),
    () => undefined,
  );
  return duplicates;
}

/**
 * What was found when bronze was what it is now, where somebody looked then and the file of it is whole; `inputs` is bronze's
 * fingerprint.
 */
export async function knownDuplicates(
  pipeline: Pipeline,
  datamart: ObjectStore,
): Promise<{ inputs: string; known?: DuplicatesEntry }> {
  const { columns } = pipeline.definition.source;
  const bronze = await readManifest(datamart, 'bronze');
  const checksums = Object.entries(bronze.partitions).map(([name, entry]) => [name, tableOf(entry, 'bronze').checksum]);
  const inputs = fingerprint(checksums, Object.keys(columns), pipeline.definition.keys);
  const known = (await readManifestToWrite(datamart, 'silver'))?.duplicates;
  return known?.inputs === inputs && (await isWhole(datamart, known)) ? { inputs, known } : { inputs };
}

async function isWhole(datamart: ObjectStore, { file }: DuplicatesEntry): Promise<boolean> {
  if (!file) return true;
  return (await datamart.head(file.key)) !== undefined && !(await datamart.isChanged(file.key, file.checksum));
}

async function search(
  context: Workspace,
  database: Database,
  pipeline: Pipeline,
  datamart: ObjectStore,
  files: PartitionFile[],
  inputs: string,
): Promise<DuplicatesEntry> {
  const { source, keys } = pipeline.definition;
  const columns = Object.keys(source.columns);
  const own = keys.filter((key) => columns.includes(key));
  const identifiers = (own.length > 0 ? own : columns).map(identifier).join(', ');
  const paths = files.map(({ path }) => path);
  // Tables are joined as subqueries, which lack the column "rowid" that DuckDB gives to a table.
  const { repeated, duplicates, partitions, file, occurrence } = INTERNAL;
  await database.run(
    `CREATE TEMP TABLE ${repeated} AS SELECT ${identifiers} FROM ${readParquetSql(paths)} GROUP BY ALL HAVING count(*) > 1`,
  );
  await database.run(
    `CREATE TEMP TABLE ${partitions} AS SELECT * FROM (VALUES ${files.map(({ partition: name, path }) => `(${literal(name)}, ${literal(path)})`).join(', ')}) AS p (${INTERNAL.partition}, ${file})`,
  );
  await database.run(`
    CREATE TEMP TABLE ${duplicates} AS
    SELECT ${INTERNAL.partition} AS name, ${FILE_ROW} AS row
    FROM (
      SELECT ${INTERNAL.partition}, ${FILE_ROW},
        row_number() OVER (PARTITION BY ${columns.map(identifier).join(', ')} ORDER BY ${INTERNAL.partition}, ${FILE_ROW}) AS ${occurrence}
      FROM ${readParquetSql(paths, { fileRow: true, file: true })}
      JOIN (SELECT * FROM ${partitions}) USING (${file})
      SEMI JOIN (SELECT * FROM ${repeated}) USING (${identifiers})
    )
    WHERE ${occurrence} > 1`);
  const found = await database.rows<{ name: string; rows: bigint; digest: string }>(
    `SELECT name, count(*) AS rows, md5(string_agg(row, ',' ORDER BY row)) AS digest FROM ${duplicates} GROUP BY name ORDER BY name`,
  );
  if (found.length === 0) return { inputs, partitions: {} };

  const path = join(context.scratch, 'duplicates.parquet');
  await database.run(`COPY (SELECT * FROM ${duplicates} ORDER BY name, row) TO ${literal(path)} (FORMAT parquet)`);
  const { checksum } = await datamart.upload(path, KEY);
  return {
    inputs,
    file: { key: KEY, checksum },
    partitions: Object.fromEntries(found.map(({ name, rows, digest }) => [name, { rows: Number(rows), digest }])),
  };
}

/** SQL for a bronze partition's rows without duplicates, in file order. */
export async function withoutDuplicatesSql(
  datamart: ObjectStore,
  duplicates: DuplicatesEntry | undefined,
  partition: string,
  path: string,
): Promise<string> {
  if (!duplicates?.file || !duplicates.partitions[partition]) return `SELECT * FROM ${readParquetSql([path])}`;
  const repeats = await datamart.localFile(duplicates.file.key, duplicates.file.checksum);
  return `SELECT * EXCLUDE (${FILE_ROW}) FROM ${readParquetSql([path], { fileRow: true })}
    WHERE ${FILE_ROW} NOT IN (SELECT row FROM ${readParquetSql([repeats])} WHERE name = ${literal(partition)})`;
}
