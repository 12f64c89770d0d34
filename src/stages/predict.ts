import { join } from 'node:path';
import { carriedColumns, INTERNAL, INTERNAL_PREFIX, type PredictionColumn } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import type { ModelRef, PredictInput, PredictionsRef, TaskSpec } from '../contracts/index.js';
import { describe, identifier, literal, readParquetSql, withDuckDb, type Database } from '../data/duckdb.js';
import { requireOneRowAKey } from '../data/goldKeys.js';
import { inputsDigestSql, newRowsQuery } from '../data/newRows.js';
import { writeColumns, type Column } from '../platform/files/parquet.js';
import { storePredictions, type PredictionsFile } from '../data/predictions.js';
import { InputReader, inputSql, readableSql, type InputColumn } from '../data/inputColumns.js';
import { writeMatrix } from '../data/matrix.js';
import { PerdureError } from '../errors.js';
import type { ModelOutput } from '../ml/modelOutput.js';
import type { RawTable } from '../ml/table.js';
import { taskOf } from '../ml/tasks/task.js';
import { sourceColumns } from '../ml/transforms/sourceColumns.js';
import type { Preprocessing } from '../registry/versions.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import type { Stage, StageContext } from './context.js';
import { openModel, scoreRows, thresholdOf, type OpenModel } from './openModel.js';
import { reasonNumbers, reasonSql, reasonsOf, reasonsUnknown } from './predictionReasons.js';

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
  const model = await openModel(stores.modelRegistry, input.model);
  const file = join(context.scratch, 'predictions.parquet');
  const unexplained = pipeline.config.inference_config.reasons > 0 ? reasonsUnknown(model) : undefined;
  const { known, ...counts } = await withDuckDb(context, async (database) => {
    await requireOneRowAKey(database, pipeline, stores);
    const { sql, known } = await newRowsQuery(database, pipeline, stores, input);
    if (known.some((stored) => isMine(stored, input))) return { rows: 0, batches: 0, known };
    const rows = sql ? await loadNewRows(database, pipeline, sql, model.preprocessing) : 0;
    const batches = await scoreInBatches(context, database, pipeline, model, rows);
    if (rows > 0) await writePredictions(database, pipeline, input.model, file);
    return { rows, batches, known };
  });

  const mine = known.find((stored) => isMine(stored, input));
  if (mine) return refTo(predictions, mine, mine);
  if (counts.rows > 0) {
    const { run, asOf } = input;
    const features = model.preprocessing.inputs.map(({ name }) => name);
    const stored = await storePredictions(predictions, file, known, {
      ...counts,
      model: input.model,
      features,
      run,
      asOf,
    });
    return { ...refTo(predictions, stored, counts), ...(unexplained !== undefined && { unexplained }) };
  }
  const newest = known.at(-1);
  if (!newest)
    throw new PerdureError('NotFound', 'The gold rows to predict are gone; run data processing, then inference again.');
  return refTo(predictions, newest, counts);
};

function isMine({ run }: PredictionsFile, input: PredictInput): boolean {
  return run.runId === input.run.runId;
}

function refTo(
  predictions: ObjectStore,
  { key, checksum }: PredictionsFile,
  { rows, batches }: { rows: number; batches: number },
): PredictionsRef {
  return { uri: predictions.uri(key), checksum, rows, batches };
}

/** Keys, the column of the days and the model's features per new row, numbered by day and keys. */
async function loadNewRows(
  database: Database,
  pipeline: Pipeline,
  newRows: string,
  { inputs }: Preprocessing,
): Promise<number> {
  const carried = carriedColumns(pipeline.definition).map(identifier);
  const features = inputs.map(({ name }) => name);
  const values = inputs.map((input, i) => `${inputSql(input)} AS ${inputColumn(i)}`);
  const { keys, partition } = pipeline.definition;
  const order = [...(partition.column === undefined ? [] : [partition.column]), ...keys].map(identifier).join(', ');
  await database.run(`
    CREATE TEMP TABLE ${INTERNAL.newRows} AS
    SELECT row_number() OVER (ORDER BY ${order}) - 1 AS ${INTERNAL.row}, ${[...carried, ...values].join(', ')},
      ${inputsDigestSql(features, await describe(database, newRows))} AS ${INTERNAL.inputs}
    FROM (${newRows})`);
  const [counted] = await database.rows<{ rows: number }>(
    `SELECT CAST(count(*) AS INTEGER) AS rows FROM ${INTERNAL.newRows}`,
  );
  return counted!.rows;
}

/** Fills the table `INTERNAL.scores`, and returns the number of batches. */
async function scoreInBatches(
  context: StageContext,
  database: Database,
  pipeline: Pipeline,
  model: OpenModel,
  rows: number,
): Promise<number> {
  const { batch_size } = pipeline.config.inference_config;
  const { task, inputs, transforms, features } = model.preprocessing;
  const threshold = thresholdOf(pipeline, model.threshold);
  const count = reasonsUnknown(model) === undefined ? pipeline.config.inference_config.reasons : 0;
  const sources = sourceColumns(transforms);
  const texts = inputs.map(({ name, kind }, i) => ({ name, kind, sql: inputColumn(i) }));
  const { scores } = INTERNAL;
  const batches = Math.ceil(rows / batch_size);
  for (let batch = 0; batch < batches; batch++) {
    const first = batch * batch_size;
    const path = join(context.scratch, 'batch.parquet');
    await writeMatrix(path, transforms, await readBatch(database, inputs, first, Math.min(batch_size, rows - first)));
    const output = await scoreRows(context, model, { path, features });
    const scoresPath = join(context.scratch, 'scores.parquet');
    const columns = scoreColumns(pipeline, task, output, threshold);
    const reasons = count > 0 ? await reasonsOf(context, model, { path, features }, output, count) : undefined;
    await writeColumns(scoresPath, {
      [INTERNAL.row]: Int32Array.from({ length: output.values.length / output.width }, (_, i) => first + i),
      ...numbersOf(columns),
      ...(reasons && reasonNumbers(reasons, count)),
    });
    const selected = [
      INTERNAL.row,
      ...columns.map(({ name, texts }) => {
        const value = `${scores}.${identifier(name)}`;
        return `${texts ? `list_extract([${texts.map(literal).join(', ')}], ${value} + 1)` : value} AS ${identifier(name)}`;
      }),
      ...reasonSql(count, sources, texts),
    ];
    const said = `${readParquetSql([scoresPath])} AS ${scores}`;
    await database.run(
      `${batch === 0 ? `CREATE TEMP TABLE ${scores} AS` : `INSERT INTO ${scores}`} SELECT ${selected.join(', ')} FROM ${count > 0 ? `${said} JOIN ${INTERNAL.newRows} USING (${INTERNAL.row})` : said}`,
    );
    context.report({ what: 'batches', done: batch + 1, total: batches });
  }
  return batches;
}

async function readBatch(database: Database, inputs: InputColumn[], first: number, rows: number): Promise<RawTable> {
  const reader = new InputReader(inputs, rows);
  const { newRows, row } = INTERNAL;
  const values = inputs.map((input, i) => readableSql(input, inputColumn(i)));
  const sql = `SELECT ${values.join(', ')} FROM ${newRows} WHERE ${row} BETWEEN ${first} AND ${first + rows - 1} ORDER BY ${row}`;
  for await (const chunk of database.chunks(sql))
    reader.take(
      chunk,
      Array.from({ length: chunk.rowCount }, (_, i) => i),
    );
  return reader.table();
}

/** A column of a predictions file: numbers, or with `texts` positions among them. */
interface ScoreColumn {
  name: string;
  values: Column;
  texts?: string[];
}

function scoreColumns(pipeline: Pipeline, task: TaskSpec, output: ModelOutput, threshold: number): ScoreColumn[] {
  const { confidence_intervals } = pipeline.config.inference_config;
  const columns = taskOf(task)
    .predictionColumns(output, threshold)
    .map(({ name, values }): ScoreColumn => {
      if (!Array.isArray(values)) return { name, values };
      const texts = [...new Set(values)];
      return { name, values: Int32Array.from(values, (text) => texts.indexOf(text)), texts };
    });
  if (!confidence_intervals || task.task === 'regression') return columns;
  return [...columns, { name: 'confidence' satisfies PredictionColumn, values: confidenceOf(output) }];
}

/** The probability of the likelier class of two, or of the likeliest of several. */
function confidenceOf({ values, width }: ModelOutput): Float64Array {
  if (width === 1) return values.map((p) => Math.max(p, 1 - p));
  return Float64Array.from({ length: values.length / width }, (_, row) =>
    Math.max(...values.subarray(row * width, (row + 1) * width)),
  );
}

function numbersOf(columns: ScoreColumn[]): Record<string, Column> {
  return Object.fromEntries(columns.map(({ name, values }) => [name, values]));
}

async function writePredictions(
  database: Database,
  pipeline: Pipeline,
  { algorithm, version }: ModelRef,
  file: string,
): Promise<void> {
  const { newRows, scores, row } = INTERNAL;
  const carried = carriedColumns(pipeline.definition).map((name) => `${newRows}.${identifier(name)}`);
  await database.run(`
    COPY (
      SELECT ${carried.join(', ')}, ${scores}.* EXCLUDE (${row}), ${literal(algorithm)} AS algorithm, ${literal(version)} AS version, ${newRows}.${INTERNAL.inputs}
      FROM ${newRows} JOIN ${scores} USING (${row}) ORDER BY ${row}
    ) TO ${literal(file)} (FORMAT parquet)`);
}

/** A key may be a feature as well: inputs get names of their own. */
function inputColumn(position: number): string {
  return `${INTERNAL_PREFIX}input_${position}`;
}
