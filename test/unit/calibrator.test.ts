import { describe, expect, test } from 'vitest';
import { calibrated, fitCurves } from '../../src/ml/calibrator.js';
import { Mt19937 } from '../../src/ml/mt19937.js';

const outputOf = (values: ArrayLike<number>) => ({ values: Float64Array.from(values), width: 1 });
const sigmoidOf = (labels: number[], said: number[]) =>
  Array.from(calibrated(fitCurves('sigmoid', labels, outputOf(said)), outputOf(said)).values);

describe("Platt's sigmoid", () => {
  const random = new Mt19937(3);
  const said = Array.from({ length: 300 }, () => random.double());
  const labels = said.map((probability) => Number(random.double() < probability ** 2));

  // A model of a rare class, or one that is too sure, says hardly anything else than 0 or 1.
  test.each([
    ['near 0', (probability: number) => 1e-9 * probability],
    ['near 1', (probability: number) => 1 - 1e-7 * (1 - probability)],
    ['around a half', (probability: number) => 0.5 + 1e-8 * probability],
  ])('tells rows apart that lie close together as those that do not: %s', (_, place) => {
    // A straight line before a sigmoid changes nothing of the best one.
    const expected = sigmoidOf(labels, said);
    expect(sigmoidOf(labels, said.map(place))).toEqual(expected.map((value) => expect.closeTo(value, 6) as number));
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.5);
  });

  test('of two values gives each its own rows, however few and far they are', () => {
    const rare = Array.from({ length: 10_000 }, (_, row) => Number(row < 100));
    // Platt's targets: 1 / (9,900 + 2) where no row is positive, and (100 + 1) / (100 + 2) where all are.
    const [low, high] = [1 / 9_902, 101 / 102];
    for (const far of [1e-6, 1]) {
      const found = sigmoidOf(
        rare,
        rare.map((label) => (label === 1 ? far : 1e-9)),
      );
      expect(found[0]).toBeCloseTo(high, 8);
      expect(found.at(-1)).toBeCloseTo(low, 8);
    }
  });
});

test('a calibrator of another model is told: it has a curve for each number that the model says of a row', () => {
  const curve = { method: 'sigmoid' as const, a: -1, b: 0 };
  expect(() => calibrated([curve, curve], { values: Float64Array.of(0.2, 0.3, 0.5), width: 3 })).toThrow(
    expect.objectContaining({
      type: 'ObjectCorrupt',
      message:
        'A calibrator has 2 curves, and the model beside it says 3 numbers per row; promote another version, or train again.',
    }) as Error,
  );
});
