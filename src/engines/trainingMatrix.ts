import { readColumns, type Column, type RowRange } from '../data/parquet.js';
import type { TrainingShape } from './estimators.js';
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

/** What the library keeps a cell: 8 bytes by row, 8 by column (linear models), 2 of histogram bins (trees). */
const BYTES_PER_CELL = 18;

export async function loadMatrix(file: MatrixFile): Promise<Matrix> {
  const [labels, ...features] = await readColumns(file.path, [file.label, ...file.features]);
  return { ...rowMajor(features), labels: Float32Array.from(labels as ArrayLike<number | bigint>, Number) };
}

export async function loadFeatures(path: string, features: string[], range: RowRange): Promise<Features> {
  return rowMajor(await readColumns(path, features, range));
}

function rowMajor(features: Column[]): Features {
  const columns = features.length;
  const rows = features[0]?.length ?? 0;
  const values = new Float32Array(rows * columns);
  features.forEach((feature, column) => {
    for (let row = 0; row < rows; row++) values[row * columns + column] = Number(feature[row]);
  });
  return { values, rows, columns };
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
  const train = rowsWhere(matrix, (row) => folds[row] !== fold);
  const validation = rowsWhere(matrix, (row) => folds[row] === fold);
  return {
    ...wholePart(library, train),
    validation: { matrix: library.matrix(validation.values, validation.rows, validation.columns), labels: validation.labels },
  };
}

/** Estimated bytes of native memory. */
export function bytesOf(part: TrainingPart): number {
  return (part.train.rows + (part.validation?.matrix.rows ?? 0)) * part.shape.features * BYTES_PER_CELL;
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
