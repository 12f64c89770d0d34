import { join } from 'node:path';
import type { Pipeline } from '../config/load.js';
import type { GoldResult, RefineInput } from '../contracts/index.js';
import { literal, readParquetSql, type Database } from '../data/duckdb.js';
import { fingerprint, layerSql, type LayerSql } from '../data/layerSql.js';
import type { BuiltTable } from '../data/layerWriter.js';
import { tableOf } from '../data/layers.js';
import { partitionKey } from '../data/partitions.js';
import { refine } from '../data/refine.js';
import { PerdureError } from '../errors.js';
import type { Stage } from './context.js';

type GoldTable = 'feature_store' | 'label_store';

/** Silver as features and labels, by the pipeline's `feature_store.sql` and `label_store.sql`. */
export const gold: Stage<RefineInput, GoldResult> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { datamart } = context.stores(pipeline);
  const features = await layerSql(pipeline, 'feature_store');
  const labels = await layerSql(pipeline, 'label_store');

  const { entries, written, unchanged } = await refine(context, datamart, input, {
    layer: 'gold',
    from: { layer: 'silver', table: 'silver' },
    inputs: (_partition, checksum) => fingerprint(checksum, features.text, labels.text),
    check: async (database, file) => {
      const { keys, features: columns, label } = pipeline.definition;
      await read(database, file);
      await checkColumns(database, features, [...keys, ...columns.map(({ name }) => name)]);
      await checkColumns(database, labels, [...keys, label]);
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
  const columns = await database.rows<{ column_name: string }>(`DESCRIBE ${sql.text}`, { sqlFile: sql.file });
  const missing = needed.filter((name) => !columns.some(({ column_name }) => column_name === name));
  if (missing.length > 0) {
    throw new PerdureError('ConfigInvalid', `${sql.file} gives no column ${missing.join(', ')}, which pipeline.json names; add it to the query.`);
  }
}
