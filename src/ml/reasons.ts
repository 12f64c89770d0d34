/** The columns of the table that move what a model says of each row the most. */
export interface Reasons {
  /** `count` positions of columns of the table per row, the strongest first, -1 where there is none. */
  features: Int32Array;
  /** Their contributions; NaN where there is none. */
  contributions: Float64Array;
}

/**
 * The contributions that are largest in size, of equal ones the first. One of exactly 0 is no reason.
 *
 * @param contributions row-major, `width` numbers a row, one per column of the table
 * @param count reasons per row at most
 */
export function strongestReasons(contributions: Float64Array, width: number, count: number): Reasons {
  const rows = contributions.length / width;
  const features = new Int32Array(rows * count).fill(-1);
  const strongest = new Float64Array(rows * count).fill(NaN);
  for (let row = 0; row < rows; row++) {
    for (let feature = 0; feature < width; feature++) {
      const contribution = contributions[row * width + feature]!;
      if (contribution === 0 || Number.isNaN(contribution)) continue;
      // Inserted behind those that are as strong or stronger.
      let place = count;
      while (place > 0 && !(Math.abs(strongest[row * count + place - 1]!) >= Math.abs(contribution))) place--;
      if (place === count) continue;
      const [from, to] = [row * count + place, (row + 1) * count];
      features.copyWithin(from + 1, from, to - 1);
      strongest.copyWithin(from + 1, from, to - 1);
      features[from] = feature;
      strongest[from] = contribution;
    }
  }
  return { features, contributions: strongest };
}
