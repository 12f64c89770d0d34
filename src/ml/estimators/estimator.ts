import type { Params } from '../../contracts/index.js';
import type { TaskName, TaskSpec } from '../../contracts/task.js';
import { readParameters, type Parameter, type Values } from './parameter.js';

/** The native libraries that models are of. */
export type NativeLibraryName = 'libxgboost' | 'lib_lightgbm';
/** What models are of: a native library, TensorFlow.js, or a program of the user's. */
export type LibraryName = NativeLibraryName | 'tfjs' | 'script';

/** Names that a model's file may have, by what is written there: Universal Binary JSON, text, ONNX, or a folder as a tar archive. */
export const MODEL_FILES = ['model.ubj', 'model.txt', 'model.onnx', 'model.tar'] as const;
export type ModelFile = (typeof MODEL_FILES)[number];
const FILE_OF: Record<LibraryName, ModelFile> = {
  libxgboost: 'model.ubj',
  lib_lightgbm: 'model.txt',
  tfjs: 'model.onnx',
  script: 'model.tar',
};

/** Why a model can't say what its predictions come from, by its file, in a sentence. */
export const NOT_EXPLAINED: Partial<Record<ModelFile, string>> = {
  'model.onnx': 'A neural network says no SHAP values.',
  'model.tar': 'A script says no SHAP values.',
};

/** A program of the user's that trains and predicts: what a run's configuration says of it. */
export interface Script {
  /** Name of its folder in the pipeline's. */
  name: string;
  /** Path of that folder, or of a copy. */
  folder: string;
  /** Program and arguments, run in a copy of the folder. */
  command: string[];
  /** Seconds that a training may take, and a prediction. */
  timeout_seconds: number;
  /** Share of the training rows that it gets apart from the others, to stop by. */
  validation_share: number;
  /** The command that fetches its packages, where a training doesn't. @default a training does, where they are not there */
  setUpBy?: string;
}

/** Which estimator an algorithm of a pipeline is; with `script` where that is a program. */
export interface EstimatorRef<Name extends string = string> {
  estimator: Name;
  script?: Script;
}

/** What of the training rows a setting may depend on. */
export interface TrainingShape {
  rows: number;
  /** Rows labelled 1. */
  positives: number;
  features: number;
}

export type Settings = Record<string, string | number>;

/** How the training rows are handed to the library: rows are kept for other candidates that need them alike. */
export interface DataNeeds {
  /** A label per class, 1 for the row's class and 0 for the others, instead of the class's position. */
  oneHotLabels?: number;
  /** Rows of each class count together as much as those of every other; of how many classes. */
  balancedClasses?: number;
  /** The rows stay with us: what is trained isn't trained by the library. */
  kept?: true;
  /** Settings that the library needs when it takes the rows. */
  settings?: Settings;
  /** Share of the rows that are kept apart, to stop by, and the seed by which they are drawn. */
  validation?: { share: number; seed: number };
  /** Positions of the columns that hold categories. */
  categoricals?: number[];
}

/** What an estimator asks of its rows, whatever the seed and the columns. */
export interface AskedData extends Omit<DataNeeds, 'validation' | 'categoricals'> {
  /** Share of the rows that are kept apart. @default none */
  validationShare?: number;
}

/** How a library is to train one estimator. */
export interface TrainingRecipe {
  settings: Settings;
  /** Rounds of boosting, or the most of them where `tolerance` is given. */
  rounds: number;
  /** Whatever is added up while it trains is added up exactly, so that several threads make the same model as one. */
  exactSums?: boolean;
  /** Stop when a round moves no feature's part in the log-odds by more than this, at the feature's root mean square. */
  tolerance?: number;
  /** The weights of a linear model are solved for, and the library gets the model. */
  solve?: {
    link: 'identity' | 'log';
    /** Penalty of half the squared weights, against the sum of the rows' losses. */ ridge: number;
  };
}

/** What libxgboost takes for no gain, as `kRtEps` of its `xgboost/base.h`. */
export const LEAST_GAIN_OF_XGBOOST = 1e-6;

/** What there is to know of an estimator. */
export interface EstimatorKind {
  library: LibraryName;
  /** What a model's file is called. */
  modelFile: ModelFile;
  /** Why it can't do a task, as the rest of a sentence that begins with its name; `undefined` where it can. */
  cannot(task: TaskSpec): string | undefined;
  /** The least gain of a split that it makes, in squares of the label's unit; 0 where any gain will do, or nothing is split. */
  leastGain(task: TaskSpec): number;
  /** Whether it takes columns of categories as such. */
  nativeCategoricals: boolean;
  /** Whether the config has to name a program that trains. */
  needsScript: boolean;
  /** Whether it trains only where a config lists it: a pipeline that names no algorithm goes without. */
  listedOnly: boolean;
  parametersOf(task: TaskName): Record<string, Parameter<unknown>>;
  data(params: Params, task: TaskSpec): AskedData;
  recipe(params: Params, task: TaskSpec, shape: TrainingShape): TrainingRecipe;
  /** About how long a candidate takes against others of its estimator, without a unit. */
  relativeCost(params: Params): number;
  /** The parameter that balances the classes; a regression has none. */
  balancing(task: TaskName): 'class_weight' | 'scale_pos_weight' | undefined;
  /** Whether an output is a mean of labels, which rounding may take out of [0, 1]. */
  meanOfLabels: boolean;
}

interface Definition<P extends object> extends Pick<EstimatorKind, 'library'> {
  /** Parameters of classifications alone are left out for regressions, and those of binary ones for the others. */
  parameters: P;
  only?: Partial<Record<keyof P, readonly TaskName[]>>;
  cannot?: EstimatorKind['cannot'];
  leastGain?: EstimatorKind['leastGain'];
  nativeCategoricals?: boolean;
  listedOnly?: boolean;
  data?: (values: Values<P>, task: TaskSpec) => AskedData;
  recipe: (values: Values<P>, task: TaskSpec, shape: TrainingShape) => TrainingRecipe;
  relativeCost?: EstimatorKind['relativeCost'];
  balancing?: EstimatorKind['balancing'];
  meanOfLabels?: boolean;
}

export function defineEstimator<P extends object>(name: string, definition: Definition<P>): EstimatorKind {
  const { library, parameters, only = {}, data, recipe } = definition;
  const parametersOf = (task: TaskName) => {
    const tasks = only as Record<string, readonly TaskName[] | undefined>;
    return Object.fromEntries(
      Object.entries(parameters as Record<string, Parameter<unknown>>).filter(
        ([key]) => tasks[key]?.includes(task) ?? true,
      ),
    );
  };
  const read = (params: Params, { task }: TaskSpec) => readParameters(name, parametersOf(task), params) as Values<P>;
  return {
    library,
    modelFile: FILE_OF[library],
    cannot: definition.cannot ?? (() => undefined),
    leastGain: definition.leastGain ?? (() => 0),
    nativeCategoricals: definition.nativeCategoricals ?? false,
    needsScript: false,
    listedOnly: definition.listedOnly ?? false,
    parametersOf,
    data(params, task) {
      const values = read(params, task);
      return data?.(values, task) ?? {};
    },
    recipe: (params, task, shape) => recipe(read(params, task), task, shape),
    relativeCost: definition.relativeCost ?? (() => 1),
    balancing: definition.balancing ?? (() => undefined),
    meanOfLabels: definition.meanOfLabels ?? false,
  };
}

/**
 * Weight of a positive row against a negative one under which both classes count alike. The rows of a fold by time may be
 * of one class alone, which nothing weighs against.
 */
export function balance({ rows, positives }: TrainingShape): number {
  return positives === 0 || positives === rows ? 1 : (rows - positives) / positives;
}

/** Trees times levels; parameters that can't be read count as the defaults. */
export function costOfTrees({ n_estimators, max_depth }: Params, unlimited: number): number {
  const trees = typeof n_estimators === 'number' ? n_estimators : 100;
  return trees * (typeof max_depth === 'number' && max_depth > 0 ? max_depth : unlimited);
}

/** What is given of some numbers. */
export function given(values: Record<string, number | undefined>): Settings {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Settings;
}
