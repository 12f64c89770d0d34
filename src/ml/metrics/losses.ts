import type { ModelOutput } from '../modelOutput.js';

type Labels = ArrayLike<number>;

/** Probabilities are held this far from 0 and 1, as scikit-learn holds those of float64. */
const EPSILON = Number.EPSILON;

/** The negative logarithm of the probability that a model gave to the class that a row has. */
export function logLosses(labels: Labels, output: ModelOutput): Float64Array {
  return perRow(
    labels,
    (label, row) => -Math.log(Math.min(1 - EPSILON, Math.max(EPSILON, probabilityOf(output, row, label)))),
  );
}

/** Squared errors of the probabilities: of two classes that of the positive one, of more the sum over all. */
export function brierLosses(labels: Labels, { values, width }: ModelOutput): Float64Array {
  if (width === 1) return perRow(labels, (label, row) => (values[row]! - label) ** 2);
  const scale = width === 2 ? 0.5 : 1;
  return perRow(labels, (label, row) => {
    let sum = 0;
    for (let of = 0; of < width; of++) sum += (values[row * width + of]! - (of === label ? 1 : 0)) ** 2;
    return scale * sum;
  });
}

export function squaredErrors(labels: Labels, { values }: ModelOutput): Float64Array {
  return perRow(labels, (label, row) => (label - values[row]!) ** 2);
}

export function absoluteErrors(labels: Labels, { values }: ModelOutput): Float64Array {
  return perRow(labels, (label, row) => Math.abs(label - values[row]!));
}

/** Of the median: half the absolute error. */
export function pinballLosses(labels: Labels, output: ModelOutput): Float64Array {
  return absoluteErrors(labels, output).map((error) => error / 2);
}

/** 2 (y log(y / p) - y + p) per row; `null` where a label is below 0 or a prediction is not above 0. */
export function poissonDeviances(labels: Labels, { values }: ModelOutput): Float64Array | null {
  for (let row = 0; row < labels.length; row++) if (labels[row]! < 0 || values[row]! <= 0) return null;
  return perRow(labels, (label, row) => {
    const predicted = values[row]!;
    return 2 * ((label === 0 ? 0 : label * Math.log(label / predicted)) - label + predicted);
  });
}

function probabilityOf({ values, width }: ModelOutput, row: number, label: number): number {
  if (width === 1) return label === 1 ? values[row]! : 1 - values[row]!;
  return values[row * width + label]!;
}

function perRow(labels: Labels, loss: (label: number, row: number) => number): Float64Array {
  const losses = new Float64Array(labels.length);
  for (let row = 0; row < losses.length; row++) losses[row] = loss(labels[row]!, row);
  return losses;
}
