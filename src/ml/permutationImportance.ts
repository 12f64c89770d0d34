import type { Shuffle } from './engines/pool.js';
import type { ModelOutput } from './modelOutput.js';
import { Mt19937 } from './mt19937.js';
import type { SourceColumn } from './transforms/sourceColumns.js';

/** By how much a score falls, on the average of the repeats, and the standard deviation over them (ddof 0). */
export interface PermutationImportance {
  mean: number;
  std: number;
}

export interface PermutationSettings {
  /** Shuffles of each column of the table. */
  repeats: number;
  /** 0 to 2^32 - 1 */
  seed: number;
  /** What the model says of the rows, all of them once per shuffle. */
  predict: (shuffles: Shuffle[]) => Promise<ModelOutput>;
  /** Of the rows in their order; greater is better, `null` where it is undefined. */
  score: (output: ModelOutput) => number | null;
}

/**
 * Permutation importance as scikit-learn's `permutation_importance` has it (Breiman, "Random Forests", 2001): the rows of
 * one column of the table change places, all of the model's columns that it becomes together, which is what shuffling it
 * before the transforms gives, as these look at one row and one column at a time. The permutations are scikit-learn's with
 * the same seed: the same for every column, each repeat shuffling what the one before left.
 *
 * @param rows how many there are
 * @param sources the columns of the table, by the positions that they have among the model's
 * @param baseline the score of the rows as they are
 * @returns aligned with the sources; `undefined` where a score is undefined
 */
export async function permutationImportance(
  rows: number,
  sources: readonly Pick<SourceColumn, 'positions'>[],
  baseline: number,
  { repeats, seed, predict, score }: PermutationSettings,
): Promise<PermutationImportance[] | undefined> {
  const orders = permutations(rows, repeats, seed);
  const { values, width } = await predict(
    sources.flatMap(({ positions }) => orders.map((order) => ({ positions, order }))),
  );
  const falls: number[] = [];
  for (let shuffle = 0; shuffle < sources.length * repeats; shuffle++) {
    const of = values.subarray(shuffle * rows * width, (shuffle + 1) * rows * width);
    const reached = score({ values: of, width });
    if (reached === null) return undefined;
    falls.push(baseline - reached);
  }
  return sources.map((_, source) => meanAndStd(falls.slice(source * repeats, (source + 1) * repeats)));
}

function meanAndStd(values: number[]): PermutationImportance {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, std: Math.sqrt(variance) };
}

/** For each repeat the row that takes the place of each row. */
function permutations(rows: number, repeats: number, seed: number): Int32Array[] {
  const random = new Mt19937(new Mt19937(seed).integer(2 ** 31 - 1));
  const shuffling = Int32Array.from({ length: rows }, (_, row) => row);
  let order = shuffling.slice();
  return Array.from({ length: repeats }, () => {
    random.shuffle(shuffling);
    const before = order;
    return (order = shuffling.map((row) => before[row]!));
  });
}
