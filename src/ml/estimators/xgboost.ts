import type { Objective, TaskSpec } from '../../contracts/task.js';
import { balance, costOfTrees, defineEstimator, given, LEAST_GAIN_OF_XGBOOST, type Settings } from './estimator.js';
import { CLASS_WEIGHT, number, numberOfLibrary, positiveWeight } from './parameter.js';

/** The library's own `max_depth`. */
const DEPTH = 6;

const OBJECTIVES: Record<Objective, string> = {
  squared_error: 'reg:squarederror',
  absolute_error: 'reg:absoluteerror',
  poisson: 'count:poisson',
};

/** Gradient boosting of libxgboost; parameters have the names of its scikit-learn wrapper, and the library's defaults. */
export const xgboost = defineEstimator('xgboost', {
  library: 'libxgboost',
  nativeCategoricals: true,
  // Gradients of the other objectives have no unit, or are counts.
  leastGain: (task) => (task.task === 'regression' && task.objective === 'squared_error' ? LEAST_GAIN_OF_XGBOOST : 0),
  parameters: {
    n_estimators: number('count', 100),
    max_depth: numberOfLibrary('whole'),
    max_leaves: numberOfLibrary('whole'),
    learning_rate: numberOfLibrary('notNegative'),
    gamma: numberOfLibrary('notNegative'),
    min_child_weight: numberOfLibrary('notNegative'),
    max_delta_step: numberOfLibrary('notNegative'),
    subsample: numberOfLibrary('share'),
    colsample_bytree: numberOfLibrary('share'),
    colsample_bylevel: numberOfLibrary('share'),
    colsample_bynode: numberOfLibrary('share'),
    reg_alpha: numberOfLibrary('notNegative'),
    reg_lambda: numberOfLibrary('notNegative'),
    scale_pos_weight: positiveWeight(),
    class_weight: CLASS_WEIGHT,
  },
  only: { scale_pos_weight: ['binary'], class_weight: ['multiclass'] },
  relativeCost: (params) => costOfTrees(params, DEPTH),
  balancing: (task) =>
    ({ binary: 'scale_pos_weight', multiclass: 'class_weight', regression: undefined })[task] as
      'scale_pos_weight' | 'class_weight' | undefined,
  data: ({ class_weight }, task) =>
    task.task === 'multiclass' && class_weight === 'balanced' ? { balancedClasses: task.classes.length } : {},
  recipe({ n_estimators, scale_pos_weight, ...others }, task, shape) {
    // What goes by weights per row is no setting of the library.
    const named = Object.fromEntries(
      Object.entries(others).flatMap(([name, value]) => (typeof value === 'number' ? [[name, value]] : [])),
    );
    const weight = scale_pos_weight === 'balanced' ? balance(shape) : scale_pos_weight;
    return {
      settings: { booster: 'gbtree', ...objectiveOf(task, weight), tree_method: 'hist', ...given(named) },
      rounds: n_estimators,
    };
  },
});

function objectiveOf(task: TaskSpec, positive: number): Settings {
  switch (task.task) {
    case 'binary':
      return { objective: 'binary:logistic', scale_pos_weight: positive };
    case 'multiclass':
      return { objective: 'multi:softprob', num_class: task.classes.length };
    case 'regression':
      return { objective: OBJECTIVES[task.objective] };
  }
}
