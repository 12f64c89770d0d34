import type { DataNeeds, Script, TrainingRecipe } from '../estimators/estimator.js';
import type { TrainingOrder } from '../estimators/estimators.js';

/** What a native library has at once, and a program of its own after a while. */
export type Awaitable<T> = T | Promise<T>;

/** Row-major float32; NaN is missing. */
export interface Features {
  values: Float32Array;
  rows: number;
  columns: number;
}

/** Features with a label per row. */
export interface Matrix extends Features {
  /** The position of the class, or a regression's value. */
  labels: Float64Array;
}

/** Something outside JavaScript's heap. */
export interface Held {
  free(): void;
}

/** Rows that a library trains from, with whatever it derives of them (columns, histogram bins). */
export type Dataset = Held;

/** Rows that a library's models score. */
export interface Rows extends Held {
  readonly count: number;
}

/** Metrics after a step of a training, such as an epoch, counted from 1. */
export interface TrainingStep {
  step: number;
  metrics: Record<string, number>;
}

/** A model that a library holds. */
export interface Model extends Held {
  /** Names of the columns that it was trained on, in order. */
  features(): string[];
  /** The same count of numbers for each row, row by row. */
  predict(rows: Rows): Awaitable<ArrayLike<number>>;
  /**
   * SHAP values, row by row: of each output (class) a number per feature, and last the one that they are counted from.
   * @param background a value per feature: those of a linear model are counted from there
   */
  contributions(rows: Features, background: ArrayLike<number>): ArrayLike<number>;
  /** Gain of all splits of each feature together; `undefined` of a model without splits. */
  gain(): Float64Array | undefined;
  /** What its training told after each step; absent where it tells nothing. */
  steps?(): readonly TrainingStep[];
  /** The bytes of the model's file. */
  save(): Awaitable<Uint8Array>;
}

/**
 * What trains and predicts: a native library, called synchronously, networks, or programs of users.
 * Every method throws `PerdureError` `EngineFailed` with the library's own words.
 */
export interface Library {
  /** Name and version, e.g. `libxgboost 3.2.0`. */
  version(script?: Script): Awaitable<string>;
  /** @param features names of the matrix's columns */
  dataset(matrix: Matrix, features: string[], needs: DataNeeds): Awaitable<Dataset>;
  /** The library may keep `features` until the rows are freed. */
  rows(features: Features): Rows;
  /** @param work what the recipe was made of, and what a program may take */
  train(dataset: Dataset, features: string[], recipe: TrainingRecipe, work: TrainingWork): Awaitable<Model>;
  /**
   * A model from the bytes of its file.
   * @param threads that score rows side by side; what they say is the same with any number
   * @param memory bytes that the call at work may take
   */
  load(bytes: Uint8Array, threads: number, memory: number): Awaitable<Model>;
  /** The most memory that its processes have had resident, in bytes; absent where it is all in this process. */
  peakMemory?(): number;
}

/** A training as it was asked for. */
export interface TrainingWork extends TrainingOrder {
  label: string;
  /** Bytes that it may take. */
  memory: number;
}

/** Weights with the mean 1 under which rows of each class count together as much as those of every other class that is there. */
export function balancedWeights(labels: ArrayLike<number>, classes: number): Float32Array {
  const counts = new Float64Array(classes);
  for (let row = 0; row < labels.length; row++) counts[labels[row]!]!++;
  const present = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  return Float32Array.from(labels, (label) => labels.length / (present * counts[label]!));
}
