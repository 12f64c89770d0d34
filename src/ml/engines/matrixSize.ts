import type { MatrixFile } from './pool.js';

type Shape = Pick<MatrixFile, 'rows' | 'features'>;

/** What the library keeps a cell: 8 bytes by row, 8 by column (linear models), 2 of histogram bins (trees). */
const LIBRARY_BYTES_PER_CELL = 18;

/** Bytes of a matrix that is loaded, label included. */
export function matrixBytes({ rows, features }: Shape): number {
  return rows * (features.length + 1) * Float32Array.BYTES_PER_ELEMENT;
}

/** Estimated bytes that the library takes for a matrix, rows to score on included. */
export function libraryBytes({ rows, features }: Shape): number {
  return rows * features.length * LIBRARY_BYTES_PER_CELL;
}
