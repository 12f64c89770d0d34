/**
 * What a model says of some rows, row by row: `width` numbers per row. One number is the probability of the positive
 * class, or a regression's value; several are the probabilities of the classes.
 */
export interface ModelOutput {
  values: Float64Array;
  width: number;
}

/** Position of the most probable class per row; of equal ones the first, as in numpy's `argmax`. */
export function mostProbable({ values, width }: ModelOutput): Int32Array {
  const decided = new Int32Array(values.length / width);
  for (let row = 0; row < decided.length; row++) {
    let best = 0;
    for (let of = 1; of < width; of++) if (values[row * width + of]! > values[row * width + best]!) best = of;
    decided[row] = best;
  }
  return decided;
}
