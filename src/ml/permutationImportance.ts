import type { ModelOutput } from './modelOutput.js';
import { Mt19937 } from './mt19937.js';
import type { SourceColumn } from './transforms/sourceColumns.js';

/** Numbers that are scored at once, 16 MB of them: a call for each column would cost more than its scoring. */
const MOST_NUMBERS = 4_000_000;

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
  /** What the model says of rows, given by the model's columns: those of several shuffles one after the other. */
  predict: (columns: Float32Array[]) => Promise<ModelOutput>;
  /** Of the rows in their order; greater is better, `null` where it is undefined. */
  score: (output: ModelOutput) => number | null;
}

/**
 * Permutation importance as scikit-learn's `permutation_importance` has it (Breiman, "Random Forests", 2001): the rows of
 * one column of the table change places, all of the model's columns that it becomes together, which is what shuffling it
 * before the transforms gives, as these look at one row and one column at a time. The permutations are scikit-learn's with
 * the same seed: the same for every column, each repeat shuffling what the one before left.
 *
 * @param columns the model's columns
 * @param baseline the score of the rows as they are
 * @returns aligned with the sources; `undefined` where a score is undefined
 */
export async function permutationImportance(
  columns: readonly Float32Array[],
  sources: readonly SourceColumn[],
  baseline: number,
  { repeats, seed, predict, score }: PermutationSettings,
): Promise<PermutationImportance[] | undefined> {
  const rows = columns[0]?.length ?? 0;
  const orders = permutations(rows, repeats, seed);
  const falls: number[] = [];
  const atOnce = Math.max(1, Math.floor(MOST_NUMBERS / (rows * repeats * columns.length)));
  for (let first = 0; first < sources.length; first += atOnce) {
    const some = sources.slice(first, first + atOnce);
    const { values, width } = await predict(shuffledColumns(columns, some, orders));
    for (let part = 0; part < some.length * repeats; part++) {
      const reached = score({ values: values.subarray(part * rows * width, (part + 1) * rows * width), width });
      if (reached === null) return undefined;
      falls.push(baseline - reached);
    }
  }
  return sources.map((_, source) => meanAndStd(falls.slice(source * repeats, (source + 1) * repeats)));
}

/** The rows once per source and order, the columns of that source in that order. */
function shuffledColumns(
  columns: readonly Float32Array[],
  sources: readonly SourceColumn[],
  orders: readonly Int32Array[],
): Float32Array[] {
  return columns.map((values, column) => {
    const shuffled = new Float32Array(values.length * orders.length * sources.length);
    let start = 0;
    for (const { positions } of sources) {
      const moves = positions.includes(column);
      for (const order of orders) {
        if (moves) order.forEach((from, row) => (shuffled[start + row] = values[from]!));
        else shuffled.set(values, start);
        start += values.length;
      }
    }
    return shuffled;
  });
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
