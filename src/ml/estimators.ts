import type { Params } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import type { Estimator } from './engines/pool.js';

/** What of the training rows a setting may depend on. */
export interface TrainingShape {
  rows: number;
  /** Rows labelled 1. */
  positives: number;
  features: number;
}

/** How libxgboost is to train one estimator. */
export interface TrainingRecipe {
  settings: Record<string, string | number>;
  /** Rounds of boosting, or the most of them where `tolerance` is given. */
  rounds: number;
  /** Stop when a round moves no feature's part in the log-odds by more than this, at the feature's root mean square. */
  tolerance?: number;
}

/** Share of the rows that a tree of a forest sees: the distinct rows of a bootstrap sample, 1 - 1/e. */
const BOOTSTRAP_SHARE = 0.632;
const UNLIMITED = 0;
/** Levels that a tree without a limit reaches, about. */
const DEEP = 30;
/** The library's own `max_depth`. */
const XGBOOST_DEPTH = 6;
/** In log-odds: the odds move by .3%. On 71,596 rows of hospital stays that is 3 to 20 rounds, and an AUC within .0006 of the limit. */
const LINEAR_TOLERANCE = 3e-3;
const LINEAR_MAX_ROUNDS = 100;

/** Trees or levels beyond which no training ends. */
const MOST = 1_000_000;

const COMMON = { nthread: 1, validate_parameters: 'true' };

/**
 * Translates scikit-learn's parameters into libxgboost's.
 *
 * @param seed `random_state`
 * @throws PerdureError `ConfigInvalid` for a parameter that is unknown or of the wrong kind
 */
export function trainingRecipe(estimator: Estimator, params: Params, shape: TrainingShape, seed: number): TrainingRecipe {
  const recipe = RECIPES[estimator](new ParamReader(estimator, params), shape);
  return { ...recipe, settings: { ...COMMON, seed, ...recipe.settings } };
}

/** What is wrong with one value of a parameter, in words; `undefined` where the estimator takes it. */
export function parameterFault(estimator: Estimator, name: string, value: Params[string]): string | undefined {
  try {
    trainingRecipe(estimator, { [name]: value }, { rows: 100, positives: 50, features: 10 }, 0);
    return undefined;
  } catch (error) {
    if (error instanceof PerdureError && error.type === 'ConfigInvalid') return error.message;
    throw error;
  }
}

/**
 * About how long a candidate takes against others of its estimator, without a unit: trees times levels. For the order
 * of work only, so parameters that can't be read count as the defaults.
 */
export function relativeCost(estimator: Estimator, { n_estimators, max_depth }: Params): number {
  if (estimator === 'logistic_regression') return 1;
  const trees = typeof n_estimators === 'number' ? n_estimators : 100;
  const unlimited = estimator === 'random_forest' ? DEEP : XGBOOST_DEPTH;
  return trees * (typeof max_depth === 'number' && max_depth > 0 ? max_depth : unlimited);
}

const RECIPES: Record<Estimator, (params: ParamReader, shape: TrainingShape) => TrainingRecipe> = {
  logistic_regression: logisticRegression,
  random_forest: randomForest,
  xgboost,
};

/**
 * scikit-learn minimises `penalty(w) + C sum(s_i loss_i)` with s_i the class weights. `gblinear` minimises
 * `alpha n |w|_1 + lambda n |w|_2^2 / 2 + sum(s_i loss_i)` for n rows, where `scale_pos_weight` gives s_i without
 * counting towards n. "balanced" class weights have the mean 1, ours the mean m = sum(s_i) / n, so alpha = m / (C n).
 * The intercept is not penalised (liblinear penalises it, lbfgs and saga don't).
 */
function logisticRegression(params: ParamReader, shape: TrainingShape): TrainingRecipe {
  const penalty = params.oneOf('penalty', ['l1', 'l2'], 'l2');
  const C = params.positive('C', 1);
  const positiveWeight = classWeight(params, shape);
  params.done();
  const meanWeight = (shape.rows - shape.positives + shape.positives * positiveWeight) / shape.rows;
  const strength = meanWeight / (C * shape.rows);
  return {
    settings: {
      booster: 'gblinear',
      objective: 'binary:logistic',
      base_score: 0.5,
      updater: 'coord_descent',
      feature_selector: 'cyclic',
      learning_rate: 1,
      scale_pos_weight: positiveWeight,
      reg_alpha: penalty === 'l1' ? strength : 0,
      reg_lambda: penalty === 'l2' ? strength : 0,
    },
    rounds: LINEAR_MAX_ROUNDS,
    tolerance: LINEAR_TOLERANCE,
  };
}

/**
 * A forest is one round of parallel trees with the squared error of the label: a leaf's value is then the (weighted)
 * share of positives among its rows, the prediction is the mean of the leaves, the gain of a split is Gini's, and
 * `min_child_weight` counts (weighted) rows as `min_samples_leaf` does. Approximations: rows are drawn without
 * replacement, and `min_samples_split` of m, which has no counterpart, asks for m / 2 rows a leaf.
 */
function randomForest(params: ParamReader, shape: TrainingShape): TrainingRecipe {
  const trees = params.count('n_estimators', 100);
  const depth = params.countOrNull('max_depth');
  const minSplit = params.positive('min_samples_split', 2);
  const minLeaf = params.positive('min_samples_leaf', 1);
  const positiveWeight = classWeight(params, shape);
  params.done();
  const featuresPerSplit = Math.max(1, Math.floor(Math.sqrt(shape.features)));
  return {
    settings: {
      booster: 'gbtree',
      objective: 'reg:squarederror',
      base_score: 0,
      tree_method: 'hist',
      num_parallel_tree: trees,
      max_depth: depth ?? UNLIMITED,
      min_child_weight: Math.max(minLeaf, minSplit / 2),
      scale_pos_weight: positiveWeight,
      learning_rate: 1,
      reg_lambda: 1e-5,
      subsample: BOOTSTRAP_SHARE,
      // The library truncates the product with the number of features: half a feature more keeps it whole.
      colsample_bynode: Math.min(1, (featuresPerSplit + 0.5) / shape.features),
    },
    rounds: 1,
  };
}

/** Parameters of the scikit-learn wrapper that go to the library under their own names. */
const NOT_NEGATIVE: NumberKind = { expected: 'a number of 0 or more', holds: (value) => value >= 0 };
const WHOLE: NumberKind = { expected: 'a whole number of 0 or more', holds: (value) => Number.isInteger(value) && value >= 0 };
const SHARE: NumberKind = { expected: 'a number above 0 and up to 1', holds: (value) => value > 0 && value <= 1 };
const XGBOOST_NUMBERS: Record<string, NumberKind> = {
  max_depth: WHOLE,
  max_leaves: WHOLE,
  learning_rate: NOT_NEGATIVE,
  gamma: NOT_NEGATIVE,
  min_child_weight: NOT_NEGATIVE,
  max_delta_step: NOT_NEGATIVE,
  subsample: SHARE,
  colsample_bytree: SHARE,
  colsample_bylevel: SHARE,
  colsample_bynode: SHARE,
  reg_alpha: NOT_NEGATIVE,
  reg_lambda: NOT_NEGATIVE,
};

/** What a number must be, in words. */
interface NumberKind {
  expected: string;
  holds(value: number): boolean;
}

function xgboost(params: ParamReader, shape: TrainingShape): TrainingRecipe {
  const rounds = params.count('n_estimators', 100);
  const positiveWeight = params.value('scale_pos_weight') === 'balanced' ? balance(shape) : params.positive('scale_pos_weight', 1);
  const named = Object.entries(XGBOOST_NUMBERS).flatMap(([name, kind]) => (params.value(name) === undefined ? [] : [[name, params.number(name, kind)] as const]));
  params.done();
  return {
    settings: {
      booster: 'gbtree',
      objective: 'binary:logistic',
      tree_method: 'hist',
      scale_pos_weight: positiveWeight,
      ...Object.fromEntries(named),
    },
    rounds,
  };
}

/** Weight of a positive row against a negative one. */
function classWeight(params: ParamReader, shape: TrainingShape): number {
  return params.oneOf('class_weight', ['balanced', null], null) === 'balanced' ? balance(shape) : 1;
}

function balance({ rows, positives }: TrainingShape): number {
  return (rows - positives) / positives;
}

/** Reads the parameters of one estimator, and complains about those that nobody read. */
class ParamReader {
  private readonly unread: Set<string>;

  constructor(
    private readonly estimator: Estimator,
    private readonly params: Params,
  ) {
    this.unread = new Set(Object.keys(params));
  }

  value(name: string): Params[string] | undefined {
    this.unread.delete(name);
    return this.params[name];
  }

  number(name: string, kind: NumberKind = { expected: 'a number', holds: () => true }): number {
    const value = this.value(name);
    return typeof value === 'number' && Number.isFinite(value) && kind.holds(value) ? value : this.fault(name, kind.expected);
  }

  positive(name: string, byDefault: number): number {
    if (this.value(name) === undefined) return byDefault;
    return this.number(name) > 0 ? this.number(name) : this.fault(name, 'a number above 0');
  }

  count(name: string, byDefault: number): number {
    const value = this.positive(name, byDefault);
    return Number.isInteger(value) && value <= MOST ? value : this.fault(name, `a whole number from 1 to ${MOST}`);
  }

  countOrNull(name: string): number | null {
    return (this.value(name) ?? null) === null ? null : this.count(name, 1);
  }

  oneOf<T extends Params[string]>(name: string, choices: T[], byDefault: T): T {
    const value = this.value(name);
    if (value === undefined) return byDefault;
    return choices.includes(value as T) ? (value as T) : this.fault(name, choices.map(String).join(' or '));
  }

  done(): void {
    if (this.unread.size > 0) {
      throw new PerdureError('ConfigInvalid', `${this.estimator} has no parameter ${[...this.unread].join(', ')}; take it out of the model config.`);
    }
  }

  private fault(name: string, expected: string): never {
    throw new PerdureError('ConfigInvalid', `The parameter ${name} of ${this.estimator} is ${JSON.stringify(this.params[name])}; expected ${expected}.`);
  }
}
