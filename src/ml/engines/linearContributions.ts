import type { Features } from './binding.js';

/** Weights of a linear model: by feature, then by output. */
interface LinearWeights {
  weights: ArrayLike<number>;
  biases: ArrayLike<number>;
}

/**
 * SHAP values of a linear model with independent features: weight x (value - background), exactly; a missing value counts
 * as 0, as in the model. Lundberg & Lee, "A Unified Approach to Interpreting Model Predictions" (2017), Corollary 1.
 *
 * @param background a value per feature
 * @returns of each row and output a number per feature, and last what the model says of the background
 */
export function linearContributions(
  { values, rows, columns }: Features,
  { weights, biases }: LinearWeights,
  background: ArrayLike<number>,
): Float64Array {
  const outputs = biases.length;
  const width = columns + 1;
  // The file has numbers of single precision, as the shortest decimals that read back.
  const weightOf = (feature: number, output: number) => Math.fround(weights[feature * outputs + output]!);
  const contributions = new Float64Array(rows * outputs * width);
  for (let output = 0; output < outputs; output++) {
    let base = biases[output]!;
    for (let feature = 0; feature < columns; feature++) base += weightOf(feature, output) * background[feature]!;
    for (let row = 0; row < rows; row++) {
      const start = (row * outputs + output) * width;
      for (let feature = 0; feature < columns; feature++) {
        const value = values[row * columns + feature]!;
        const weight = weightOf(feature, output);
        contributions[start + feature] = Number.isNaN(value)
          ? 0 - weight * background[feature]!
          : weight * (value - background[feature]!);
      }
      contributions[start + columns] = base;
    }
  }
  return contributions;
}
