/**
 * What a model says of some rows, row by row: `width` numbers per row. One number is the probability of the positive
 * class, or a regression's value; several are the probabilities of the classes.
 */
export interface ModelOutput {
  values: Float64Array;
  width: number;
}

/** Position of the most probable class per row; of equal ones the first. */
export function likeliest({ values, width }: ModelOutput): number[] {
  return Array.from({ length: values.length / width }, (_, row) => {
    let best = 0;
    for (let position = 1; position < width; position++) if (values[row * width + position]! > values[row * width + best]!) best = position;
    return best;
  });
}
