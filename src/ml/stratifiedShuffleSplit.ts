import { Mt19937 } from './mt19937.js';

/** Rows of one split, by their number. */
export interface ShuffledSplit {
  train: Uint32Array;
  test: Uint32Array;
}

/**
 * Splits drawn again and again, each with its share of every class: scikit-learn's `StratifiedShuffleSplit`, with the same
 * rows in each split (in no order that counts).
 *
 * @param labels a class per row, from 0; each occurs twice at least
 * @param options.testShare of the rows, rounded up
 */
export function stratifiedShuffleSplits(
  labels: ArrayLike<number>,
  { splits, testShare, seed }: { splits: number; testShare: number; seed: number },
): ShuffledSplit[] {
  const rowsOf: number[][] = [];
  for (let row = 0; row < labels.length; row++) (rowsOf[labels[row]!] ??= []).push(row);
  const tested = Math.ceil(testShare * labels.length);
  const trained = labels.length - tested;
  const random = new Mt19937(seed);
  return Array.from({ length: splits }, () => {
    const sizes = rowsOf.map((rows) => rows.length);
    const ofTrain = shared(sizes, trained, random);
    const ofTest = shared(
      sizes.map((size, of) => size - ofTrain[of]!),
      tested,
      random,
    );
    const [train, test]: [number[], number[]] = [[], []];
    rowsOf.forEach((rows, of) => {
      const order = random.shuffle(Uint32Array.from(rows, (_, i) => i));
      order.forEach((at, i) => {
        if (i < ofTrain[of]!) train.push(rows[at]!);
        else if (i < ofTrain[of]! + ofTest[of]!) test.push(rows[at]!);
      });
    });
    return { train: random.shuffle(Uint32Array.from(train)), test: random.shuffle(Uint32Array.from(test)) };
  });
}

/** Draws shared among classes by their sizes: what is left over goes to the largest remainders, of equal ones by lot. */
function shared(sizes: number[], draws: number, random: Mt19937): number[] {
  const all = sizes.reduce((sum, size) => sum + size, 0);
  const exact = sizes.map((size) => (size / all) * draws);
  const counts = exact.map(Math.floor);
  let left = draws - counts.reduce((sum, count) => sum + count, 0);
  const remainders = exact.map((share, of) => share - counts[of]!);
  for (const value of [...new Set(remainders)].sort((a, b) => b - a)) {
    if (left === 0) break;
    const equal = remainders.flatMap((remainder, of) => (remainder === value ? [of] : []));
    const lots = random.shuffle(Uint32Array.from(equal, (_, i) => i)).subarray(0, Math.min(equal.length, left));
    for (const lot of lots) counts[equal[lot]!]! += 1;
    left -= lots.length;
  }
  return counts;
}
