import { INTERNAL } from '../config/columns.js';
import { columnOf, fromColumns, type ModelOutput } from '../ml/modelOutput.js';
import { readColumns, writeColumns } from '../platform/files/parquet.js';
import type { RawTable } from '../ml/table.js';
import { valuesOf, type InputColumn } from './inputColumns.js';
import { scoreColumn } from './scoredRows.js';

/**
 * Numbers of the training rows before any transform, which later rows are compared with value by value: a column per
 * numeric feature, by its name, and the label of a regression; at most {@link MOST_ROWS} rows, spread evenly. What is
 * missing is not a number.
 */
export const REFERENCE_ROWS = 'reference_rows.parquet';

/** Enough to see a difference of .02 between two distribution functions, and a few megabytes. */
export const MOST_ROWS = 20_000;

/** Features whose values are compared; the others are compared by their categories. */
export function comparedNumbers(inputs: InputColumn[]): InputColumn[] {
  return inputs.filter(({ type, kind }) => type === 'numeric' && kind !== 'category');
}

/**
 * Writes a file of {@link REFERENCE_ROWS}; nothing where no column is a number.
 * @param labels where they are numbers
 * @returns whether it did
 */
export async function writeReferenceRows(
  path: string,
  inputs: InputColumn[],
  table: RawTable,
  labels: Float64Array | undefined,
): Promise<boolean> {
  const columns = Object.fromEntries([
    ...comparedNumbers(inputs).map(
      ({ name }) => [name, spread(valuesOf(table.columns.get(name)!), table.rows)] as const,
    ),
    ...(labels ? [[INTERNAL.label, spread(labels, table.rows)] as const] : []),
  ]);
  if (Object.keys(columns).length === 0) return false;
  await writeColumns(path, columns);
  return true;
}

/**
 * What a version said of held-out rows, with their labels: of the split that its performance is told of, at most
 * {@link MOST_ROWS} rows, spread evenly. Columns `scoreColumn(0)` and so on, in the order of a model's output, and
 * `INTERNAL.label`, as the task has labels. Later scores are compared with these, and estimates of performance learn
 * from them how far the model's probabilities are to be trusted.
 */
export const REFERENCE_SCORES = 'reference_scores.parquet';

/** Writes a file of {@link REFERENCE_SCORES}. */
export async function writeReferenceScores(
  path: string,
  labels: ArrayLike<number>,
  output: ModelOutput,
): Promise<void> {
  const rows = labels.length;
  const columns = Array.from(
    { length: output.width },
    (_, of) => [scoreColumn(of), spread(columnOf(output, of), rows)] as const,
  );
  await writeColumns(path, { ...Object.fromEntries(columns), [INTERNAL.label]: spread(labels, rows) });
}

/** Reads a file of {@link REFERENCE_SCORES}. */
export async function readReferenceScores(
  path: string,
  width: number,
): Promise<{ labels: Float64Array; output: ModelOutput }> {
  const [labels, ...columns] = await readColumns(path, [
    INTERNAL.label,
    ...Array.from({ length: width }, (_, of) => scoreColumn(of)),
  ]);
  return { labels: labels as Float64Array, output: fromColumns(columns) };
}

/** At most {@link MOST_ROWS} values of a column. */
function spread(values: ArrayLike<unknown>, rows: number): Float64Array {
  const kept = Math.min(MOST_ROWS, rows);
  return Float64Array.from({ length: kept }, (_, i) => Number(values[Math.floor((i * rows) / kept)]));
}
