/**
 * What a model says of some rows, row by row: `width` numbers per row. One number is the probability of the positive
 * class, or a regression's value; several are the probabilities of the classes.
 */
export interface ModelOutput {
  values: Float64Array;
  width: number;
}
