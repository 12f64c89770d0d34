import { join } from 'node:path';
import { z } from 'zod';
import { INTERNAL } from '../../config/columns.js';
import { localFileOr } from '../../platform/storage/lost.js';
import { document, type DocumentOf } from '../../platform/storage/documents.js';
import type { ObjectStore } from '../../platform/storage/objectStore.js';
import { sha256File } from '../../platform/storage/checksum.js';
import { describe, identifier, literal, readParquetSql, type Database, type ResultColumn } from '../duckdb.js';
import type { LayerSql } from '../layerSql.js';
import { idSql, type RowSource } from './evaluate.js';
import { VALIDATION_FOLDER } from './results.js';

/**
 * Rows that were corrected and sent back. A correction takes the place of a row of silver as the layer's SQL gives it,
 * before anything is checked, as long as the SQL gives that very row: where the source itself is corrected, the source counts.
 */
export const corrections = document({
  name: 'corrections of rows',
  schema: z.strictObject({
    /** Parquet with the columns of silver and `INTERNAL.id`, by partition. */
    partitions: z.record(z.string(), z.strictObject({ key: z.string(), checksum: z.string(), rows: z.number() })),
  }),
});
export type Corrections = DocumentOf<typeof corrections>;

const KEY = `${VALIDATION_FOLDER}corrections.json`;

export async function readCorrections(datamart: ObjectStore): Promise<Corrections['partitions']> {
  return (await corrections.read(datamart, KEY))?.partitions ?? {};
}

/**
 * The rows that a layer's SQL gives for a partition, with the corrected ones in the place of those that they correct.
 * @param columns of the layer
 */
export async function correctedRows(
  database: Database,
  datamart: ObjectStore,
  sql: LayerSql,
  columns: ResultColumn[],
  entry: Corrections['partitions'][string] | undefined,
): Promise<RowSource> {
  const plain = { sql, query: sql.text, columns };
  if (!entry) return plain;
  const found = readParquetSql([await correctedFile(datamart, entry)]);
  const { id, row, corrections: corrected } = INTERNAL;
  const known = (await describe(database, `SELECT * EXCLUDE (${id}) FROM ${found}`)).map(({ name, type }) => [
    name,
    type,
  ]);
  // They are of rows that the layer's SQL does not give any more.
  if (JSON.stringify(known) !== JSON.stringify(columns.map(({ name, type }) => [name, type]))) return plain;
  const names = columns.map(({ name }) => identifier(name));
  await database.run(
    `CREATE OR REPLACE TEMP TABLE ${corrected} AS
      WITH numbered AS (SELECT *, row_number() OVER () AS ${row} FROM (${sql.text}\n)),
        identified AS (SELECT *, ${idSql(columns, row)} AS ${id} FROM numbered)
      SELECT ${[id, ...names].join(', ')} FROM (
        SELECT ${[row, id, ...names].join(', ')} FROM identified ANTI JOIN (SELECT ${id} FROM ${found}) USING (${id})
        UNION ALL
        SELECT ${[`i.${row}`, `c.${id}`, ...names.map((name) => `c.${name}`)].join(', ')} FROM identified i JOIN ${found} c USING (${id})
      ) ORDER BY ${row}`,
    { sqlFile: sql.file },
  );
  return { sql, query: `SELECT * FROM ${corrected}`, columns, identified: true };
}

/**
 * Adds corrected rows to those of their partitions; one takes the place of an earlier correction of the same row.
 *
 * @param relation of `INTERNAL.partition`, `INTERNAL.id` and the columns of silver
 * @param folder for files on their way
 */
export async function addCorrections(
  database: Database,
  datamart: ObjectStore,
  partitions: string[],
  relation: string,
  folder: string,
): Promise<void> {
  const { id, partition: name } = INTERNAL;
  for (const partition of partitions) {
    const before = (await readCorrections(datamart))[partition];
    const own = `SELECT * EXCLUDE (${name}) FROM ${relation} WHERE ${name} = ${literal(partition)}`;
    const earlier = before && readParquetSql([await correctedFile(datamart, before)]);
    const all = earlier ? `${own} UNION ALL BY NAME SELECT * FROM ${earlier} ANTI JOIN (${own}) USING (${id})` : own;
    const path = join(folder, `${partition}.corrections.parquet`);
    const [written] = await database.rows<{ Count: bigint }>(
      `COPY (SELECT * FROM (${all}) ORDER BY ${id}) TO ${literal(path)} (FORMAT parquet)`,
    );
    const entry = await store(datamart, path, partition, Number(written!.Count));
    await corrections.update(datamart, KEY, (current) => ({
      partitions: { ...current?.partitions, [partition]: entry },
    }));
  }
}

/** The local file of corrected rows. Where it is lost, no run can make it again: it holds what people sent back. */
function correctedFile(datamart: ObjectStore, entry: Corrections['partitions'][string]): Promise<string> {
  return localFileOr(
    datamart,
    entry,
    `, which held corrected rows, is gone or not what was written; delete ${datamart.uri(KEY)}, run data processing, and correct the rows in quarantine anew.`,
  );
}

/** A file of its own for each content: what the document names is never written over. */
async function store(datamart: ObjectStore, path: string, partition: string, rows: number) {
  const key = `${VALIDATION_FOLDER}${partition}.corrections-${(await sha256File(path)).slice(0, 12)}.parquet`;
  const { checksum } = await datamart.upload(path, key);
  return { key, checksum, rows };
}
