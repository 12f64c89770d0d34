import type { TaskSpec } from '../../../contracts/task.js';

/**
 * What a task makes of the last layer's numbers: `z`, row by row, and the label of each row in the units that are learned.
 */
export interface Loss {
  /** Numbers of the last layer, a row. */
  outputs: number;
  /** Learned is (label - shift) / scale, so that an amount of any size is learned alike. */
  shift: number;
  scale: number;
  /** The loss of a row whose numbers begin at `at`; where `gradient` is given its derivatives go there. */
  row(z: Float32Array, at: number, label: number, gradient?: Float32Array): number;
  /** What is predicted of a row, from the numbers of a last layer that {@link Loss.unscaled} was applied to. */
  response(z: Float32Array, at: number, into: Float64Array): void;
  /** Weight and summand of each number of the last layer, which take it from learned units to the label's. */
  unscaled: { factor: number; summand: number };
  /** What comes after the last layer, in ONNX's words. */
  activation: 'Sigmoid' | 'Softmax' | 'Exp' | undefined;
}

/** @param labels of the rows to learn from: positions of classes, or a regression's values */
export function lossOf(task: TaskSpec, labels: Iterable<number>): Loss {
  if (task.task === 'binary') return logLoss;
  if (task.task === 'multiclass') return crossEntropy(task.classes.length);
  return task.objective === 'poisson' ? poisson(labels) : distance(task.objective === 'absolute_error', labels);
}

const asItIs = { shift: 0, scale: 1, unscaled: { factor: 1, summand: 0 } };

/** log(1 + exp(z)) - y z, in the form that doesn't overflow. */
const logLoss: Loss = {
  ...asItIs,
  outputs: 1,
  activation: 'Sigmoid',
  row(z, at, label, gradient) {
    const value = z[at]!;
    if (gradient) gradient[at] = sigmoid(value) - label;
    return Math.max(value, 0) - value * label + Math.log1p(Math.exp(-Math.abs(value)));
  },
  response(z, at, into) {
    into[at] = sigmoid(z[at]!);
  },
};

function crossEntropy(classes: number): Loss {
  return {
    ...asItIs,
    outputs: classes,
    activation: 'Softmax',
    row(z, at, label, gradient) {
      const { most, sum } = exponentials(z, at, classes);
      if (gradient)
        for (let of = 0; of < classes; of++)
          gradient[at + of] = Math.exp(z[at + of]! - most) / sum - (of === label ? 1 : 0);
      return Math.log(sum) + most - z[at + label]!;
    },
    response(z, at, into) {
      const { most, sum } = exponentials(z, at, classes);
      for (let of = 0; of < classes; of++) into[at + of] = Math.exp(z[at + of]! - most) / sum;
    },
  };
}

/** The squared or the absolute error, of labels with mean 0 and deviation 1. */
function distance(absolute: boolean, labels: Iterable<number>): Loss {
  const { mean, deviation } = moments(labels);
  return {
    outputs: 1,
    shift: mean,
    scale: deviation,
    unscaled: { factor: deviation, summand: mean },
    activation: undefined,
    row(z, at, label, gradient) {
      const error = z[at]! - label;
      if (gradient) gradient[at] = absolute ? Math.sign(error) : 2 * error;
      return absolute ? Math.abs(error) : error * error;
    },
    response(z, at, into) {
      into[at] = z[at]!;
    },
  };
}

/** exp(z) - y z of labels with mean 1. */
function poisson(labels: Iterable<number>): Loss {
  const mean = moments(labels).mean || 1;
  return {
    outputs: 1,
    shift: 0,
    scale: mean,
    unscaled: { factor: 1, summand: Math.log(mean) },
    activation: 'Exp',
    row(z, at, label, gradient) {
      const rate = Math.exp(z[at]!);
      if (gradient) gradient[at] = rate - label;
      return rate - label * z[at]!;
    },
    response(z, at, into) {
      into[at] = Math.exp(z[at]!);
    },
  };
}

function sigmoid(value: number): number {
  const e = Math.exp(-Math.abs(value));
  return value >= 0 ? 1 / (1 + e) : e / (1 + e);
}

function exponentials(z: Float32Array, at: number, classes: number): { most: number; sum: number } {
  let most = -Infinity;
  for (let of = 0; of < classes; of++) most = Math.max(most, z[at + of]!);
  let sum = 0;
  for (let of = 0; of < classes; of++) sum += Math.exp(z[at + of]! - most);
  return { most, sum };
}

/** A deviation of 0 counts as 1. */
function moments(labels: Iterable<number>): { mean: number; deviation: number } {
  let [count, mean, squares] = [0, 0, 0];
  for (const label of labels) {
    const before = label - mean;
    mean += before / ++count;
    squares += before * (label - mean);
  }
  return { mean, deviation: Math.sqrt(squares / count) || 1 };
}
