import type { Booster, DMatrix, XgBoost } from '../../src/ml/engines/xgboost.js';

/** Rows for trees to learn from or to say something of. */
export interface TreeRows {
  /** Row-major; NaN is missing. */
  values: Float32Array;
  rows: number;
  columns: number;
  /** The column whose values are positions of categories. @default none */
  categorical?: number;
}

export function matrixOf(library: XgBoost, { values, rows, columns, categorical }: TreeRows): DMatrix {
  const matrix = library.matrix(values, rows, columns);
  if (categorical !== undefined) matrix.setCategoricals([categorical], columns);
  return matrix;
}

/** Trees by the library itself, with the settings as they are. @param labels of a row, as many of each */
export function trainedTrees(
  library: XgBoost,
  table: TreeRows,
  settings: Record<string, string | number>,
  { rounds, labels }: { rounds: number; labels: (row: number) => number[] },
): Booster {
  const matrix = matrixOf(library, table);
  const ofRows = Array.from({ length: table.rows }, (_, row) => labels(row));
  matrix.setLabels(Float32Array.from(ofRows.flat()), ofRows[0]!.length);
  const names = Array.from({ length: table.columns }, (_, column) => `c${column}`);
  const booster = library.booster(matrix, names, { tree_method: 'hist', nthread: 1, ...settings });
  for (let round = 0; round < rounds; round++) booster.update(round, matrix);
  return booster;
}
