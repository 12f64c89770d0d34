import { PerdureError } from '../../errors.js';
import type { TrainingRecipe } from '../estimators/estimator.js';
import type { Matrix } from './binding.js';

/** What a row is worth: `bias` plus the sum of its features times `weights`, a missing number as 0, through the link. */
export interface LinearModel {
  weights: Float64Array;
  bias: number;
}

/** Of a column's variance, what must not follow from the columns before it for it to count as a column of its own. */
const INDEPENDENT = 1e-9;
const MAX_STEPS = 50;
/** Of the deviance: what the next step would gain at most, for it to be left out. */
const CONVERGED = 1e-10;

/**
 * The weights with the least sum of squared errors (`identity`), or of Poisson deviance / 2 (`log`), plus half the
 * ridge times their squares; in double precision. Columns that follow from others have the weight 0, as any weights
 * that they share predict alike.
 *
 * @throws PerdureError `InputInvalid` for counts below 0
 */
export function solveLinear(matrix: Matrix, { link, ridge }: NonNullable<TrainingRecipe['solve']>): LinearModel {
  if (link === 'identity') return leastSquares(matrix, matrix.labels, undefined, ridge);
  return poissonRegression(matrix, ridge);
}

/** Newton's steps, each a least-squares problem of its own (iteratively reweighted), halved where they go too far. */
function poissonRegression(matrix: Matrix, ridge: number): LinearModel {
  const { labels, rows } = matrix;
  if (labels.some((label) => label < 0))
    throw new PerdureError(
      'InputInvalid',
      'A label is below 0, and the objective poisson needs counts; choose squared_error or absolute_error.',
    );
  const total = labels.reduce((sum, label) => sum + label, 0);
  if (total === 0)
    throw new PerdureError(
      'InputInvalid',
      'Every label is 0, which no Poisson regression can fit; use rows with other labels as well.',
    );
  let model: LinearModel = { weights: new Float64Array(matrix.columns), bias: Math.log(total / rows) };
  let margins = marginsOf(matrix, model);
  let loss = poissonLoss(labels, margins, model, ridge);
  const means = new Float64Array(rows);
  const targets = new Float64Array(rows);
  for (let step = 0; step < MAX_STEPS; step++) {
    for (let row = 0; row < rows; row++) {
      means[row] = Math.exp(margins[row]!);
      targets[row] = margins[row]! + (labels[row]! - means[row]!) / means[row]!;
    }
    let next = leastSquares(matrix, targets, means, ridge);
    for (let halvings = 0; ; halvings++) {
      const nextMargins = marginsOf(matrix, next);
      const nextLoss = poissonLoss(labels, nextMargins, next, ridge);
      if (nextLoss <= loss) {
        const gained = loss - nextLoss;
        [model, margins, loss] = [next, nextMargins, nextLoss];
        if (gained <= CONVERGED * Math.max(1, Math.abs(loss))) return model;
        break;
      }
      if (halvings === 30) return model;
      next = {
        weights: next.weights.map((weight, i) => (weight + model.weights[i]!) / 2),
        bias: (next.bias + model.bias) / 2,
      };
    }
  }
  return model;
}

function poissonLoss(labels: Float64Array, margins: Float64Array, { weights }: LinearModel, ridge: number): number {
  let loss = 0;
  for (let row = 0; row < labels.length; row++) loss += Math.exp(margins[row]!) - labels[row]! * margins[row]!;
  const penalty = (ridge / 2) * weights.reduce((sum, weight) => sum + weight * weight, 0);
  return Number.isNaN(loss) ? Infinity : loss + penalty;
}

function marginsOf({ values, rows, columns }: Matrix, { weights, bias }: LinearModel): Float64Array {
  const margins = new Float64Array(rows).fill(bias);
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    for (let column = 0; column < columns; column++) {
      const value = values[start + column]!;
      if (value === value) margins[row]! += value * weights[column]!;
    }
  }
  return margins;
}

/** Weighted least squares by the normal equations of the centred columns. @param rowWeights 1 for each row by default */
function leastSquares(
  { values, rows, columns }: Matrix,
  targets: Float64Array,
  rowWeights: Float64Array | undefined,
  ridge: number,
): LinearModel {
  const means = new Float64Array(columns);
  let totalWeight = 0;
  let targetMean = 0;
  for (let row = 0; row < rows; row++) {
    const weight = rowWeights ? rowWeights[row]! : 1;
    totalWeight += weight;
    targetMean += weight * targets[row]!;
    for (let column = 0; column < columns; column++) {
      const value = values[row * columns + column]!;
      if (value === value) means[column]! += weight * value;
    }
  }
  for (let column = 0; column < columns; column++) means[column]! /= totalWeight;
  targetMean /= totalWeight;

  const gram = new Float64Array(columns * columns);
  const moments = new Float64Array(columns);
  const centred = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    const weight = rowWeights ? rowWeights[row]! : 1;
    const target = weight * (targets[row]! - targetMean);
    for (let column = 0; column < columns; column++) {
      const value = values[row * columns + column]!;
      centred[column] = (value === value ? value : 0) - means[column]!;
    }
    for (let i = 0; i < columns; i++) {
      const left = centred[i]!;
      moments[i]! += left * target;
      const scaled = left * weight;
      const start = i * columns;
      for (let j = i; j < columns; j++) gram[start + j]! += scaled * centred[j]!;
    }
  }
  const weights = solveNormal(gram, moments, ridge);
  return { weights, bias: targetMean - weights.reduce((sum, weight, column) => sum + weight * means[column]!, 0) };
}

/**
 * Solves `(gram + ridge) w = moments` by Cholesky's decomposition with pivots, on the scale of correlations: what has
 * little variance is no less certain for it. Columns that follow from those already taken get the weight 0.
 *
 * @param gram symmetric, row-major; the upper triangle is read
 */
function solveNormal(gram: Float64Array, moments: Float64Array, ridge: number): Float64Array {
  const n = moments.length;
  const scale = Float64Array.from(moments, (_, i) => Math.sqrt(gram[i * n + i]! + ridge));
  const entry = (i: number, j: number) => {
    if (scale[i] === 0 || scale[j] === 0) return 0;
    return (gram[Math.min(i, j) * n + Math.max(i, j)]! + (i === j ? ridge : 0)) / (scale[i]! * scale[j]!);
  };
  const rest = Float64Array.from(moments, (_, i) => entry(i, i));
  const taken: number[] = [];
  /** Rows of the factor, one per column that was taken, each over all columns. */
  const factor: Float64Array[] = [];
  while (taken.length < n) {
    let pivot = -1;
    for (let i = 0; i < n; i++) if (!taken.includes(i) && (pivot < 0 || rest[i]! > rest[pivot]!)) pivot = i;
    if (!(rest[pivot]! > INDEPENDENT)) break;
    const root = Math.sqrt(rest[pivot]!);
    const line = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      if (taken.includes(i)) continue;
      let value = entry(pivot, i);
      for (const before of factor) value -= before[pivot]! * before[i]!;
      line[i] = i === pivot ? root : value / root;
      if (i !== pivot) rest[i]! -= line[i]! ** 2;
    }
    factor.push(line);
    taken.push(pivot);
  }
  // Forwards, then backwards, over the columns that were taken.
  const halfway = new Float64Array(taken.length);
  taken.forEach((column, k) => {
    let value = moments[column]! / scale[column]!;
    for (let before = 0; before < k; before++) value -= factor[before]![column]! * halfway[before]!;
    halfway[k] = value / factor[k]![column]!;
  });
  const weights = new Float64Array(n);
  for (let k = taken.length - 1; k >= 0; k--) {
    let value = halfway[k]!;
    for (let after = k + 1; after < taken.length; after++)
      value -= factor[k]![taken[after]!]! * weights[taken[after]!]!;
    weights[taken[k]!] = value / factor[k]![taken[k]!]!;
  }
  return weights.map((weight, i) => (scale[i] === 0 ? 0 : weight / scale[i]!));
}
