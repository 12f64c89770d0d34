import { join } from 'node:path';
import { sameName } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import type { GoldResult, RefineInput } from '../contracts/index.js';
import { literal, readParquetSql, type Database } from '../data/duckdb.js';
import { checkLayerColumns, fingerprint, layerSql, openTables, type LayerSql } from '../data/layerSql.js';
import type { BuiltTable } from '../data/layerWriter.js';
import { readManifest, tableOf, type LayerManifest, type TableName } from '../data/layers.js';
import { partitionKey } from '../data/partitions.js';
import { refine } from '../data/refine.js';
import { PerdureError } from '../errors.js';
import type { ObjectStore } from '../storage/objectStore.js';
import type { Stage } from './context.js';

type GoldTable = 'feature_store' | 'label_store';

/** Silver as features and labels, by the pipeline's `feature_store.sql` and `label_store.sql`. */
export const gold: Stage<RefineInput, GoldResult> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { datamart } = context.stores(pipeline);
  const features = await layerSql(context, pipeline, 'feature_store');
  const labels = await layerSql(context, pipeline, 'label_store');

  await refuseEmptied(datamart);
  const { keys, features: columns, label, partition } = pipeline.definition;
  /** Checked where a partition is made, so that a column that is named later is missed at once. */
  const needed = { features: [...keys, ...columns.map(({ name }) => name)], labels: [...keys, label], partition };

  const { entries, written, unchanged } = await refine(context, datamart, input, {
    layer: 'gold',
    from: { layer: 'silver', table: 'silver' },
    inputs: (_partition, checksum) => fingerprint(checksum, features.digest, labels.digest, needed),
    check: async (database, file) => {
      await openTables(database, features);
      await read(database, file);
      await checkColumns(database, features, needed.features);
      await checkColumns(database, labels, needed.labels);
    },
    build: async (database, partition, file, folder) => {
      await read(database, file);
      return {
        tables: [
          await build(database, pipeline, 'feature_store', features, partition, folder),
          await build(database, pipeline, 'label_store', labels, partition, folder),
        ],
      };
    },
  });
  return { rows: entries.reduce((sum, entry) => sum + tableOf(entry, 'feature_store').rows, 0), written, unchanged };
};

/** Where silver left out every row that there is, gold stays what it was. */
async function refuseEmptied(datamart: ObjectStore): Promise<void> {
  const [bronze, silver] = [await readManifest(datamart, 'bronze'), await readManifest(datamart, 'silver')];
  const rowsOf = ({ partitions }: LayerManifest, table: TableName) => Object.values(partitions).reduce((sum, entry) => sum + tableOf(entry, table).rows, 0);
  const raw = rowsOf(bronze, 'bronze');
  if (raw === 0 || rowsOf(silver, 'silver') > 0) return;
  const dropped: Record<string, number> = {};
  for (const entry of Object.values(silver.partitions)) {
    for (const [name, rows] of Object.entries(entry.dropped ?? {})) dropped[name] = (dropped[name] ?? 0) + rows;
  }
  const counts = Object.entries(dropped).map(([name, rows]) => `${name} ${rows}`);
  throw new PerdureError(
    'InputInvalid',
    `Every one of the ${raw} rows is left out${counts.length > 0 ? ` by an expectation (${counts.join(', ')})` : ' by silver.sql'}, so features and labels stay as they were; correct the expectation, the query or the data.`,
  );
}

/** Makes a silver file known to the pipeline's SQL as `silver`. */
async function read(database: Database, file: string): Promise<void> {
  await database.run(`CREATE OR REPLACE TEMP VIEW silver AS SELECT * FROM ${readParquetSql([file])}`);
}

async function build(database: Database, pipeline: Pipeline, table: GoldTable, sql: LayerSql, partition: string, folder: string): Promise<BuiltTable> {
  const path = join(folder, `${table}_${partition}.parquet`);
  const [count] = await database.rows<{ Count: bigint }>(`COPY (${sql.text}\n) TO ${literal(path)} (FORMAT parquet)`, { sqlFile: sql.file });
  return { table, key: partitionKey(pipeline.definition.layers[table].path, partition), path, rows: Number(count!.Count) };
}

async function checkColumns(database: Database, sql: LayerSql, needed: string[]): Promise<void> {
  const columns = await checkLayerColumns(database, sql);
  const missing = needed.filter((needs) => !columns.some(({ name }) => sameName(name) === sameName(needs)));
  if (missing.length > 0) {
    throw new PerdureError('ConfigInvalid', `${sql.file} gives no column ${missing.join(', ')}, which pipeline.json names; add it to the query.`);
  }
}
