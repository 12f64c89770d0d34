import { writeColumns } from '../platform/files/parquet.js';
import type { RawTable } from '../ml/table.js';
import { valuesOf, type InputColumn } from './inputColumns.js';

/**
 * Numbers of the training rows before any transform, which later rows are compared with value by value: a column per
 * numeric feature, by its name, and at most {@link MOST_ROWS} rows, spread evenly. What is missing is not a number.
 */
export const REFERENCE_ROWS = 'reference_rows.parquet';

/** Enough to see a difference of .02 between two distribution functions, and a few megabytes. */
export const MOST_ROWS = 20_000;

/** Features whose values are compared; the others are compared by their categories. */
export function comparedNumbers(inputs: InputColumn[]): InputColumn[] {
  return inputs.filter(({ type, kind }) => type === 'numeric' && kind !== 'category');
}

/** Writes a file of {@link REFERENCE_ROWS}; nothing where no feature is a number. @returns whether it did */
export async function writeReferenceRows(path: string, inputs: InputColumn[], table: RawTable): Promise<boolean> {
  const numbers = comparedNumbers(inputs);
  if (numbers.length === 0) return false;
  const kept = Math.min(MOST_ROWS, table.rows);
  const columns = numbers.map(({ name }) => {
    const values = valuesOf(table.columns.get(name)!);
    return [
      name,
      Float64Array.from({ length: kept }, (_, i) => Number(values[Math.floor((i * table.rows) / kept)])),
    ] as const;
  });
  await writeColumns(path, Object.fromEntries(columns));
  return true;
}
