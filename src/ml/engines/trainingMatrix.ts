import { readChunks, type Column } from '../../platform/files/parquet.js';
import type { DataNeeds, TrainingShape } from '../estimators/estimator.js';
import type { Folds } from '../folds.js';
import type { Dataset, Features, Library, Matrix, Rows } from './binding.js';
import type { MatrixFile, RowsOfFile, ScoredRows, Shuffle } from './pool.js';

/** Rows to train on as a library has them, and rows to score on where the part is a fold. */
export interface TrainingPart {
  train: Dataset;
  shape: TrainingShape;
  validation?: { rows: Rows; labels: Float64Array };
}

export async function loadMatrix({ path, rows, features, label }: MatrixFile): Promise<Matrix> {
  const columns = features.length;
  const matrix = { values: new Float32Array(rows * columns), rows, columns, labels: new Float64Array(rows) };
  let start = 0;
  for await (const [labels, ...chunk] of readChunks(path, [label, ...features])) {
    fillRowMajor(matrix.values.subarray(start * columns), chunk);
    for (let row = 0; row < labels!.length; row++) matrix.labels[start + row] = Number(labels![row]);
    start += labels!.length;
  }
  return matrix;
}

/** Numbers of a block of shuffled rows, 16 MB of them. */
const MOST_NUMBERS = 4_000_000;

/** Features to predict from, a part of the rows at a time. */
export async function* featureBlocks(data: ScoredRows): AsyncGenerator<Features, void> {
  if ('path' in data) yield* blocksOfFile(data);
  else if ('shuffles' in data) yield* shuffledBlocks(featuresOf(data.columns), data.shuffles);
  else yield featuresOf(data.columns);
}

async function* blocksOfFile({ path, features, ...range }: RowsOfFile): AsyncGenerator<Features, void> {
  for await (const chunk of readChunks(path, features, range)) yield featuresOf(chunk);
}

/** The rows once per shuffle, as many shuffles at a time as a block takes, and one at least. */
function* shuffledBlocks({ values, rows, columns }: Features, shuffles: readonly Shuffle[]): Generator<Features, void> {
  const atOnce = Math.max(1, Math.floor(MOST_NUMBERS / values.length));
  for (let first = 0; first < shuffles.length; first += atOnce) {
    const some = shuffles.slice(first, first + atOnce);
    const block = new Float32Array(values.length * some.length);
    some.forEach(({ positions, order }, i) => {
      const shuffled = block.subarray(i * values.length, (i + 1) * values.length);
      shuffled.set(values);
      for (const column of positions)
        order.forEach((from, row) => (shuffled[row * columns + column] = values[from * columns + column]!));
    });
    yield { values: block, rows: rows * some.length, columns };
  }
}

/** @param columns a value per row each */
function featuresOf(columns: Column[]): Features {
  const rows = columns[0]?.length ?? 0;
  const values = new Float32Array(rows * columns.length);
  fillRowMajor(values, columns);
  return { values, rows, columns: columns.length };
}

function fillRowMajor(values: Float32Array, features: Column[]): void {
  features.forEach((feature, column) => {
    for (let row = 0; row < feature.length; row++) values[row * features.length + column] = Number(feature[row]);
  });
}

/** Every row to train on. */
export async function wholePart(
  library: Library,
  matrix: Matrix,
  features: string[],
  needs: DataNeeds,
): Promise<TrainingPart> {
  return { train: await library.dataset(matrix, features, needs), shape: shapeOf(matrix) };
}

/** Which rows are a fold's, and what is fitted anew within it. */
export interface FoldOfMatrix {
  folds: Folds;
  fold: number;
  /** By the position of a feature: a value per row of the matrix, which takes the place of the matrix's own. */
  refitted: ReadonlyMap<number, ArrayLike<number>>;
}

/** The rows that a fold's model learns from, and those that it is scored on. */
export async function foldPart(
  library: Library,
  matrix: Matrix,
  features: string[],
  needs: DataNeeds,
  { folds, fold, refitted }: FoldOfMatrix,
): Promise<TrainingPart> {
  const part = await wholePart(library, rowsOf(matrix, folds.train(fold), refitted), features, needs);
  const validation = rowsOf(matrix, folds.test(fold), refitted);
  return { ...part, validation: { rows: library.rows(validation), labels: validation.labels } };
}

export function freePart(part: TrainingPart): void {
  part.train.free();
  part.validation?.rows.free();
}

function rowsOf(matrix: Matrix, chosen: Int32Array, refitted: FoldOfMatrix['refitted']): Matrix {
  const { columns } = matrix;
  const values = new Float32Array(chosen.length * columns);
  chosen.forEach((row, i) => values.set(matrix.values.subarray(row * columns, (row + 1) * columns), i * columns));
  for (const [position, own] of refitted) chosen.forEach((row, i) => (values[i * columns + position] = own[row]!));
  return { values, rows: chosen.length, columns, labels: Float64Array.from(chosen, (row) => matrix.labels[row]!) };
}

function shapeOf({ rows, columns, labels }: Matrix): TrainingShape {
  return { rows, features: columns, positives: labels.reduce((sum, label) => sum + (label === 1 ? 1 : 0), 0) };
}
