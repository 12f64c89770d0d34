import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { AucComparison, MetricComparison } from '../../src/contracts/index.js';
import { ZERO_OR_ONE } from '../../src/contracts/task.js';
import { PromotionGate } from '../../src/config/schema.js';
import { promotionGate, type PromotionCase } from '../../src/registry/promotionGate.js';

/** 200 rows on which `strong` has an AUC of .8746 and `weak` one of .7053: z 3.14, p .0017. */
const golden = JSON.parse(readFileSync(new URL('../fixtures/statistics/delong.json', import.meta.url), 'utf8')) as {
  y: number[];
  s1: number[];
  s2: number[];
};
const labels = golden.y;
const said = (probabilities: number[]) => ({ values: Float64Array.from(probabilities), width: 1 });
const strong = { ref: { algorithm: 'xgboost', version: 'v2' }, output: said(golden.s1), threshold: 0.5 };
const weak = { ref: { algorithm: 'random_forest', version: 'v1' }, output: said(golden.s2), threshold: 0.5 };

const decide = (of: Partial<PromotionCase>, gate: Partial<PromotionGate> = {}) =>
  promotionGate(
    {
      task: ZERO_OR_ONE,
      metric: 'roc_auc',
      seed: 42,
      labels,
      challenger: strong,
      champion: weak,
      ...of,
    },
    PromotionGate.parse(gate),
  );
const brokenRules = (decision: ReturnType<typeof decide>) =>
  decision.rules.filter(({ passed }) => !passed).map(({ rule }) => rule);

describe('a challenger against the champion', () => {
  test('one that is better is promoted, with the working shown', () => {
    const decision = decide({}, { minimums: { roc_auc: 0.8, recall: 0.5 } });
    expect(decision).toMatchObject({
      decision: 'promote',
      reason: 'xgboost v2 takes the place of random_forest v1: it passes all 5 rules.',
      grounds: 'it passes all 5 rules',
      not_compared: null,
      challenger: strong.ref,
      champion: weak.ref,
      rules: [
        { rule: 'min_samples', expected: '>= 100', actual: 200, passed: true },
        { rule: 'minimum recall', expected: '>= 0.5', passed: true },
        { rule: 'minimum roc_auc', expected: '>= 0.8', passed: true },
        { rule: 'max_auc_loss', expected: '<= 0.01', passed: true },
        { rule: 'not_significantly_worse', expected: 'no lower ROC AUC with p < 0.05', passed: true },
      ],
    });
    expect((decision.comparison as AucComparison).z).toBeCloseTo(3.14127, 5);
    expect(decision.comparison?.p).toBeCloseTo(0.0016822, 7);
    expect(decision.metrics.challenger.roc_auc).toBeCloseTo(0.874577, 6);
    expect(decision.convention).toContain('DeLong');
  });

  test('one that passes waits for a person where the gate leaves it to one', () => {
    const decision = decide({}, { promote: 'approve' });
    expect(decision.decision).toBe('hold');
    expect(decision.reason).toBe('xgboost v2 may be promoted, and waits for a person to do so: it passes all 3 rules.');
    expect(decide({ challenger: weak, champion: strong }, { promote: 'approve' }).decision).toBe('refuse');
  });

  test('one that is significantly worse is refused, even where the loss is allowed', () => {
    const decision = decide({ challenger: weak, champion: strong }, { max_auc_loss: 0.5 });
    expect(decision.decision).toBe('refuse');
    expect(brokenRules(decision)).toEqual(['not_significantly_worse']);
    expect(decision.reason).toBe(
      'random_forest v1 may not be promoted: it does not pass not_significantly_worse (expected no lower ROC AUC with p < 0.05, got 0.001682).',
    );
  });

  test('one that loses too much is refused, even where so few rows prove nothing', () => {
    const decision = decide({ challenger: weak, champion: strong }, { alpha: 0.001 });
    expect(brokenRules(decision)).toEqual(['max_auc_loss']);
  });

  test('one as good as the champion passes, unless it must be better', () => {
    const equal = { champion: { ...strong, ref: weak.ref } };
    expect(decide(equal).decision).toBe('promote');
    expect(brokenRules(decide(equal, { require: 'better' }))).toEqual(['significantly_better']);
  });

  test('one that must be better has to be so significantly', () => {
    expect(decide({}, { require: 'better' }).decision).toBe('promote');
    expect(brokenRules(decide({}, { require: 'better', alpha: 0.001 }))).toEqual(['significantly_better']);
    expect(brokenRules(decide({ challenger: weak, champion: strong }, { require: 'better' }))).toContain(
      'significantly_better',
    );
  });
});

describe('minimums', () => {
  test("count at the challenger's own threshold, and each that is missed is named", () => {
    const decision = decide(
      { challenger: { ...strong, threshold: 0.9 } },
      { minimums: { recall: 0.5, roc_auc: 0.9, precision: 0 } },
    );
    expect(brokenRules(decision)).toEqual(['minimum recall', 'minimum roc_auc']);
    expect(decision.reason).toMatch(
      /minimum recall \(expected >= 0.5, got .*\), minimum roc_auc \(expected >= 0.9, got 0.8746\)/,
    );
  });

  test('and maximums have the interval of the metric beside them, which decides nothing', () => {
    const decision = decide(
      { champion: null, intervals: { roc_auc: [0.8, 0.93], log_loss: null } },
      { minimums: { roc_auc: 0.85 }, maximums: { log_loss: 0.1 } },
    );
    expect(decision.rules.slice(1)).toEqual([
      {
        rule: 'minimum roc_auc',
        expected: '>= 0.85',
        actual: expect.closeTo(0.8746, 4),
        interval: [0.8, 0.93],
        passed: true,
      },
      { rule: 'maximum log_loss', expected: '<= 0.1', actual: expect.closeTo(0.3929, 4), passed: false },
    ]);
    expect(decision.decision).toBe('refuse');
  });

  test('a first model has nothing but them to pass', () => {
    const first = decide({ champion: null }, { minimums: { roc_auc: 0.8 } });
    expect(first).toMatchObject({
      decision: 'promote',
      champion: null,
      comparison: null,
      reason: 'xgboost v2 becomes the first champion: it passes all 2 rules.',
    });
    expect(decide({ champion: null }, { minimums: { roc_auc: 0.9 } }).decision).toBe('refuse');
  });

  test('too few rows decide nothing', () => {
    const few = (scored: typeof strong) => ({
      ...scored,
      output: { ...scored.output, values: scored.output.values.slice(0, 99) },
    });
    const decision = decide({ labels: labels.slice(0, 99), challenger: few(strong), champion: few(weak) });
    expect(brokenRules(decision)).toContain('min_samples');
  });
});

describe('limits for slices', () => {
  const gate = { slices: { minimums: { recall: 0.5, roc_auc: 0.7 }, maximums: { log_loss: 0.4 } } };
  const slices: PromotionCase['slices'] = [
    {
      ...{ column: 'place', value: 'north', rows: 40 },
      metrics: { n: 40, roc_auc: 0.75, recall: 0.4, log_loss: 0.3, intervals: { recall: [0.3, 0.5] } },
    },
    { column: 'place', value: 'south', rows: 1_200, metrics: { n: 1_200, roc_auc: null, recall: 0.5, log_loss: 0.5 } },
    { column: 'place', value: 'west', rows: 1, metrics: null },
    { column: 'sex', value: 'f', rows: 1_900, metrics: null },
  ];

  test('count for each that was measured, and those of too few rows are told', () => {
    const decision = decide({ slices, champion: null }, gate);
    expect(decision.rules).toEqual([
      { rule: 'min_samples', expected: '>= 100', actual: 200, passed: true },
      ...[
        {
          rule: 'minimum recall of place = north',
          expected: '>= 0.5',
          actual: 0.4,
          interval: [0.3, 0.5],
          passed: false,
        },
        { rule: 'minimum roc_auc of place = north', expected: '>= 0.7', actual: 0.75, passed: true },
        { rule: 'maximum log_loss of place = north', expected: '<= 0.4', actual: 0.3, passed: true },
        { rule: 'minimum recall of place = south', expected: '>= 0.5', actual: 0.5, passed: true },
        { rule: 'minimum roc_auc of place = south', expected: '>= 0.7', actual: null, passed: false },
        { rule: 'maximum log_loss of place = south', expected: '<= 0.4', actual: 0.5, passed: false },
      ],
    ]);
    expect(decision.not_judged).toEqual(['place = west (1 row)', 'sex = f (1,900 rows)']);
    expect(decision).toMatchObject({
      decision: 'refuse',
      grounds:
        'it does not pass minimum recall of place = north (expected >= 0.5, got 0.4), minimum roc_auc of place = south (expected >= 0.7, got nothing that can be computed), maximum log_loss of place = south (expected <= 0.4, got 0.5)',
    });
  });

  test('are none where the gate has none, or all slices were measured', () => {
    const without = decide({ slices, champion: null });
    expect(without.rules).toHaveLength(1);
    expect(without).not.toHaveProperty('not_judged');
    const measured = decide({ slices: slices.slice(0, 2), champion: null }, gate);
    expect(measured).not.toHaveProperty('not_judged');
  });
});

describe('a champion that cannot score the rows', () => {
  const gone = {
    ref: weak.ref,
    unscored: 'There is no version "v1" of random_forest in the registry; train it, or choose another.',
  };

  test('is not compared with: the minimums decide, and the reason says so', () => {
    const decision = decide({ champion: gone }, { minimums: { roc_auc: 0.8 }, require: 'better' });
    expect(decision).toMatchObject({
      decision: 'promote',
      champion: weak.ref,
      comparison: null,
      metrics: { champion: null },
    });
    expect(decision.rules.map(({ rule }) => rule)).toEqual(['min_samples', 'minimum roc_auc']);
    expect(decision.reason).toBe(
      'xgboost v2 takes the place of random_forest v1: it passes all 2 rules that need no comparison. ' +
        'random_forest v1 could not be compared with: There is no version "v1" of random_forest in the registry; train it, or choose another.',
    );
  });

  test('stays where the challenger misses a minimum', () => {
    const decision = decide({ champion: gone }, { minimums: { roc_auc: 0.9 } });
    expect(decision.decision).toBe('refuse');
    expect(decision.reason).toContain(
      'it does not pass minimum roc_auc (expected >= 0.9, got 0.8746). random_forest v1 could not be compared with: ',
    );
  });
});

test('rows of one class only can show nothing, so nothing is promoted', () => {
  const decision = decide({ labels: labels.map(() => 0) }, { minimums: { roc_auc: 0 } });
  expect(decision.comparison).toBeNull();
  expect(brokenRules(decision)).toEqual([
    'minimum roc_auc',
    'rows_of_each_class',
    'max_auc_loss',
    'not_significantly_worse',
  ]);
  expect(decision.reason).toContain('got nothing that can be computed');
  const { rules } = decide({ labels: labels.map(() => 0) }, { require: 'better' });
  expect(rules.at(-1)).toMatchObject({ rule: 'significantly_better', actual: null, passed: false });
});

test('labels of a regression may all be one', () => {
  const task = { task: 'regression', objective: 'squared_error' } as const;
  const { rules } = decide({ task, metric: 'rmse', champion: null, labels: labels.map(() => 0) });
  expect(rules.map(({ rule }) => rule)).not.toContain('rows_of_each_class');
});

describe('by a metric of which less is better', () => {
  const task = { task: 'regression', objective: 'squared_error' } as const;
  const truth = Array.from({ length: 200 }, (_, row) => row % 7);
  /** Errors of this size, up and down in turn: their root mean square. */
  const off = (version: string, error: number) => ({
    ref: { algorithm: 'xgboost', version },
    output: said(truth.map((value, row) => value + (row % 2 ? error : -error))),
    threshold: 0.5,
  });
  const [near, far] = [off('near', 1), off('far', 2)];
  const rmse = { task, metric: 'rmse', labels: truth } as const;

  test('a challenger with less of it passes, as nothing worse and as better', () => {
    for (const require of ['better', 'not_worse'] as const) {
      const decision = decide({ ...rmse, challenger: near, champion: far }, { require });
      expect(decision.decision).toBe('promote');
      expect(decision.comparison).toMatchObject({ difference: -1 });
      expect(decision.convention).toContain('bootstrap');
    }
  });

  test('the interval of the difference is that of alpha, by the seed', () => {
    const uneven = { ...near, output: said(truth.map((value, row) => value + (row % 5) / 2)) };
    const width = (alpha: number, seed = 42) => {
      const { comparison } = decide({ ...rmse, seed, challenger: uneven, champion: far }, { alpha });
      const [low, high] = (comparison as MetricComparison).interval;
      return high - low;
    };
    expect(width(0.5)).toBeLessThan(width(0.05) / 2);
    expect(width(0.05)).toBe(width(0.05));
    expect(width(0.05, 7)).not.toBe(width(0.05));
  });

  test('a challenger with more of it does not, and the rule says which way', () => {
    const worse = decide({ ...rmse, challenger: far, champion: near });
    expect(worse.rules.at(-1)).toMatchObject({
      rule: 'not_significantly_worse',
      expected: 'no higher rmse with p < 0.05',
      passed: false,
    });
    const notBetter = decide({ ...rmse, challenger: far, champion: near }, { require: 'better' });
    expect(notBetter.rules.at(-1)).toMatchObject({
      rule: 'significantly_better',
      expected: 'lower rmse with p < 0.05',
      passed: false,
    });
    // How much of a metric in units of its own is too much, no rule says.
    expect(worse.rules.map(({ rule }) => rule)).not.toContain('max_auc_loss');
  });
});

test.each([
  [undefined, []],
  [0, []],
  [2, [{ rule: 'failed_model_tests', expected: '<= 0', actual: 2, passed: false }]],
  [null, [{ rule: 'failed_model_tests', expected: '<= 0', actual: null, passed: false }]],
])('of failed model tests %s stand in the way', (failedTests, rules) => {
  const found = decide({ failedTests }).rules.filter(({ rule }) => rule === 'failed_model_tests');
  expect(found).toEqual(rules);
});

test('models that scored different rows are refused', () => {
  expect(() => decide({ champion: { ...weak, output: said([0.5]) } })).toThrow(/same rows/);
});

test('a decision survives JSON', () => {
  const decision = decide({});
  expect(JSON.parse(JSON.stringify(decision))).toEqual(decision);
});

describe('settings', () => {
  test('have defaults', () => {
    expect(PromotionGate.parse({})).toEqual({
      min_samples: 100,
      minimums: {},
      maximums: {},
      max_auc_loss: 0.01,
      alpha: 0.05,
      require: 'not_worse',
      promote: 'auto',
    });
  });

  test.each([
    [{ minimums: { auc: 0.5 } }],
    [{ minimums: { recall: 2 } }],
    [{ alpha: 0 }],
    [{ require: 'best' }],
    [{ unknown: 1 }],
  ])('refuse %j', (settings) => {
    expect(PromotionGate.safeParse(settings).success).toBe(false);
  });
});
