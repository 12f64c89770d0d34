import { defineEstimator } from './estimator.js';
import { number } from './parameter.js';

/**
 * Least squares, solved exactly; with `alpha` scikit-learn's `Ridge`. With the objective `poisson` its
 * `PoissonRegressor`: the logarithm of the mean is linear, and `alpha` is a penalty per row. The intercept is not penalised.
 */
export const linearRegression = defineEstimator('linear_regression', {
  library: 'libxgboost',
  parameters: { alpha: number('notNegative', 0) },
  cannot(task) {
    if (task.task !== 'regression') return 'predicts numbers; use logistic_regression';
    return task.objective === 'absolute_error'
      ? "can't minimise the absolute error; use xgboost or lightgbm"
      : undefined;
  },
  data: () => ({ kept: true }),
  recipe({ alpha }, task, { rows }) {
    const poisson = task.task === 'regression' && task.objective === 'poisson';
    return {
      // What the model adds to the weighted features before its link is 0.
      settings: {
        booster: 'gblinear',
        objective: poisson ? 'count:poisson' : 'reg:squarederror',
        base_score: poisson ? 1 : 0,
      },
      rounds: 0,
      solve: poisson ? { link: 'log', ridge: alpha * rows } : { link: 'identity', ridge: alpha },
    };
  },
});
