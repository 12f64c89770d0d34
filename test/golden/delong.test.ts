import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { rocAuc } from '../../src/ml/metrics/ranking.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { DELONG_CONVENTION, delongTest } from '../../src/ml/comparison/delong.js';
import { twoSidedP } from '../../src/ml/normal.js';
import { countOf } from '../../src/contracts/counts.js';

interface Golden {
  y: number[];
  s1: number[];
  s2: number[];
  auc: [number, number];
  var: [number, number];
  cov: number;
  z: number;
  p: number;
}
const golden = JSON.parse(
  readFileSync(new URL('../fixtures/statistics/delong.json', import.meta.url), 'utf8'),
) as Golden;

describe('DeLong equals the reference numbers', () => {
  const result = delongTest(golden.y, golden.s1, golden.s2)!;

  test('AUCs, variances, covariance, z and p of two models with ties', () => {
    result.auc.forEach((auc, i) => expect(auc).toBeCloseTo(golden.auc[i]!, 12));
    result.variance.forEach((variance, i) => expect(variance).toBeCloseTo(golden.var[i]!, 14));
    expect(result.covariance).toBeCloseTo(golden.cov, 14);
    expect(result.z).toBeCloseTo(golden.z, 10);
    expect(result.p).toBeCloseTo(golden.p, 12);
    expect(result.positives + result.negatives).toBe(200);
  });

  test('and the convention that is told beside them names what they depend on', () => {
    for (const part of ['DeLong', 'mid-ranks', 'ddof 1', 'two-sided']) expect(DELONG_CONVENTION).toContain(part);
  });

  test('the order of the models turns the sign only', () => {
    const turned = delongTest(golden.y, golden.s2, golden.s1)!;
    expect(turned.z).toBeCloseTo(-golden.z, 10);
    expect(turned.p).toBe(result.p);
    expect(turned.difference).toBe(-result.difference);
  });

  test('the AUCs are those of every other figure shown', () => {
    expect(result.auc[0]).toBeCloseTo(rocAuc(golden.y, golden.s1)!, 14);
    expect(result.auc[1]).toBeCloseTo(rocAuc(golden.y, golden.s2)!, 14);
  });
});

test('p equals scipy.stats.norm on both sides of where the method changes, and far out', () => {
  const expected: [z: number, p: number][] = [
    [0, 1],
    [0.1, 0.920344325445942],
    [1, 0.31731050786291415],
    [-1.959963984540054, 0.05],
    [2.828, 0.00468398065364494],
    [2.829, 0.004669369895844637],
    [5, 5.733031437583866e-7],
    [8, 1.244192114854348e-15],
    [20, 5.507248237212311e-89],
    [Infinity, 0],
  ];
  for (const [z, p] of expected) expect(Math.abs(twoSidedP(z) - p)).toBeLessThanOrEqual(p * 1e-12);
});

describe('at the edges', () => {
  test('a model against itself does not differ', () => {
    expect(delongTest(golden.y, golden.s1, golden.s1)).toMatchObject({ difference: 0, standard_error: 0, z: 0, p: 1 });
    const doubled = golden.s1.map((score) => score * 2);
    expect(delongTest(golden.y, golden.s1, doubled)).toMatchObject({ z: 0, p: 1 });
  });

  test('all right against all wrong differs without any doubt', () => {
    const result = delongTest([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], [0.9, 0.8, 0.2, 0.1])!;
    expect(result).toMatchObject({ auc: [1, 0], difference: 1, z: null, p: 0 });
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  test('a class of fewer than two rows has no variance', () => {
    expect(delongTest([0, 0, 0, 1], [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4])).toBeNull();
    expect(delongTest([1, 1], [0.1, 0.2], [0.2, 0.1])).toBeNull();
    expect(delongTest([], [], [])).toBeNull();
  });

  test('rows that do not match, or have no score, are refused', () => {
    const refused = (message: string) => expect.objectContaining({ type: 'InputInvalid', message }) as Error;
    for (const [first, second] of [
      [[0.1, 0.2], [0.1]],
      [[0.1], [0.1, 0.2]],
    ] as const) {
      expect(() => delongTest([0, 1], first, second)).toThrow(
        refused(
          `Two models are compared on the same rows, but there are 2 labels and probabilities of ${first.length} and ${countOf(second.length, 'row')}; score the same rows with both.`,
        ),
      );
    }
    for (const [first, second] of [
      [
        [0.1, NaN],
        [0.1, 0.2],
      ],
      [
        [0.1, 0.2],
        [0.1, NaN],
      ],
    ] as const) {
      expect(() => delongTest([0, 1], first, second)).toThrow(
        refused('Row 1 has no probability of one of the models; score it, or leave it out of both.'),
      );
    }
  });
});

test('100,000 rows agree with the definition by pairs, worked out on a sample of their ties', () => {
  const random = new Mt19937(7);
  const rows = 100_000;
  const labels = Uint8Array.from({ length: rows }, () => (random.integer(9) === 0 ? 1 : 0));
  const noisy = (strength: number) =>
    Float32Array.from(labels, (label) => (random.integer(999) + strength * label) / 2_000);
  const first = noisy(300);
  const second = noisy(250);
  const whole = delongTest(labels, first, second)!;
  expect(whole.auc[0]).toBeCloseTo(rocAuc(labels, first)!, 12);
  expect(whole.z!).toBeGreaterThan(5);

  const sample = { labels: labels.subarray(0, 600), first: first.subarray(0, 600), second: second.subarray(0, 600) };
  const fast = delongTest(sample.labels, sample.first, sample.second)!;
  const slow = byPairs(sample.labels, sample.first, sample.second);
  expect(fast.variance[0]).toBeCloseTo(slow.variance[0], 14);
  expect(fast.variance[1]).toBeCloseTo(slow.variance[1], 14);
  expect(fast.covariance).toBeCloseTo(slow.covariance, 14);
  expect(fast.standard_error ** 2).toBeCloseTo(slow.variance[0] + slow.variance[1] - 2 * slow.covariance, 14);
});

/** DeLong's definition, in O(positives x negatives). */
function byPairs(labels: Uint8Array, first: Float32Array, second: Float32Array) {
  const rows = [...labels.keys()];
  const positives = rows.filter((row) => labels[row] === 1);
  const negatives = rows.filter((row) => labels[row] !== 1);
  const wins = (x: number, y: number) => (x > y ? 1 : x === y ? 0.5 : 0);
  const average = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const components = (scores: Float32Array) => ({
    ofPositives: positives.map((p) => average(negatives.map((n) => wins(scores[p]!, scores[n]!)))),
    ofNegatives: negatives.map((n) => average(positives.map((p) => wins(scores[p]!, scores[n]!)))),
  });
  const covariance = (x: number[], y: number[]) =>
    average(x.map((value, i) => (value - average(x)) * (y[i]! - average(y)))) * (x.length / (x.length - 1));
  const [a, b] = [components(first), components(second)];
  const between = (x: typeof a, y: typeof a) =>
    covariance(x.ofPositives, y.ofPositives) / positives.length +
    covariance(x.ofNegatives, y.ofNegatives) / negatives.length;
  return { variance: [between(a, a), between(b, b)] as const, covariance: between(a, b) };
}
