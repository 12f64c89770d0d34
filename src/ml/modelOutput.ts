/**
 * What a model says of some rows, row by row: `width` numbers per row. One number is the probability of the positive
 * class, or a regression's value; several are the probabilities of the classes.
 */
export interface ModelOutput {
  values: Float64Array;
  width: number;
}

/** NaN is none. */
export function isProbability(value: number): boolean {
  return value >= 0 && value <= 1;
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

/** One of the numbers of each row. */
export function columnOf({ values, width }: ModelOutput, of: number): Float64Array {
  return Float64Array.from({ length: values.length / width }, (_, row) => values[row * width + of]!);
}

/** What {@link columnOf} takes apart. @param columns one at least, all of one length */
export function fromColumns(columns: readonly ArrayLike<unknown>[]): ModelOutput {
  const width = columns.length;
  const values = new Float64Array(columns[0]!.length * width);
  columns.forEach((column, of) => {
    for (let row = 0; row < column.length; row++) values[row * width + of] = column[row] as number;
  });
  return { values, width };
}

/** What is said of some of the rows, in the order of their positions. */
export function rowsAt({ values, width }: ModelOutput, positions: ArrayLike<number>): ModelOutput {
  const chosen = new Float64Array(positions.length * width);
  for (let at = 0; at < positions.length; at++)
    for (let of = 0; of < width; of++) chosen[at * width + of] = values[positions[at]! * width + of]!;
  return { values: chosen, width };
}

/** What is said of rows that follow one another; of none there is one number per row. */
export function joined(blocks: readonly ModelOutput[]): ModelOutput {
  if (blocks.length === 1) return blocks[0]!;
  const values = new Float64Array(blocks.reduce((sum, block) => sum + block.values.length, 0));
  let start = 0;
  for (const block of blocks) {
    values.set(block.values, start);
    start += block.values.length;
  }
  return { values, width: blocks[0]?.width ?? 1 };
}
