import { describe, expect, test } from 'vitest';
import { ZERO_OR_ONE, type Params, type TaskSpec } from '../../src/contracts/index.js';
import type { TrainingShape } from '../../src/ml/estimators/estimator.js';
import {
  dataNeeds,
  estimatorsFor,
  parameterFault,
  trainingRecipe,
  type Estimator,
} from '../../src/ml/estimators/estimators.js';

const shape = { rows: 1000, positives: 200, features: 14 };
const grades: TaskSpec = { task: 'multiclass', classes: ['A', 'B', 'C'] };
const amount: TaskSpec = { task: 'regression', objective: 'squared_error' };

function recipeOf(estimator: Estimator, params: Params, of: TrainingShape, seed: number, task: TaskSpec = ZERO_OR_ONE) {
  return trainingRecipe({ estimator, params, task, seed }, of);
}

describe('logistic regression', () => {
  test('C becomes a penalty a row', () => {
    expect(recipeOf('logistic_regression', { penalty: 'l1', C: 0.001, class_weight: null }, shape, 1)).toEqual({
      settings: {
        nthread: 1,
        validate_parameters: 'true',
        seed: 1,
        booster: 'gblinear',
        objective: 'binary:logistic',
        base_score: 0.5,
        updater: 'coord_descent',
        feature_selector: 'cyclic',
        learning_rate: 1,
        scale_pos_weight: 1,
        reg_alpha: 1,
        reg_lambda: 0,
      },
      rounds: 100,
      tolerance: 0.003,
    });
  });

  test('balanced weights of mean 1.6 ask for 1.6 times the penalty', () => {
    const { settings } = recipeOf('logistic_regression', { penalty: 'l2', C: 0.1, class_weight: 'balanced' }, shape, 1);
    expect(settings).toMatchObject({ scale_pos_weight: 4, reg_alpha: 0 });
    expect(settings.reg_lambda).toBeCloseTo(1.6 / (0.1 * 1000), 12);
  });
});

describe('random forest', () => {
  test('is one round of parallel trees', () => {
    const params = {
      n_estimators: 50,
      max_depth: 5,
      min_samples_split: 5,
      min_samples_leaf: 1,
      class_weight: 'balanced',
    };
    const { settings, rounds, tolerance } = recipeOf('random_forest', params, shape, 42);
    expect(settings).toMatchObject({
      objective: 'reg:squarederror',
      base_score: 0,
      num_parallel_tree: 50,
      max_depth: 5,
      min_child_weight: 2.5,
      scale_pos_weight: 4,
      seed: 42,
    });
    expect({ rounds, tolerance }).toEqual({ rounds: 1, tolerance: undefined });
  });

  test.each([
    [14, 3],
    [9, 3],
    [2, 1],
    [1, 1],
    [100, 10],
  ])('of %i features a split sees %i', (features, seen) => {
    const { settings } = recipeOf('random_forest', {}, { ...shape, features }, 1);
    expect(Math.floor(Math.fround(settings.colsample_bynode as number) * features)).toBe(seen);
  });

  test.each([
    [{}, 10_000, 1],
    [{}, 60_000, 6],
    [{ min_samples_leaf: 1 }, 60_000, 1],
    [{ min_samples_leaf: 0.01 }, 1_001, 11],
    [{ min_samples_leaf: 3, min_samples_split: 10 }, 1_000, 5],
    // scikit-learn splits a node of ceil(.1 x 1,001) = 101 rows.
    [{ min_samples_split: 0.1 }, 1_001, 50.5],
  ] as [Params, number, number][])('with %j and %i rows a leaf has %i', (params, rows, least) => {
    expect(recipeOf('random_forest', params, { ...shape, rows }, 1).settings.min_child_weight).toBe(least);
  });

  test('a leaf is asked for no more rows than a tree sees, beyond which it would say 0 of every row', () => {
    const leastOf = (params: Params, of = shape, task: TaskSpec = amount) =>
      recipeOf('random_forest', params, of, 1, task).settings.min_child_weight;
    // A tree of 1,000 rows sees some 632 of them.
    const many: Params[] = [{ min_samples_leaf: 0.9 }, { min_samples_leaf: 5_000 }, { min_samples_split: 5_000 }];
    for (const params of many) {
      expect(leastOf(params)).toBeGreaterThan(632 / 2);
      expect(leastOf(params)).toBeLessThan(632 - 5 * Math.sqrt(1_000 * 0.632 * 0.368));
    }
    expect(leastOf({ min_samples_leaf: 300 })).toBe(300);
    // Balanced, 900 positives weigh 1 / 9 each: all rows weigh 200 together.
    const mostly = { ...shape, positives: 900 };
    expect(leastOf({ min_samples_leaf: 150, class_weight: 'balanced' }, mostly, ZERO_OR_ONE)).toBeLessThan(0.632 * 200);
    expect(leastOf({ min_samples_leaf: 50, class_weight: 'balanced' }, mostly, ZERO_OR_ONE)).toBe(50);
  });

  test('has the threads that it is given where sums are exact, and one where they are not', () => {
    const threadsOf = (params: Params, task: TaskSpec, rows: number) =>
      trainingRecipe({ estimator: 'random_forest', params, task, seed: 1 }, { ...shape, rows }, 4).settings.nthread;
    const classes: TaskSpec = { task: 'multiclass', classes: ['a', 'b', 'c'] };
    expect(threadsOf({ class_weight: 'balanced' }, ZERO_OR_ONE, 1000)).toBe(4);
    expect(threadsOf({}, classes, 1000)).toBe(4);
    expect(threadsOf({ class_weight: 'balanced' }, classes, 1000)).toBe(1);
    expect(threadsOf({}, { task: 'regression', objective: 'squared_error' }, 1000)).toBe(1);
    expect(threadsOf({}, ZERO_OR_ONE, 2 ** 29)).toBe(1);
  });

  test('without a depth has no limit', () => {
    expect(recipeOf('random_forest', { max_depth: null }, shape, 1).settings.max_depth).toBe(0);
  });
});

describe('xgboost', () => {
  test('keeps the names of its parameters', () => {
    const params = {
      n_estimators: 100,
      max_depth: 3,
      learning_rate: 0.05,
      subsample: 0.8,
      colsample_bytree: 0.6,
      scale_pos_weight: 7.98995,
    };
    const { settings, rounds } = recipeOf('xgboost', params, shape, 1);
    expect(settings).toMatchObject({
      booster: 'gbtree',
      objective: 'binary:logistic',
      max_depth: 3,
      learning_rate: 0.05,
      subsample: 0.8,
      colsample_bytree: 0.6,
      scale_pos_weight: 7.98995,
    });
    expect(rounds).toBe(100);
  });

  test('balanced is negatives / positives', () => {
    expect(recipeOf('xgboost', { scale_pos_weight: 'balanced' }, shape, 1).settings.scale_pos_weight).toBe(4);
  });

  // As of the first stretch of a fold by time, before anything has happened.
  test.each([0, 1000])(
    'balanced is nothing where %i of 1,000 rows are positive, as there is one class',
    (positives) => {
      for (const [estimator, params] of [
        ['xgboost', { scale_pos_weight: 'balanced' }],
        ['lightgbm', { scale_pos_weight: 'balanced' }],
        ['random_forest', { class_weight: 'balanced' }],
        ['logistic_regression', { class_weight: 'balanced' }],
      ] as const) {
        const { settings } = recipeOf(estimator, params, { ...shape, positives }, 1);
        expect(settings).toEqual(recipeOf(estimator, {}, { ...shape, positives }, 1).settings);
      }
    },
  );
});

test('a forest of lightgbm is told that its trees have to see different rows or columns', () => {
  const forest = (params: Params) => recipeOf('lightgbm', { boosting_type: 'rf', ...params }, shape, 1).settings;
  for (const params of [{}, { subsample: 0.6 }, { subsample_freq: 1 }] as Params[])
    expect(() => forest(params)).toThrow(
      'The parameter boosting_type of lightgbm is "rf", whose trees would all be the same; give a subsample below 1 with a subsample_freq of 1, or a colsample_bytree below 1.',
    );
  for (const params of [{ subsample: 0.6, subsample_freq: 1 }, { colsample_bytree: 0.5 }] as Params[])
    expect(forest(params).boosting).toBe('rf');
});

describe('a parameter that makes no sense is ConfigInvalid', () => {
  test.each([
    [
      'xgboost',
      { n_estimators: 1.5 },
      'The parameter n_estimators of xgboost is 1.5; expected a whole number from 1 to 1000000.',
    ],
    [
      'xgboost',
      { max_depth: 'deep' },
      'The parameter max_depth of xgboost is "deep"; expected a whole number of 0 or more.',
    ],
    ['logistic_regression', { C: 0 }, 'The parameter C of logistic_regression is 0; expected a number above 0.'],
    [
      'logistic_regression',
      { penalty: 'l3' },
      'The parameter penalty of logistic_regression is "l3"; expected l1 or l2.',
    ],
    [
      'random_forest',
      { class_weight: 'even' },
      'The parameter class_weight of random_forest is "even"; expected balanced or null.',
    ],
    ['mlp', { dropout: 1 }, 'The parameter dropout of mlp is 1; expected a number of 0 or more and below 1.'],
    [
      'mlp',
      { hidden_layer_sizes: '64,0' },
      'The parameter hidden_layer_sizes of mlp is "64,0"; expected one to ten numbers of units up to 9999 with commas, such as "256,128,64".',
    ],
    [
      'random_forest',
      { learning_rate: 1, depht: 2 },
      'random_forest has no parameter learning_rate, depht; take it out of the model config.',
    ],
  ] as const)('%s %j', (estimator, params, message) => {
    expect(() => recipeOf(estimator, params, shape, 1)).toThrow(
      expect.objectContaining({ type: 'ConfigInvalid', message }) as Error,
    );
  });
});

describe('a task', () => {
  test.each([
    [ZERO_OR_ONE, ['logistic_regression', 'random_forest', 'xgboost', 'lightgbm', 'mlp']],
    [grades, ['logistic_regression', 'random_forest', 'xgboost', 'lightgbm', 'mlp']],
    [amount, ['linear_regression', 'random_forest', 'xgboost', 'lightgbm', 'mlp']],
    [
      { task: 'regression', objective: 'poisson' },
      ['linear_regression', 'random_forest', 'xgboost', 'lightgbm', 'mlp'],
    ],
    [{ task: 'regression', objective: 'absolute_error' }, ['xgboost', 'lightgbm', 'mlp']],
  ] as [TaskSpec, Estimator[]][])('%j has the estimators that can do it', (task, estimators) => {
    expect(estimatorsFor(task)).toEqual(estimators);
    for (const estimator of estimators) expect(recipeOf(estimator, {}, shape, 1, task)).toBeDefined();
  });

  test('that an estimator can not do is refused by name', () => {
    expect(() => recipeOf('logistic_regression', {}, shape, 1, amount)).toThrow(
      'logistic_regression predicts classes; use linear_regression.',
    );
  });

  test('without classes has no weights of classes', () => {
    expect(parameterFault('xgboost', 'scale_pos_weight', 2, [amount])).toBe(
      'xgboost has no parameter scale_pos_weight; take it out of the model config.',
    );
    expect(parameterFault('xgboost', 'class_weight', 'balanced', [grades])).toBeUndefined();
  });

  test('that is not known yet has any parameter that one of them takes', () => {
    for (const estimator of ['xgboost', 'lightgbm'] as const) {
      expect(parameterFault(estimator, 'class_weight', 'balanced')).toBeUndefined();
      expect(parameterFault(estimator, 'scale_pos_weight', 'balanced')).toBeUndefined();
      expect(parameterFault(estimator, 'scale_pos_weight', 0)).toBe(
        `The parameter scale_pos_weight of ${estimator} is 0; expected a number above 0, or "balanced".`,
      );
    }
    expect(parameterFault('linear_regression', 'alpha', 1)).toBeUndefined();
    expect(parameterFault('linear_regression', 'alpha', -1)).toBe(
      'The parameter alpha of linear_regression is -1; expected a number of 0 or more.',
    );
    expect(parameterFault('lightgbm', 'boosting_type', 'rf')).toBeUndefined();
    expect(parameterFault('script', 'anything', 'it likes')).toBeUndefined();
  });

  test('of several classes weighs the rows of a balanced candidate, so that its rows are others than those of one that is not', () => {
    const needs = (class_weight: 'balanced' | null) =>
      dataNeeds({ estimator: 'xgboost', params: { class_weight }, task: grades, seed: 1 });
    expect(needs('balanced')).toEqual({ balancedClasses: 3 });
    expect(needs(null)).toEqual({});
  });
});
