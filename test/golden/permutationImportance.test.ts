import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { TaskSpec } from '../../src/contracts/index.js';
import type { Shuffle } from '../../src/ml/engines/pool.js';
import { permutationImportance } from '../../src/ml/permutationImportance.js';
import { taskOf } from '../../src/ml/tasks/task.js';
import type { SourceColumn } from '../../src/ml/transforms/sourceColumns.js';
import { spearman } from '../../src/registry/importance.js';

/** Made by `fixtures/make_explanation_fixtures.py`. */
interface Expected {
  permutation: {
    columns: number[][];
    sources: SourceColumn[];
    weights: number[];
    bias: number;
    labels: number[];
    cases: { scoring: string; seed: number; mean: number[]; std: number[] }[];
  };
  rank_correlations: { a: number[]; b: number[]; rho: number }[];
}

const expected = JSON.parse(readFileSync(new URL('fixtures/explanation.json', import.meta.url), 'utf8')) as Expected;
const BINARY: TaskSpec = { task: 'binary', classes: ['0', '1'] };

function expectNear(actual: ArrayLike<number>, wanted: number[], tolerance: number): void {
  expect(actual).toHaveLength(wanted.length);
  wanted.forEach((value, i) => expect(Math.abs(actual[i]! - value)).toBeLessThanOrEqual(tolerance));
}

test.each(expected.permutation.cases)(
  'permutation importance by $scoring is that of scikit-learn, where a text column changes places as one',
  async ({ scoring, seed, mean, std }) => {
    const { columns, sources, weights, bias, labels } = expected.permutation;
    const values = columns.map((one) => Float32Array.from(one));
    /** Of the rows, where those of the columns at the positions come from others. */
    const say = (positions: readonly number[], order: ArrayLike<number>) =>
      labels.map((_, row) => {
        const cell = (one: Float32Array, at: number) => one[positions.includes(at) ? order[row]! : row]!;
        const margin = values.reduce((sum, one, at) => sum + cell(one, at) * weights[at]!, bias);
        return 1 / (1 + Math.exp(-margin));
      });
    const predict = (shuffles: Shuffle[]) =>
      Promise.resolve({
        values: Float64Array.from(shuffles.flatMap(({ positions, order }) => say(positions, order))),
        width: 1,
      });
    const metric = scoring === 'roc_auc' ? 'roc_auc' : 'log_loss';
    const score = (output: { values: Float64Array; width: number }) =>
      (metric === 'roc_auc' ? 1 : -1) * taskOf(BINARY).metric(metric, labels, output, 0.5)!;
    const baseline = score({ values: Float64Array.from(say([], [])), width: 1 });
    const found = await permutationImportance(labels.length, sources, baseline, { repeats: 5, seed, predict, score });
    // The columns have single precision here.
    expectNear(
      found!.map((one) => one.mean),
      mean,
      1e-6,
    );
    expectNear(
      found!.map((one) => one.std),
      std,
      1e-6,
    );
  },
);

test('rank correlations are those of scipy', () => {
  for (const { a, b, rho } of expected.rank_correlations) expect(spearman(a, b)).toBeCloseTo(rho, 12);
  expect(spearman([1, 1, 1], [1, 2, 3])).toBeNull();
});
