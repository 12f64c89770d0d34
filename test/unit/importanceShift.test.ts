import { describe, expect, test } from 'vitest';
import { importanceShift, type VersionImportance } from '../../src/registry/importance.js';

describe('from version to version', () => {
  const importance = (shap: Record<string, number>): VersionImportance => ({
    features: Object.entries(shap).map(([feature, value]) => ({ feature, shap: value, permutation: null, gain: null })),
    shap: { split: 'test', rows: 200 },
    permutation: { not_measured: 'off' },
    gain: { not_measured: 'none' },
  });

  test('shares are compared, the largest change first, with the order of all of them', () => {
    const shift = importanceShift(importance({ a: 5, b: 3, c: 2 }), importance({ a: 2, b: 3, d: 5 }))!;
    expect(shift.kind).toBe('shap');
    expect(shift.features.map(({ feature }) => feature)).toEqual(['d', 'a', 'c', 'b']);
    expect(shift.features[0]).toEqual({ feature: 'd', before: null, after: 0.5, change: 0.5 });
    // Ranks 4 3 2 1 and 2 3 1 4: 1 - 6 (4 + 0 + 1 + 9) / 60.
    expect(shift.rank_correlation).toBeCloseTo(-0.4, 12);
  });

  test('nothing is compared that one of them was not measured by', () => {
    const unmeasured = { ...importance({ a: 1 }), shap: { not_measured: 'too large' } };
    expect(importanceShift(unmeasured, importance({ a: 1 }))).toBeUndefined();
    expect(importanceShift(importance({ a: 1 }), unmeasured)).toBeUndefined();
  });
});
