import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Params } from '../../src/contracts/index.js';
import { isPruned, pruningLimits } from '../../src/ml/medianPruner.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import type { SearchSpace } from '../../src/ml/searchSpace.js';
import { mostPromising, ParzenEstimator, splitTrials, type Trial } from '../../src/ml/tpe.js';

/** Made by `fixtures/make_tpe_fixtures.py` with Optuna 5.0.0. */
interface Fixture {
  space: SearchSpace;
  densities: {
    names: string[];
    below: Params[];
    above: Params[];
    candidates: Params[];
    log_l: number[];
    log_g: number[];
    best: number;
  }[];
  splits: { trials: { state: string; score?: number; step?: number }[]; below: number[]; above: number[] }[];
  pruned: {
    startup: number;
    warmup: number;
    complete: number[][];
    candidates: { scores: number[]; pruned_after: number | null }[];
  }[];
  random_numbers: { seed: number; values: number[] };
}
const fixture = JSON.parse(readFileSync(new URL('fixtures/tpe.json', import.meta.url), 'utf8')) as Fixture;

describe("the densities are those of Optuna's TPESampler", () => {
  test.each(fixture.densities.map((density) => ({ ...density, good: density.below.length })))(
    'of $names, $good good ones',
    ({ names, below, above, candidates, log_l, log_g, best }) => {
      const space = Object.fromEntries(names.map((name) => [name, fixture.space[name]!]));
      const [good, bad] = [new ParzenEstimator(space, below), new ParzenEstimator(space, above)];
      const closeTo = (expected: number) => expect.closeTo(expected, 9) as number;
      expect(candidates.map((params) => good.logDensity(params))).toEqual(log_l.map(closeTo));
      expect(candidates.map((params) => bad.logDensity(params))).toEqual(log_g.map(closeTo));
      expect(mostPromising(good, bad, candidates)).toBe(best);
    },
  );
});

test.each(fixture.splits)('good trials are those of TPESampler, $below', ({ trials, below, above }) => {
  const known = trials.map((trial, index) => ({ ...trial, index, params: { index } }) as Trial);
  const split = splitTrials(known);
  expect(split.below.map(({ index }) => index)).toEqual(below);
  expect(split.above.map(({ index }) => index)).toEqual(above);
});

test.each(fixture.pruned)(
  'who leaves is who MedianPruner prunes, after $startup trials and $warmup steps',
  ({ startup, warmup, complete, candidates }) => {
    const limits = pruningLimits(complete, 5, { startupTrials: startup, warmupSteps: warmup });
    const left = candidates.map(({ scores }) => {
      const after = scores.findIndex((_, fold) => isPruned(scores.slice(0, fold + 1), limits));
      return after === -1 ? null : after;
    });
    expect(left).toEqual(candidates.map(({ pruned_after }) => pruned_after));
  },
);

test("the Mersenne Twister's numbers are numpy's", () => {
  const random = new Mt19937(fixture.random_numbers.seed);
  expect(fixture.random_numbers.values.map(() => random.double())).toEqual(fixture.random_numbers.values);
});
