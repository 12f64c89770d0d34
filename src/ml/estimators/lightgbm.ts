import type { Objective, TaskSpec } from '../../contracts/task.js';
import { PerdureError } from '../../errors.js';
import { balance, defineEstimator, type Settings } from './estimator.js';
import { CLASS_WEIGHT, integer, number, oneOf, positiveWeight } from './parameter.js';

const OBJECTIVES: Record<Objective, string> = {
  squared_error: 'regression',
  absolute_error: 'regression_l1',
  poisson: 'poisson',
};

/**
 * Gradient boosting of lib_lightgbm; parameters have the names and defaults of its scikit-learn wrapper, but for
 * `reg_lambda`. With the wrapper's 0 nothing bounds what a leaf of rows that are all but certain adds: where the classes
 * can be told apart, one row on the wrong side threw the scores so far that the model was lost. libxgboost's 1 bounds it.
 */
export const lightgbm = defineEstimator('lightgbm', {
  library: 'lib_lightgbm',
  nativeCategoricals: true,
  parameters: {
    boosting_type: oneOf(['gbdt', 'rf', 'dart'], 'gbdt'),
    n_estimators: number('count', 100),
    num_leaves: integer(2, 131_072, 31),
    max_depth: integer(-1, 1_000_000, -1),
    learning_rate: number('positive', 0.1),
    min_child_samples: number('whole', 20),
    min_child_weight: number('notNegative', 0.001),
    min_split_gain: number('notNegative', 0),
    subsample: number('share', 1),
    subsample_freq: number('whole', 0),
    colsample_bytree: number('share', 1),
    reg_alpha: number('notNegative', 0),
    reg_lambda: number('notNegative', 1),
    max_bin: integer(2, 65_535, 255),
    subsample_for_bin: number('count', 200_000),
    scale_pos_weight: positiveWeight(),
    class_weight: CLASS_WEIGHT,
  },
  only: { scale_pos_weight: ['binary'], class_weight: ['multiclass'] },
  relativeCost: ({ n_estimators, num_leaves }) =>
    (typeof n_estimators === 'number' ? n_estimators : 100) * (typeof num_leaves === 'number' ? num_leaves : 31),
  balancing: (task) =>
    ({ binary: 'scale_pos_weight', multiclass: 'class_weight', regression: undefined })[task] as
      'scale_pos_weight' | 'class_weight' | undefined,
  data: ({ class_weight, max_bin, min_child_samples, subsample_for_bin }, task) => ({
    settings: { max_bin, min_data_in_leaf: min_child_samples, bin_construct_sample_cnt: subsample_for_bin },
    ...(task.task === 'multiclass' && class_weight === 'balanced' ? { balancedClasses: task.classes.length } : {}),
  }),
  recipe(values, task, shape) {
    const { boosting_type, subsample, subsample_freq, colsample_bytree } = values;
    if (boosting_type === 'rf' && (subsample === 1 || subsample_freq === 0) && colsample_bytree === 1)
      throw new PerdureError(
        'ConfigInvalid',
        'The parameter boosting_type of lightgbm is "rf", whose trees would all be the same; give a subsample below 1 with a subsample_freq of 1, or a colsample_bytree below 1.',
      );
    const weight = values.scale_pos_weight === 'balanced' ? balance(shape) : values.scale_pos_weight;
    return {
      settings: {
        boosting: values.boosting_type,
        ...objectiveOf(task, weight),
        num_leaves: values.num_leaves,
        max_depth: values.max_depth,
        learning_rate: values.learning_rate,
        min_data_in_leaf: values.min_child_samples,
        min_sum_hessian_in_leaf: values.min_child_weight,
        min_gain_to_split: values.min_split_gain,
        bagging_fraction: values.subsample,
        bagging_freq: values.subsample_freq,
        feature_fraction: values.colsample_bytree,
        lambda_l1: values.reg_alpha,
        lambda_l2: values.reg_lambda,
        max_bin: values.max_bin,
        bin_construct_sample_cnt: values.subsample_for_bin,
      },
      rounds: values.n_estimators,
    };
  },
});

function objectiveOf(task: TaskSpec, positive: number): Settings {
  switch (task.task) {
    case 'binary':
      return { objective: 'binary', scale_pos_weight: positive };
    case 'multiclass':
      return { objective: 'multiclass', num_class: task.classes.length };
    case 'regression':
      return { objective: OBJECTIVES[task.objective] };
  }
}
