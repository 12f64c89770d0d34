/** A rising line through points, level beyond the first and the last: what isotonic regression fits. */
export interface IsotonicFit {
  /** Rising. */
  x: Float64Array;
  /** Rising, or level. */
  y: Float64Array;
}

/**
 * Isotonic regression by pooling adjacent violators: of all rising functions of the score the one nearest to the targets,
 * by least squares. Rows of equal scores are one point, of their mean. As scikit-learn's `IsotonicRegression`.
 *
 * @param scores finite, one row at least
 * @param targets aligned with the scores
 */
export function fitIsotonic(scores: ArrayLike<number>, targets: ArrayLike<number>): IsotonicFit {
  const order = Uint32Array.from({ length: scores.length }, (_, row) => row).sort((a, b) => scores[a]! - scores[b]!);
  const blocks: { from: number; to: number; sum: number; rows: number }[] = [];
  for (let at = 0; at < order.length;) {
    const score = scores[order[at]!]!;
    let [sum, rows] = [0, 0];
    for (; at < order.length && scores[order[at]!] === score; at++, rows++) sum += targets[order[at]!]!;
    let block = { from: score, to: score, sum, rows };
    // A block that isn't above the one before it becomes one with it.
    for (let last = blocks.at(-1); last && last.sum * block.rows >= block.sum * last.rows; last = blocks.at(-1)) {
      blocks.pop();
      block = { from: last.from, to: block.to, sum: last.sum + block.sum, rows: last.rows + block.rows };
    }
    blocks.push(block);
  }
  const points = blocks.flatMap(({ from, to, sum, rows }) =>
    from === to ? [[from, sum / rows] as const] : [[from, sum / rows] as const, [to, sum / rows] as const],
  );
  return { x: Float64Array.from(points, ([x]) => x), y: Float64Array.from(points, ([, y]) => y) };
}

/** What a fit says of scores: linear between its points, and as its ends beyond them. */
export function applyIsotonic({ x, y }: IsotonicFit, scores: ArrayLike<number>): Float64Array {
  return Float64Array.from(scores, (score) => {
    let [low, high] = [0, x.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (x[middle]! < score) low = middle + 1;
      else high = middle;
    }
    // The first point that is not below the score.
    if (low === 0) return y[0]!;
    if (low === x.length) return y.at(-1)!;
    if (x[low] === score) return y[low]!;
    const share = (score - x[low - 1]!) / (x[low]! - x[low - 1]!);
    return y[low - 1]! + share * (y[low]! - y[low - 1]!);
  });
}
