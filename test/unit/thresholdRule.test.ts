import { describe, expect, test } from 'vitest';
import { ThresholdRule, chooseThreshold, describeRule } from '../../src/ml/threshold.js';

describe('a rule', () => {
  const faults = (rule: object) => ThresholdRule.safeParse(rule).error?.issues.map(({ message }) => message) ?? [];

  test('names what is to be best, once, with what keeps it from being trivial', () => {
    for (const rule of [
      { maximize: 'f1' },
      { maximize: 'recall', min_precision: 0.7 },
      { cost: { false_positive: 1, false_negative: 5 } },
    ])
      expect(faults(rule)).toEqual([]);
    expect(faults({})).toEqual(['expected "maximize" or "cost", one of the two']);
    expect(faults({ maximize: 'f1', cost: { false_positive: 1, false_negative: 1 } })).toHaveLength(1);
    expect(faults({ maximize: 'recall' })).toEqual([
      'expected a number, as recall alone is highest where every row is positive',
    ]);
    expect(faults({ maximize: 'precision', min_precision: 0.5 })).toEqual([
      'expected a number, as precision alone says nothing of the rows that are missed',
    ]);
    for (const least of [{ min_precision: 0.5 }, { min_recall: 0.5 }])
      expect(faults({ cost: { false_positive: 1, false_negative: 1 }, ...least })).toEqual([
        'expected no "min_precision" and no "min_recall" beside it; they go with "maximize"',
      ]);
    for (const free of [
      { false_positive: 0, false_negative: 1 },
      { false_positive: 1, false_negative: 0 },
    ])
      expect(faults({ cost: free })).toEqual([]);
    expect(faults({ maximize: 'roc_auc' })).toHaveLength(1);
    expect(faults({ cost: { false_positive: 0, false_negative: 0 } })).toEqual(['expected a cost above 0']);
  });

  test('that no threshold meets is met as nearly as can be, which is told', () => {
    const labels = [0, 1, 0, 1, 0];
    const probabilities = Float64Array.of(0.9, 0.8, 0.4, 0.3, 0.1);
    // Precision is 1/2 at .8, 1/3 at .4, and 1/2 again at .3, where recall is 1.
    expect(chooseThreshold({ maximize: 'recall', min_precision: 0.9 }, labels, probabilities)).toEqual({
      value: 0.3,
      rule: 'highest recall at precision >= 0.9',
      met: false,
    });
  });

  test('takes the highest of thresholds that are equally good, whatever rounding makes of their worth', () => {
    // 3 positive rows that are missed cost 3 x 2.1, and 9 negative ones that are not 9 x 0.7: 6.3 either way.
    const costs = { cost: { false_positive: 0.7, false_negative: 2.1 } };
    const labels = Array.from({ length: 12 }, (_, row) => Number(row < 3));
    expect(chooseThreshold(costs, labels, new Float64Array(12).fill(0.5)).value).toBe(1);
    // Of 6 positive and 12 negative rows 4 and 5 are right from .8 on, 5 and 3 from .4 on: (4/6 + 5/12) / 2 = (5/6 + 3/12) / 2.
    const scored = [...[0.8, 0.8, 0.8, 0.8, 0.4, 0.1], ...[0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.1, 0.1, 0.1]];
    const six = scored.map((_, row) => Number(row < 6));
    expect(chooseThreshold({ maximize: 'balanced_accuracy' }, six, Float64Array.from(scored)).value).toBe(0.8);
  });

  test('cannot be followed on rows of one class', () => {
    expect(() => chooseThreshold({ maximize: 'f1' }, [1, 1], Float64Array.of(0.1, 0.9))).toThrow(/2 rows of one class/);
  });

  test.each([
    [{ maximize: 'f1' }, 'highest f1'],
    [{ maximize: 'f1', min_precision: 0.5, min_recall: 0.25 }, 'highest f1 at precision >= 0.5 and recall >= 0.25'],
    [{ cost: { false_positive: 1, false_negative: 5 } }, 'least cost at 1 a false positive and 5 a false negative'],
  ] as [ThresholdRule, string][])('is told in words: %j', (rule, words) => {
    expect(describeRule(rule)).toBe(words);
  });

  test('may choose that no row is positive, unless one is certain, and keeps to the least recall', () => {
    const labels = [0, 0, 0, 1];
    const probabilities = Float64Array.of(0.9, 0.8, 0.7, 0.6);
    // Each row that is predicted positive before the last is wrong: 3 of 4 are right with none, and 1 of 4 with all.
    expect(chooseThreshold({ maximize: 'accuracy' }, labels, probabilities)).toMatchObject({ value: 1, met: true });
    expect(chooseThreshold({ maximize: 'accuracy', min_recall: 1 }, labels, probabilities)).toMatchObject({
      value: 0.6,
      met: true,
    });
    const certain = Float64Array.of(1, 0.8, 0.7, 0.6);
    expect(chooseThreshold({ maximize: 'accuracy' }, [1, 0, 0, 0], certain).value).toBe(1);
    // With the certain row, which is wrong, 2 of 4 are right; with no other threshold more.
    expect(chooseThreshold({ maximize: 'accuracy' }, labels, certain).value).toBe(1);
  });

  test.each([
    ['f1', 0.6],
    ['matthews_corrcoef', 0.6],
    ['balanced_accuracy', 0.6],
    ['accuracy', 0.6],
  ] as const)('chooses by %s', (maximize, value) => {
    // At .9, .8, .6 and .1 true and false positives are 0 and 1, 1 and 1, 2 and 1, 2 and 2: F1 is 0, .5, .8 and .67.
    const found = chooseThreshold({ maximize }, [0, 1, 1, 0], Float64Array.of(0.9, 0.8, 0.6, 0.1));
    expect(found.value).toBe(value);
  });
});
