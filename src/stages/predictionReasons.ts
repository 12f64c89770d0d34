import { INTERNAL, reasonColumns } from '../config/columns.js';
import type { RowsOfFile } from '../ml/engines/pool.js';
import { mostProbable, type ModelOutput } from '../ml/modelOutput.js';
import { strongestReasons, type Reasons } from '../ml/reasons.js';
import { sourceColumns, summedBySource, type SourceColumn } from '../ml/transforms/sourceColumns.js';
import { literal } from '../data/duckdb.js';
import type { InputColumn } from '../data/inputColumns.js';
import type { Column } from '../platform/files/parquet.js';
import type { StageContext } from './context.js';
import type { OpenModel } from './openModel.js';

/** Contributions that are held at once, 32 MB of them. */
const MOST_NUMBERS = 4_000_000;

/** Why a version's predictions can't have reasons, in a sentence; `undefined` where they can. */
export function reasonsUnknown({
  background,
  notExplained,
}: Pick<OpenModel, 'background' | 'notExplained'>): string | undefined {
  if (notExplained !== undefined) return notExplained;
  return background
    ? undefined
    : 'Its version was made by an earlier release, which kept nothing that SHAP values are counted from; train again with --again.';
}

/**
 * The strongest reasons for what a model said of the rows of a file, by their SHAP values: of a row with several classes
 * those for the class that it got. A few rows at a time, so that the memory stays the same for any number of them.
 *
 * @param output what the model said of these rows
 * @param count reasons per row
 */
export async function reasonsOf(
  { engines, signal }: Pick<StageContext, 'engines' | 'signal'>,
  { modelPath, task, preprocessing, background }: OpenModel,
  data: RowsOfFile,
  output: ModelOutput,
  count: number,
): Promise<Reasons> {
  const sources = sourceColumns(preprocessing.transforms);
  const rows = output.values.length / output.width;
  const width = data.features.length + 1;
  const atOnce = Math.max(1, Math.floor(MOST_NUMBERS / (width * output.width)));
  const decided = output.width > 1 ? mostProbable(output) : undefined;
  const found: Reasons = { features: new Int32Array(rows * count), contributions: new Float64Array(rows * count) };
  for (let offset = 0; offset < rows; offset += atOnce) {
    const limit = Math.min(atOnce, rows - offset);
    const request = { modelPath, task, data: { ...data, offset, limit }, background: background?.values };
    const values = await engines.contributions(request, signal);
    const chosen = decided ? ofClasses(values, width, output.width, decided.subarray(offset)) : values;
    const strongest = strongestReasons(summedBySource(chosen, width, sources), sources.length, count);
    found.features.set(strongest.features, offset * count);
    found.contributions.set(strongest.contributions, offset * count);
  }
  return found;
}

/** Of the contributions to each class of a row those to one of them. */
function ofClasses(values: Float64Array, width: number, classes: number, decided: Int32Array): Float64Array {
  const rows = values.length / (width * classes);
  const chosen = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const start = (row * classes + decided[row]!) * width;
    chosen.set(values.subarray(start, start + width), row * width);
  }
  return chosen;
}

/** Reasons as columns of numbers: which feature, and its contribution. */
export function reasonNumbers({ features, contributions }: Reasons, count: number): Record<string, Column> {
  const rows = features.length / count;
  return Object.fromEntries(
    reasonColumns(count).flatMap(({ feature, contribution }, nth): [string, Column][] => [
      [feature, Int32Array.from({ length: rows }, (_, row) => features[row * count + nth]!)],
      [contribution, Float64Array.from({ length: rows }, (_, row) => contributions[row * count + nth]!)],
    ]),
  );
}

/**
 * SQL for the columns of a predictions file that tell reasons: the name of a feature, its value as text and its contribution.
 *
 * @param inputs of the model, with SQL for the value of each as `inputSql` gives it
 */
export function reasonSql(
  count: number,
  sources: readonly SourceColumn[],
  inputs: readonly (Pick<InputColumn, 'name' | 'kind'> & { sql: string })[],
): string[] {
  const names = `[${sources.map(({ feature }) => literal(feature)).join(', ')}]`;
  const texts = sources.map(({ feature }, source) => {
    const { kind, sql } = inputs.find(({ name }) => name === feature)!;
    return `WHEN ${source} THEN ${valueSql(kind, sql)}`;
  });
  return reasonColumns(count).flatMap(({ feature, value, contribution }) => {
    const position = `${INTERNAL.scores}.${feature}`;
    return [
      `${names}[${position} + 1] AS ${feature}`,
      `CASE ${position} ${texts.join(' ')} END AS ${value}`,
      `nullif(${INTERNAL.scores}.${contribution}, 'NaN'::DOUBLE) AS ${contribution}`,
    ];
  });
}

/** A value as people write it: a whole number without a point, a day without a time. */
function valueSql(kind: InputColumn['kind'], sql: string): string {
  if (kind === 'category') return sql;
  const whole = `${sql} = trunc(${sql}) AND abs(${sql}) < 1e15`;
  if (kind === 'number')
    return `CASE WHEN NOT isfinite(${sql}) THEN NULL WHEN ${whole} THEN CAST(CAST(${sql} AS BIGINT) AS VARCHAR) ELSE CAST(${sql} AS VARCHAR) END`;
  const moment = `make_timestamp(CAST(round(${sql} * 86400e6) AS BIGINT))`;
  return `CASE WHEN ${sql} = floor(${sql}) THEN CAST(CAST(${moment} AS DATE) AS VARCHAR) ELSE CAST(${moment} AS VARCHAR) END`;
}
