import { join } from 'node:path';
import { INTERNAL, INTERNAL_PREFIX, PREDICTION_COLUMNS, type PredictionColumn } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import type { ModelRef, PredictInput, PredictionsRef } from '../contracts/index.js';
import { identifier, literal, readParquetSql, withDuckDb, type Database } from '../data/duckdb.js';
import { inputsDigestSql, newRowsQuery } from '../data/newRows.js';
import { writeColumns, type Column } from '../data/parquet.js';
import { storePredictions, type PredictionsFile } from '../data/predictions.js';
import { scaledSql } from '../data/scaling.js';
import { PerdureError } from '../errors.js';
import { isPositive } from '../ml/metrics.js';
import type { Preprocessing } from '../registry/versions.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import type { Stage, StageContext } from './context.js';
import { openModel, type OpenModel } from './openModel.js';

/**
 * Scores the gold rows that no stored prediction covers, or those that are asked for again, `batch_size` rows at a time, and stores them as one
 * predictions file. A run stores one file: asked again, it gets that one back. Where another run was faster and left
 * nothing to score, the result is that run's file, with 0 rows.
 *
 * @throws PerdureError `PreconditionFailed` where another run stores predictions meanwhile
 */
export const predict: Stage<PredictInput, PredictionsRef> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const stores = context.stores(pipeline);
  const { predictions } = stores;
  const { sql, known } = await newRowsQuery(pipeline, stores, input);
  const mine = known.find(({ run }) => run.runId === input.run.runId);
  if (mine) return refTo(predictions, mine, mine);

  const model = await openModel(stores.modelRegistry, input.model);
  const file = join(context.scratch, 'predictions.parquet');
  const counts = await withDuckDb(context, async (database) => {
    const rows = sql ? await loadNewRows(database, pipeline, sql, model.preprocessing) : 0;
    const batches = await scoreInBatches(context, database, pipeline, model, rows);
    if (rows > 0) await writePredictions(database, pipeline, input.model, file);
    return { rows, batches };
  });

  if (counts.rows > 0) {
    const { run, asOf } = input;
    const { features } = model.preprocessing;
    return refTo(predictions, await storePredictions(predictions, file, known, { ...counts, model: input.model, features, run, asOf }), counts);
  }
  const newest = known.at(-1);
  if (!newest) throw new PerdureError('NotFound', 'The gold rows to predict are gone; run data processing, then inference again.');
  return refTo(predictions, newest, counts);
};

function refTo(predictions: ObjectStore, { key, checksum }: PredictionsFile, { rows, batches }: { rows: number; batches: number }): PredictionsRef {
  return { uri: predictions.uri(key), checksum, rows, batches };
}

/** Keys, partition date and the model's inputs per new row, numbered by date and keys. */
async function loadNewRows(database: Database, pipeline: Pipeline, newRows: string, { features, scaler }: Preprocessing): Promise<number> {
  const carried = carriedColumns(pipeline).map(identifier);
  const inputs = features.map((name, i) => `${scaledSql(name, scaler)} AS ${inputColumn(i)}`);
  const order = [pipeline.definition.partition.column, ...pipeline.definition.keys].map(identifier).join(', ');
  await database.run(`
    CREATE TEMP TABLE ${INTERNAL.newRows} AS
    SELECT row_number() OVER (ORDER BY ${order}) - 1 AS ${INTERNAL.row}, ${[...carried, ...inputs].join(', ')},
      ${inputsDigestSql(features)} AS ${INTERNAL.inputs}
    FROM (${newRows})`);
  const [counted] = await database.rows<{ rows: number }>(`SELECT CAST(count(*) AS INTEGER) AS rows FROM ${INTERNAL.newRows}`);
  return counted!.rows;
}

/** Fills the table `INTERNAL.scores`, and returns the number of batches. */
async function scoreInBatches(context: StageContext, database: Database, pipeline: Pipeline, model: OpenModel, rows: number): Promise<number> {
  const { batch_size, prediction_threshold, confidence_intervals } = pipeline.config.inference_config;
  const { modelPath } = model;
  const { features } = model.preprocessing;
  const { newRows, scores, row } = INTERNAL;
  const inputs = features.map((name, i) => `${inputColumn(i)} AS ${identifier(name)}`).join(', ');
  const batches = Math.ceil(rows / batch_size);
  for (let batch = 0; batch < batches; batch++) {
    const first = batch * batch_size;
    const path = join(context.scratch, 'batch.parquet');
    await database.run(`
      COPY (SELECT ${inputs} FROM ${newRows} WHERE ${row} BETWEEN ${first} AND ${first + batch_size - 1} ORDER BY ${row})
      TO ${literal(path)} (FORMAT parquet)`);
    const probability = await context.engines.predictProbability({ modelPath, data: { path, features } }, context.signal);

    const columns: Record<string, Column> = {
      [row]: Int32Array.from(probability, (_, i) => first + i),
      probability,
      label: Int8Array.from(probability, (p) => (isPositive(p, prediction_threshold) ? 1 : 0)),
    } satisfies Partial<Record<PredictionColumn | typeof row, Column>>;
    if (confidence_intervals) columns['confidence' satisfies PredictionColumn] = probability.map((p) => Math.max(p, 1 - p));
    const scoresPath = join(context.scratch, 'scores.parquet');
    await writeColumns(scoresPath, columns);
    await database.run(`${batch === 0 ? `CREATE TEMP TABLE ${scores} AS` : `INSERT INTO ${scores}`} SELECT * FROM ${readParquetSql([scoresPath])}`);
    context.report({ what: 'batches', done: batch + 1, total: batches });
  }
  return batches;
}

async function writePredictions(database: Database, pipeline: Pipeline, { algorithm, version }: ModelRef, file: string): Promise<void> {
  const { newRows, scores, row } = INTERNAL;
  const carried = carriedColumns(pipeline).map((name) => `${newRows}.${identifier(name)}`);
  const own: Record<PredictionColumn, string> = {
    probability: `${scores}.probability`,
    label: `${scores}.label`,
    confidence: `${scores}.confidence`,
    algorithm: literal(algorithm),
    version: literal(version),
  };
  const written = PREDICTION_COLUMNS.filter((name) => name !== 'confidence' || pipeline.config.inference_config.confidence_intervals);
  await database.run(`
    COPY (
      SELECT ${[...carried, ...written.map((name) => `${own[name]} AS ${name}`)].join(', ')}, ${newRows}.${INTERNAL.inputs}
      FROM ${newRows} JOIN ${scores} USING (${row}) ORDER BY ${row}
    ) TO ${literal(file)} (FORMAT parquet)`);
}

/** Columns of gold that predictions carry. */
function carriedColumns({ definition }: Pipeline): string[] {
  return [...new Set([...definition.keys, definition.partition.column])];
}

/** A key may be a feature as well: inputs get names of their own. */
function inputColumn(position: number): string {
  return `${INTERNAL_PREFIX}input_${position}`;
}
