import { balance, defineEstimator } from './estimator.js';
import { CLASS_WEIGHT, number, oneOf } from './parameter.js';

/** In log-odds: the odds move by .3%. On 71,596 rows of hospital stays that is 3 to 20 rounds, and an AUC within .0006 of the limit. */
const TOLERANCE = 3e-3;
const MAX_ROUNDS = 100;
/** A round of several classes is a half step for each of them. */
const MULTICLASS_TOLERANCE = 1e-3;
const MULTICLASS_MAX_ROUNDS = 1000;

/**
 * scikit-learn minimises `penalty(w) + C sum(s_i loss_i)` with s_i the class weights. `gblinear` minimises
 * `alpha n |w|_1 + lambda n |w|_2^2 / 2 + sum(s_i loss_i)` for n rows, where `scale_pos_weight` gives s_i without
 * counting towards n. "balanced" class weights have the mean 1, ours the mean m = sum(s_i) / n, so alpha = m / (C n).
 * With several classes the weights are the rows' own, of mean 1.
 * The intercept is not penalised (liblinear penalises it, lbfgs and saga don't).
 */
export const logisticRegression = defineEstimator('logistic_regression', {
  library: 'libxgboost',
  parameters: { penalty: oneOf(['l1', 'l2'], 'l2'), C: number('positive', 1), class_weight: CLASS_WEIGHT },
  cannot: ({ task }) => (task === 'regression' ? 'predicts classes; use linear_regression' : undefined),
  balancing: () => 'class_weight',
  data: ({ class_weight }, task) =>
    task.task === 'multiclass' && class_weight === 'balanced' ? { balancedClasses: task.classes.length } : {},
  recipe({ penalty, C, class_weight }, task, shape) {
    const linear = (strength: number) => ({
      base_score: 0.5,
      updater: 'coord_descent',
      feature_selector: 'cyclic',
      learning_rate: 1,
      reg_alpha: penalty === 'l1' ? strength : 0,
      reg_lambda: penalty === 'l2' ? strength : 0,
    });
    if (task.task === 'multiclass') {
      return {
        settings: {
          booster: 'gblinear',
          objective: 'multi:softprob',
          num_class: task.classes.length,
          ...linear(1 / (C * shape.rows)),
        },
        rounds: MULTICLASS_MAX_ROUNDS,
        tolerance: MULTICLASS_TOLERANCE,
      };
    }
    const positiveWeight = class_weight === 'balanced' ? balance(shape) : 1;
    const meanWeight = (shape.rows - shape.positives + shape.positives * positiveWeight) / shape.rows;
    return {
      settings: {
        booster: 'gblinear',
        objective: 'binary:logistic',
        scale_pos_weight: positiveWeight,
        ...linear(meanWeight / (C * shape.rows)),
      },
      rounds: MAX_ROUNDS,
      tolerance: TOLERANCE,
    };
  },
});
