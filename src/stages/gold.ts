import { sameName } from '../contracts/index.js';
import { join } from 'node:path';
import { toldTask } from '../config/schema.js';
import type { Pipeline } from '../config/load.js';
import type { GoldResult, RefineInput } from '../contracts/index.js';
import { identifier, literal, readParquetSql, withDuckDb, type Database, type ResultColumn } from '../data/duckdb.js';
import { checkKeys, checkKeysAcross, checkPartitionDays, uncheckedKeys } from '../data/goldKeys.js';
import { checkDay, checkLayerColumns, fingerprint, layerSql, openTables, type LayerSql } from '../data/layerSql.js';
import { beginning, withHistory } from '../data/goldHistory.js';
import { NUMBER } from '../data/inputColumns.js';
import { labelsEntry, openLabelsTable } from '../data/labelsFile.js';
import type { BuiltTable } from '../data/layerWriter.js';
import {
  layerManifest,
  manifestKey,
  readManifest,
  tableOf,
  type GoldTable,
  type LayerManifest,
  type TableName,
} from '../data/layers.js';
import { partitionKey } from '../data/partitions.js';
import { refine } from '../data/refine.js';
import { checkFreshness } from '../data/validation/freshness.js';
import { PerdureError } from '../errors.js';
import type { Stage, StageContext } from './context.js';
import { countOf, listOf } from '../contracts/counts.js';

/** Silver as features and labels, by the pipeline's `feature_store.sql` and `label_store.sql`. */
export const gold: Stage<RefineInput, GoldResult> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { datamart } = context.stores(pipeline);
  const features = await layerSql(context, pipeline, 'feature_store');
  const labels = await layerSql(context, pipeline, 'label_store');

  const silver = await readManifest(datamart, 'silver');
  refuseEmptied(await readManifest(datamart, 'bronze'), silver);
  const freshness = input.asOf === undefined ? {} : checkFreshness(pipeline, silver, input.asOf);
  const { keys, features: columns, label, labelSource, partition } = pipeline.definition;
  const numbers = columns.filter(({ type }) => type !== 'categorical').map(({ name }) => name);
  /** Checked where a partition is made, so that a column that is named later is missed at once. */
  const needed = {
    features: { names: [...keys, ...columns.map(({ name }) => name)], numbers },
    labels: {
      names: [...keys, label],
      numbers: !labelSource && toldTask(pipeline.definition) !== 'multiclass' ? [label] : [],
    },
    partition,
  };

  const second = await labelsEntry(pipeline, datamart);
  const asOf = input.asOf ?? input.run.startedAt;
  const recipe = await recipeOf(context, pipeline, [features.digest, labels.digest, needed, second?.recipe]);
  const { entries, written, unchanged } = await refine(context, datamart, input, {
    layer: 'gold',
    from: { layer: 'silver', table: 'silver' },
    inputs: (partition, checksum) =>
      fingerprint(
        checksum,
        features.digest,
        labels.digest,
        needed,
        ...(second ? [second.recipe, second.partitions[partition] ?? ''] : []),
      ),
    check: async (database, file) => {
      if (second) await openLabelsTable(database, datamart, second);
      await openTables(database, features);
      await read(database, file);
      checkDay(pipeline, features, await checkColumns(database, features, needed.features));
      await checkColumns(database, labels, needed.labels);
    },
    begin: (manifest, all) => beginning(manifest, asOf, all),
    amend: (entry) => (entry.recipe === recipe ? undefined : { ...entry, recipe }),
    build: async (database, partition, file, folder, before) => {
      const silverRows = await read(database, file);
      const tables = [
        await build(database, pipeline, 'feature_store', features, partition, folder),
        await build(database, pipeline, 'label_store', labels, partition, folder),
      ] as const;
      const [featureStore, labelStore] = [
        { ...tables[0], sql: features.file },
        { ...tables[1], sql: labels.file },
      ];
      const labelled = await countLabelled(database, pipeline, labelStore.path);
      await checkPartitionDays(database, pipeline, partition, featureStore);
      await checkKeys(database, pipeline, partition, featureStore, silverRows);
      await checkKeys(database, pipeline, partition, labelStore, silverRows);
      const change = { partition, asOf, recipe, tables: [tables[0], { ...tables[1], labelled }], folder, before };
      return withHistory(database, pipeline, datamart, change);
    },
  });
  const unchecked = await uncheckedKeys(pipeline, { datamart });
  if (unchecked !== undefined) {
    if (input.dryRun) return { rows: 0, written: [], unchanged: [] };
    await withDuckDb(context, (database) =>
      checkKeysAcross(database, pipeline, { datamart }, { feature_store: features.file, label_store: labels.file }),
    );
    // Other workers may have written meanwhile what was not looked at.
    if ((await uncheckedKeys(pipeline, { datamart })) === unchecked) {
      await layerManifest.update(
        datamart,
        manifestKey('gold'),
        (current) => current && { ...current, keys: unchecked },
        () => undefined,
      );
    }
  }
  return {
    rows: entries.reduce((sum, entry) => sum + tableOf(entry, 'feature_store').rows, 0),
    written,
    unchanged,
    ...freshness,
  };
};

/** Fingerprint of all but the data that decides what gold's rows are, in whatever layer. */
async function recipeOf(context: StageContext, pipeline: Pipeline, ofGold: unknown[]): Promise<string> {
  const bronze = await layerSql(context, pipeline, 'bronze');
  const silver = await layerSql(context, pipeline, 'silver');
  const { source, partition } = pipeline.definition;
  const raw = [source.columns, source.null_values, partition];
  return fingerprint(bronze.digest, raw, silver.digest, pipeline.expectations, ofGold).slice(0, 16);
}

/** Where silver left out every row that there is, gold stays what it was. */
function refuseEmptied(bronze: LayerManifest, silver: LayerManifest): void {
  const rowsOf = ({ partitions }: LayerManifest, table: TableName) =>
    Object.values(partitions).reduce((sum, entry) => sum + tableOf(entry, table).rows, 0);
  const raw = rowsOf(bronze, 'bronze');
  if (raw === 0 || rowsOf(silver, 'silver') > 0) return;
  const dropped: Record<string, number> = {};
  for (const entry of Object.values(silver.partitions)) {
    for (const [name, rows] of Object.entries(entry.dropped ?? {})) dropped[name] = (dropped[name] ?? 0) + rows;
  }
  const counts = Object.entries(dropped).map(([name, rows]) => `${name} ${rows}`);
  throw new PerdureError(
    'InputInvalid',
    `Every one of the ${countOf(raw, 'row')} is left out${counts.length > 0 ? ` by an expectation (${counts.join(', ')})` : ' by silver.sql'}, so features and labels stay as they were; correct the expectation, the query or the data.`,
  );
}

/** Makes a silver file known to the pipeline's SQL as `silver`, and returns its number of rows. */
async function read(database: Database, file: string): Promise<number> {
  await database.run(`CREATE OR REPLACE TEMP VIEW silver AS SELECT * FROM ${readParquetSql([file])}`);
  const [counted] = await database.rows<{ rows: bigint }>('SELECT count(*) AS rows FROM silver');
  return Number(counted!.rows);
}

async function build(
  database: Database,
  pipeline: Pipeline,
  table: GoldTable,
  sql: LayerSql,
  partition: string,
  folder: string,
): Promise<BuiltTable> {
  const path = join(folder, `${table}_${partition}.parquet`);
  const [count] = await database.rows<{ Count: bigint }>(`COPY (${sql.text}\n) TO ${literal(path)} (FORMAT parquet)`, {
    sqlFile: sql.file,
  });
  return {
    table,
    key: partitionKey(pipeline.definition.layers[table].path, partition),
    path,
    rows: Number(count!.Count),
  };
}

/** The rows of a label store that have a label. */
async function countLabelled(database: Database, { definition }: Pipeline, path: string): Promise<number> {
  const [counted] = await database.rows<{ labelled: bigint }>(
    `SELECT count(${identifier(definition.label)}) AS labelled FROM ${readParquetSql([path])}`,
  );
  return Number(counted!.labelled);
}

/**
 * Checks that a gold table has its keys, and its features or label as numbers. Returns its columns.
 * @throws PerdureError `ConfigInvalid`
 */
async function checkColumns(
  database: Database,
  sql: LayerSql,
  needed: { names: string[]; numbers: string[] },
): Promise<ResultColumn[]> {
  const columns = await checkLayerColumns(database, sql);
  const find = (name: string) => columns.find((column) => sameName(column.name) === sameName(name));
  const missing = needed.names.filter((name) => !find(name));
  if (missing.length > 0) {
    const given = listOf(columns.map(({ name }) => name));
    throw new PerdureError(
      'ConfigInvalid',
      `pipeline.json names ${listOf(missing)}, which ${sql.file} doesn't give (it gives ${given}); correct the name in pipeline.json or add the column to the query.`,
    );
  }
  const text = needed.numbers.map((name) => find(name)!).find(({ type }) => !NUMBER.test(type));
  if (text) {
    throw new PerdureError(
      'ConfigInvalid',
      `${sql.file} gives ${text.name} as ${text.type}, where a number is expected; write it as one, as CAST(${identifier(text.name)} = '...' AS INTEGER) does for one of two values.`,
    );
  }
  return columns;
}
