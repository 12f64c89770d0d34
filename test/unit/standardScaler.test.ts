import { expect, test } from 'vitest';
import { fitStandardScale } from '../../src/ml/standardScaler.js';

test('scales as scikit-learn does: mean and population standard deviation of the values that are there', () => {
  // StandardScaler().fit([[1.5], [nan], [-2], [7.25], [1e6]]) of scikit-learn 1.9.1.
  const scale = fitStandardScale(Float64Array.of(1.5, NaN, -2, 7.25, 1e6));
  expect(scale.mean).toBeCloseTo(250001.6875, 9);
  expect(scale.scale).toBeCloseTo(433011.72762623354, 6);
});

test('leaves the size of a constant column alone, and takes an empty one for zeros', () => {
  const constant = new Float64Array(1001).fill(0.1);
  expect(fitStandardScale(constant)).toEqual({ mean: expect.closeTo(0.1, 12) as number, scale: 1 });
  expect(fitStandardScale(Float64Array.of(NaN))).toEqual({ mean: 0, scale: 1 });
});
