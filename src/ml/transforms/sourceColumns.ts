import type { FittedTransforms } from './fitted.js';

/** A column of the table, and where the model's columns that it becomes stand among all of them. */
export interface SourceColumn {
  feature: string;
  positions: number[];
}

/** The table's columns that become some of the model's: each of the model's is of one of them. */
export function sourceColumns({ columns }: FittedTransforms): SourceColumn[] {
  let next = 0;
  return columns
    .map(({ column, outputs }) => ({ feature: column, positions: outputs.map(() => next++) }))
    .filter(({ positions }) => positions.length > 0);
}

/**
 * Numbers of the model's columns added up per column of the table, as SHAP values may be.
 *
 * @param values row-major, `width` numbers a row, of which the first are those of the model's columns
 * @returns row-major, a number per column of the table
 */
export function summedBySource(values: ArrayLike<number>, width: number, sources: SourceColumn[]): Float64Array {
  const rows = values.length / width;
  const sums = new Float64Array(rows * sources.length);
  for (let row = 0; row < rows; row++)
    sources.forEach(({ positions }, source) => {
      for (const position of positions) sums[row * sources.length + source]! += values[row * width + position]!;
    });
  return sums;
}
