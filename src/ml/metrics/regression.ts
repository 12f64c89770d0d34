import { UNDEFINED, meanMeasure, meanOf, type Counts, type Measure } from './measure.js';
import { absoluteErrors, pinballLosses, poissonDeviances, squaredErrors } from './losses.js';
import type { ModelOutput } from '../modelOutput.js';

type Labels = ArrayLike<number>;

/** The metrics of a regression on some rows, each made when asked for. */
export const REGRESSION_MEASURES = {
  rmse: (labels: Labels, output: ModelOutput) => rootMeasure(squaredErrors(labels, output), () => deviation(labels)),
  mae: (labels: Labels, output: ModelOutput) =>
    meanMeasure(absoluteErrors(labels, output), { unit: () => deviation(labels) }),
  r2: (labels: Labels, output: ModelOutput) => r2Measure(labels, squaredErrors(labels, output)),
  mean_poisson_deviance(labels: Labels, output: ModelOutput): Measure {
    const deviances = poissonDeviances(labels, output);
    return deviances === null ? UNDEFINED : meanMeasure(deviances, { unit: () => constantDeviance(labels) });
  },
  mean_pinball_loss: (labels: Labels, output: ModelOutput) =>
    meanMeasure(pinballLosses(labels, output), { unit: () => deviation(labels) }),
};

/** The square root of a mean. */
function rootMeasure(perRow: Float64Array, unit: () => number): Measure {
  const root = (counts?: Counts) => {
    const mean = meanOf(perRow, counts);
    return mean === null ? null : Math.sqrt(mean);
  };
  return {
    passes: 1,
    value: root,
    influence() {
      const value = root()!;
      return perRow.map((square) => (value === 0 ? 0 : square / (2 * value)));
    },
    step: () => 0,
    unit,
  };
}

/** 1 - (mean squared error / variance of the labels); `null` where all labels are alike. */
function r2Measure(labels: Labels, squares: Float64Array): Measure {
  const values = Float64Array.from(labels);
  const parts = (counts?: Counts) => {
    const mean = meanOf(values, counts);
    const error = meanOf(squares, counts);
    if (mean === null || error === null) return null;
    const fromMean = values.map((value) => (value - mean) ** 2);
    const variance = meanOf(fromMean, counts)!;
    return variance === 0 ? null : { error, variance, fromMean };
  };
  return {
    passes: 3,
    value(counts) {
      const found = parts(counts);
      return found === null ? null : 1 - found.error / found.variance;
    },
    influence() {
      const { error, variance, fromMean } = parts()!;
      return squares.map((square, row) => (error * fromMean[row]!) / variance ** 2 - square / variance);
    },
    step: () => 0,
    unit: () => 1,
  };
}

/** Standard deviation of the labels: the root mean squared error of their mean. */
function deviation(labels: Labels): number {
  const values = Float64Array.from(labels);
  const mean = meanOf(values) ?? 0;
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)) ?? 0);
}

/** The mean Poisson deviance of the labels' mean. */
function constantDeviance(labels: Labels): number {
  const values = Float64Array.from(labels);
  const mean = meanOf(values) ?? 0;
  const deviances = poissonDeviances(labels, { values: values.map(() => mean), width: 1 });
  return deviances === null ? 0 : (meanOf(deviances) ?? 0);
}
