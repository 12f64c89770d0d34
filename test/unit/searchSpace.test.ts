import { describe, expect, test } from 'vitest';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { candidatesIn, gridOf, randomCandidates, Range, valuesWithin } from '../../src/ml/searchSpace.js';
import { suggest, type Trial } from '../../src/ml/tpe.js';

const drawn = (given: object, count = 4_000) =>
  randomCandidates({ x: Range.parse(given) }, count, 7).map(({ x }) => x as number);

/** How often each value came, by value. */
function counted(values: number[]): [number, number][] {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a - b);
}

describe('a range', () => {
  test('of whole numbers has both ends as often as what lies between', () => {
    const counts = counted(drawn({ low: -1, high: 2, int: true }));
    expect(counts.map(([value]) => value)).toEqual([-1, 0, 1, 2]);
    // A quarter of 4,000 each, with a standard deviation of 27.
    for (const [, count] of counts) expect(Math.abs(count - 1_000)).toBeLessThan(110);
  });

  test('of steps has the decimals that people write, and both ends', () => {
    const counts = counted(drawn({ low: 0.1, high: 0.7, step: 0.1 }, 2_000));
    expect(counts.map(([value]) => value)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]);
    expect(counted(drawn({ low: 10, high: 30, step: 10, int: true }, 500)).map(([value]) => value)).toEqual([
      10, 20, 30,
    ]);
  });

  test('by the logarithm has each order of magnitude as often', () => {
    const values = drawn({ low: 1e-4, high: 1, log: true });
    expect(values.every((value) => value >= 1e-4 && value <= 1)).toBe(true);
    for (const [from, to] of [
      [1e-4, 1e-3],
      [1e-3, 1e-2],
      [1e-2, 0.1],
      [0.1, 1],
    ] as const)
      expect(Math.abs(values.filter((value) => value >= from && value < to).length - 1_000)).toBeLessThan(110);
  });

  test('of whole numbers by the logarithm has half a step beyond its ends', () => {
    const counts = new Map(counted(drawn({ low: 1, high: 8, int: true, log: true }, 20_000)));
    // From log .5 to log 8.5: a share of log(1.5 / .5) / log(17) of the draws is 1, and of log(8.5 / 7.5) / log(17) is 8.
    expect(counts.get(1)! / 20_000).toBeCloseTo(Math.log(3) / Math.log(17), 1);
    expect(counts.get(8)! / 20_000).toBeCloseTo(Math.log(8.5 / 7.5) / Math.log(17), 1);
    expect([...counts.keys()].every(Number.isInteger)).toBe(true);
  });

  test('is checked at its ends and within', () => {
    const [low, high, within] = valuesWithin(Range.parse({ low: 1, high: 9, int: true })) as number[];
    expect([low, high, Number.isInteger(within)]).toEqual([1, 9, true]);
  });

  test.each([
    [{ low: 0, high: 1, step: 1e9 }, 'step', 'expected "high" to be a whole number of steps above "low"'],
    [{ low: 0, high: 1, step: 0.3 }, 'step', 'expected "high" to be a whole number of steps above "low"'],
    [{ low: 0, high: 1.5, int: true }, 'int', 'expected whole numbers as "low", "high" and "step"'],
    [{ low: 1, high: 4, log: true, step: 1 }, 'step', 'expected none, as the distances of a "log" range grow'],
    [{ low: 2, high: 2 }, 'high', 'expected a number above "low"; for a single value give a list of it'],
  ])('%j is refused', (given, path, message) => {
    expect(Range.safeParse(given).error?.issues).toEqual([expect.objectContaining({ path: [path], message })]);
  });
});

test('what the sampler suggests keeps to the ranges and their steps, where the best lies at an end as well', () => {
  const space = {
    depth: Range.parse({ low: 1, high: 6, int: true }),
    share: Range.parse({ low: 0.5, high: 1, step: 0.1 }),
    rate: Range.parse({ low: 0.01, high: 0.5, log: true }),
    kind: ['a', null, 2],
  };
  const trials = randomCandidates(space, 30, 3).map((params, index): Trial => ({
    index,
    params,
    state: 'complete',
    score: Number(params.depth) + Number(params.rate),
  }));
  trials.push({
    index: 30,
    params: { depth: 6, share: 1, rate: 0.5, kind: null },
    state: 'complete',
    score: 9,
  });
  const random = new Mt19937(1);
  const suggested = Array.from({ length: 60 }, () => suggest(space, trials, random));
  for (const { depth, share, rate, kind } of suggested) {
    expect([1, 2, 3, 4, 5, 6]).toContain(depth);
    expect([0.5, 0.6, 0.7, 0.8, 0.9, 1]).toContain(share);
    expect(rate as number).toBeGreaterThanOrEqual(0.01);
    expect(rate as number).toBeLessThanOrEqual(0.5);
    expect(['a', null, 2]).toContain(kind);
  }
  // Better where the depth is larger: at random half of them would be above 3.
  expect(suggested.filter(({ depth }) => Number(depth) > 3).length).toBeGreaterThan(45);
});

test('a space with a range beside lists is no grid: it has as many candidates as are wanted', () => {
  const lists = { x: [1, 2, 3], y: ['a', 'b'] };
  const mixed = { ...lists, z: Range.parse({ low: 0, high: 1 }) };
  expect([gridOf(lists), gridOf(mixed)]).toEqual([lists, undefined]);
  expect([candidatesIn(lists, 9), candidatesIn(lists, 5), candidatesIn(mixed, 9)]).toEqual([6, 5, 9]);
  const drawn = randomCandidates(mixed, 50, 7);
  expect(new Set(drawn.map(({ x }) => x))).toEqual(new Set([1, 2, 3]));
  expect(new Set(drawn.map(({ y }) => y))).toEqual(new Set(['a', 'b']));
  expect(new Set(drawn.map(({ z }) => z)).size).toBe(50);
});
