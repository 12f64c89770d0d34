import { readChunks, type Column, type RowRange } from '../../data/parquet.js';
import type { TrainingShape } from '../estimators.js';
import type { MatrixFile } from './pool.js';
import type { DMatrix, XgBoost } from './xgboost.js';

/** Row-major float32; NaN is missing. */
export interface Features {
  values: Float32Array;
  rows: number;
  columns: number;
}

export interface Matrix extends Features {
  /** 0 or 1 a row. */
  labels: Float32Array;
}

/** Rows to train on in the library's memory, and rows to score on where the part is a fold. */
export interface TrainingPart {
  train: DMatrix;
  shape: TrainingShape;
  /** Root mean square a column, missing numbers left out. */
  scales: Float64Array;
  validation?: { matrix: DMatrix; labels: Float32Array };
}

export async function loadMatrix({ path, rows, features, label }: MatrixFile): Promise<Matrix> {
  const columns = features.length;
  const matrix = { values: new Float32Array(rows * columns), rows, columns, labels: new Float32Array(rows) };
  let start = 0;
  for await (const [labels, ...chunk] of readChunks(path, [label, ...features])) {
    fillRowMajor(matrix.values.subarray(start * columns), chunk);
    for (let row = 0; row < labels!.length; row++) matrix.labels[start + row] = Number(labels![row]);
    start += labels!.length;
  }
  return matrix;
}

/** Features to predict from, some 260,000 rows at a time. */
export async function* featureBlocks(path: string, features: string[], range: RowRange): AsyncGenerator<Features, void> {
  for await (const chunk of readChunks(path, features, range)) {
    const [rows, columns] = [chunk[0]?.length ?? 0, chunk.length];
    const values = new Float32Array(rows * columns);
    fillRowMajor(values, chunk);
    yield { values, rows, columns };
  }
}

function fillRowMajor(values: Float32Array, features: Column[]): void {
  features.forEach((feature, column) => {
    for (let row = 0; row < feature.length; row++) values[row * features.length + column] = Number(feature[row]);
  });
}

/** Every row to train on. */
export function wholePart(library: XgBoost, matrix: Matrix): TrainingPart {
  return {
    train: library.matrix(matrix.values, matrix.rows, matrix.columns, matrix.labels),
    shape: shapeOf(matrix),
    scales: scalesOf(matrix),
  };
}

/** The rows outside a fold to train on, those inside it to score on. @param folds fold a row */
export function foldPart(library: XgBoost, matrix: Matrix, folds: Uint8Array, fold: number): TrainingPart {
  const part = wholePart(library, rowsWhere(matrix, (row) => folds[row] !== fold));
  const validation = rowsWhere(matrix, (row) => folds[row] === fold);
  return { ...part, validation: { matrix: library.matrix(validation.values, validation.rows, validation.columns), labels: validation.labels } };
}

export function freePart(part: TrainingPart): void {
  part.train.free();
  part.validation?.matrix.free();
}

function rowsWhere(matrix: Matrix, belongs: (row: number) => boolean): Matrix {
  const { columns } = matrix;
  const chosen = Uint32Array.from({ length: matrix.rows }, (_, row) => row).filter(belongs);
  const values = new Float32Array(chosen.length * columns);
  chosen.forEach((row, i) => values.set(matrix.values.subarray(row * columns, (row + 1) * columns), i * columns));
  return { values, rows: chosen.length, columns, labels: Float32Array.from(chosen, (row) => matrix.labels[row]!) };
}

function shapeOf({ rows, columns, labels }: Matrix): TrainingShape {
  return { rows, features: columns, positives: labels.reduce((sum, label) => sum + label, 0) };
}

function scalesOf({ values, columns }: Features): Float64Array {
  const squares = new Float64Array(columns);
  const counts = new Float64Array(columns);
  values.forEach((value, cell) => {
    if (Number.isNaN(value)) return;
    squares[cell % columns]! += value * value;
    counts[cell % columns]! += 1;
  });
  return squares.map((sum, column) => Math.sqrt(sum / Math.max(1, counts[column]!)));
}
