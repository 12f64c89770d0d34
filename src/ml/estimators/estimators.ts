import type { Params } from '../../contracts/index.js';
import { ZERO_OR_ONE, type TaskSpec } from '../../contracts/task.js';
import { PerdureError } from '../../errors.js';
import type { DataNeeds, EstimatorKind, EstimatorRef, Settings, TrainingRecipe, TrainingShape } from './estimator.js';
import { lightgbm } from './lightgbm.js';
import { linearRegression } from './linearRegression.js';
import { logisticRegression } from './logisticRegression.js';
import { mlp } from './mlp.js';
import { randomForest } from './randomForest.js';
import { script } from './script.js';
import { xgboost } from './xgboost.js';

/** Every estimator, a line each: what the config's schema, the search and the engines go by. */
export const ESTIMATORS = {
  logistic_regression: logisticRegression,
  linear_regression: linearRegression,
  random_forest: randomForest,
  xgboost,
  lightgbm,
  mlp,
  script,
} satisfies Record<string, EstimatorKind>;

export type Estimator = keyof typeof ESTIMATORS;
export const ESTIMATOR_NAMES = Object.keys(ESTIMATORS) as [Estimator, ...Estimator[]];

/** What is to be trained, in scikit-learn's parameters. */
export interface TrainingOrder extends EstimatorRef<Estimator> {
  params: Params;
  task: TaskSpec;
  /** `random_state` */
  seed: number;
}

export function estimatorKind(estimator: Estimator): EstimatorKind {
  return ESTIMATORS[estimator];
}

/** The estimators that can do a task without a program of the user's, in the table's order. */
export function estimatorsFor(task: TaskSpec): Estimator[] {
  return ESTIMATOR_NAMES.filter(
    (name) => !estimatorKind(name).needsScript && estimatorKind(name).cannot(task) === undefined,
  );
}

/**
 * Translates scikit-learn's parameters into the library's.
 * @param threads for a training that gives the same bytes with any number of them; others have one
 * @throws PerdureError `ConfigInvalid` for a parameter that is unknown or of the wrong kind, or a task that the estimator can't do
 */
export function trainingRecipe(
  { estimator, params, task, seed }: TrainingOrder,
  shape: TrainingShape,
  threads = 1,
): TrainingRecipe {
  const recipe = able(estimator, task).recipe(params, task, shape);
  const shared: Settings =
    recipe.exactSums && ESTIMATORS[estimator].library === 'libxgboost' ? { nthread: threads } : {};
  return { ...recipe, settings: { ...COMMON[ESTIMATORS[estimator].library], seed, ...recipe.settings, ...shared } };
}

/**
 * How the rows are handed to the library. Throws as {@link trainingRecipe}, also for categories that the estimator would
 * take for numbers.
 *
 * @param categoricals positions of the columns that hold categories
 */
export function dataNeeds(
  { estimator, params, task, seed, script: program }: TrainingOrder,
  categoricals: number[] = [],
): DataNeeds {
  const kind = able(estimator, task);
  if (categoricals.length > 0 && !kind.nativeCategoricals) {
    throw new PerdureError(
      'ConfigInvalid',
      `${estimator} can't take categories as they are; use one_hot or ordinal instead of categorical, or leave the algorithm out.`,
    );
  }
  const { validationShare, ...needs } = kind.data(params, task);
  const share = program?.validation_share ?? validationShare ?? 0;
  return {
    ...needs,
    ...(needs.settings && { settings: { ...COMMON[kind.library], seed, ...needs.settings } }),
    ...(share > 0 && { validation: { share, seed } }),
    ...(categoricals.length > 0 && { categoricals }),
  };
}

/** A task of each kind, where it is not known yet which one is to be done. */
const ANY_TASK: readonly TaskSpec[] = [
  ZERO_OR_ONE,
  { task: 'multiclass', classes: ['0', '1', '2'] },
  { task: 'regression', objective: 'squared_error' },
];

/**
 * What is wrong with one value of a parameter by itself, in words; `undefined` where the estimator takes it.
 * @param tasks of which it has to take the value for one
 */
export function parameterFault(
  estimator: Estimator,
  name: string,
  value: Params[string],
  tasks: readonly TaskSpec[] = ANY_TASK,
): string | undefined {
  const faults = tasks.map((task) => {
    try {
      estimatorKind(estimator).data({ [name]: value }, task);
      return undefined;
    } catch (error) {
      if (error instanceof PerdureError && error.type === 'ConfigInvalid') return error.message;
      throw error;
    }
  });
  return faults.includes(undefined) ? undefined : faults[0];
}

/** About how long a candidate takes against others of its estimator, without a unit: for the order of work only. */
export function relativeCost(estimator: Estimator, params: Params): number {
  return estimatorKind(estimator).relativeCost(params);
}

/** One thread, and the same bytes from the same rows. */
const COMMON = {
  libxgboost: { nthread: 1, validate_parameters: 'true' },
  // Which of the two ways of counting is faster the library would try out, and the faster one is not always the same.
  lib_lightgbm: { num_threads: 1, deterministic: 'true', force_col_wise: 'true', verbosity: -1 },
  tfjs: {},
  script: {},
} as const;

function able(estimator: Estimator, task: TaskSpec): EstimatorKind {
  const kind = estimatorKind(estimator);
  const reason = kind.cannot(task);
  if (reason !== undefined) throw new PerdureError('ConfigInvalid', `${estimator} ${reason}.`);
  return kind;
}

/** Whether an estimator counts some classes more than others, so that its probabilities are not those of the data. */
export function weighsClasses(estimator: Estimator, params: Params, { task }: Pick<TaskSpec, 'task'>): boolean {
  const balancer = estimatorKind(estimator).balancing(task);
  const weight = balancer === undefined ? undefined : params[balancer];
  return weight !== undefined && weight !== null && weight !== 1;
}
