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
  /** What the model says of rows, `repeats` times as many as there are, by the model's columns. */
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
  const repeated = columns.map((values) => {
    const copies = new Float32Array(rows * repeats);
    for (let repeat = 0; repeat < repeats; repeat++) copies.set(values, repeat * rows);
    return copies;
  });
  const found: PermutationImportance[] = [];
  for (const { positions } of sources) {
    const shuffled = repeated.slice();
    for (const position of positions)
      shuffled[position] = Float32Array.from({ length: rows * repeats }, (_, at) => {
        const order = orders[Math.floor(at / rows)]!;
        return columns[position]![order[at % rows]!]!;
      });
    const { values, width } = await predict(shuffled);
    const falls: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      const part = values.subarray(repeat * rows * width, (repeat + 1) * rows * width);
      const reached = score({ values: part, width });
      if (reached === null) return undefined;
      falls.push(baseline - reached);
    }
    const mean = falls.reduce((sum, fall) => sum + fall, 0) / repeats;
    const variance = falls.reduce((sum, fall) => sum + (fall - mean) ** 2, 0) / repeats;
    found.push({ mean, std: Math.sqrt(variance) });
  }
  return found;
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
