import { z } from 'zod';
import type { Params, Progress, ScoringName } from '../../contracts/index.js';
import type { TaskSpec } from '../../contracts/task.js';
import type { EstimatorRef, Script } from '../estimators/estimator.js';
import type { Estimator } from '../estimators/estimators.js';
import type { ModelOutput } from '../modelOutput.js';
import type { TrainingStep } from './binding.js';

export type { Estimator };

/** Folds that a training file has: the columns that say them, and those that take the place of others within a fold. */
export const storedFolds = z.strictObject({
  count: z.number(),
  /** The fold that a row is tested in, 255 for one that never is. */
  tested: z.string(),
  /** The first fold that a row trains for, where training expands. */
  trainedSince: z.string().optional(),
  /** Per fold: by the position of a feature, the column that has its values within the fold. None where nothing is fitted anew. */
  refitted: z.array(z.record(z.string(), z.string())),
});
export type StoredFolds = z.infer<typeof storedFolds>;

/**
 * A preprocessed Parquet file: float32 feature columns and a label, as `metadata.json` names them. The label is a number:
 * of a classification the position of the class, of a regression the value.
 */
export interface MatrixFile {
  path: string;
  /** SHA-256 of the file: the key under which a host keeps the loaded matrix. */
  checksum: string;
  features: string[];
  /** Features that are positions of categories, for an estimator that splits by sets of them. @default none */
  categoricals?: string[];
  label: string;
  rows: number;
  /** @default by chance: see `seededFolds` */
  folds?: StoredFolds;
}

export interface EvaluateRequest extends EstimatorRef<Estimator> {
  train: MatrixFile;
  task: TaskSpec;
  params: Params;
  /** Fold numbers to evaluate, from 0, of `cvFolds` folds. */
  folds: number[];
  cvFolds: number;
  /** What to compute of each fold. */
  scorings: ScoringName[];
  seed: number;
}

export const foldScoreShape = {
  score: z.number(),
  /** Parts of groups of the fold's rows in the score's deviation, as `groupInfluence` has them. */
  influence: z.array(z.number()),
  /** By how much one row over the threshold moves the score; 0 for scorings without a threshold. */
  step: z.number(),
  /** What a difference of 1 is in the score's units, where these are the labels'. @default 1 */
  unit: z.number().optional(),
};
/** One score of a candidate on one fold, and how certain it is. */
export type FoldScore = z.infer<z.ZodObject<typeof foldScoreShape>>;

/** A candidate on one fold. */
export interface FoldEvaluation {
  /** Aligned with the scorings asked for. */
  scores: FoldScore[];
  /** Seconds of fitting and scoring. */
  seconds: number;
}

export interface FitRequest extends EstimatorRef<Estimator> {
  train: MatrixFile;
  task: TaskSpec;
  params: Params;
  seed: number;
  /** Where the model file is written. */
  modelPath: string;
}

export interface Fitted {
  seconds: number;
  /** What the training told after each step; none of an estimator that tells nothing. */
  steps: readonly TrainingStep[];
}

/** Rows of a Parquet file, of which only the columns of the features are read. */
export interface RowsOfFile {
  features: string[];
  path: string;
  /** Rows to score: `[offset, offset + limit)`. All by default. */
  offset?: number;
  limit?: number;
}

/** Rows at hand, a column per feature: sent to the engine as they are, so for few rows or few megabytes. */
export interface RowsAtHand {
  features: string[];
  columns: Float32Array[];
}

/** Rows of which some columns change places. */
export interface Shuffle {
  /** Positions of the features that move together. */
  positions: readonly number[];
  /** For each row the one whose values it gets. */
  order: Int32Array;
}

/** Rows at hand, all of them once per shuffle: made where they are scored, as many shuffles of few rows are many numbers. */
export interface ShuffledRows extends RowsAtHand {
  shuffles: readonly Shuffle[];
}

export type ScoredRows = RowsOfFile | RowsAtHand | ShuffledRows;

export interface PredictRequest {
  modelPath: string;
  /** The task that the model was trained for. */
  task: TaskSpec;
  data: ScoredRows;
}

export interface ContributionsRequest extends PredictRequest {
  /**
   * A value per feature that contributions of a linear model are counted from; trees have a background of their own, the
   * training rows that reached each leaf.
   * @default 0 each, as libxgboost has it
   */
  background?: ArrayLike<number>;
}

export interface GainRequest extends Pick<PredictRequest, 'modelPath'> {
  /** The columns that the model was trained on. */
  features: string[];
}

/** Rows of a fold, and what a model says of them that was trained on the others. */
export interface FoldOutput {
  labels: Float64Array;
  output: ModelOutput;
}

/** What an engine can do. */
export interface EngineCalls {
  /** Aligned with the folds asked for. */
  evaluate(request: EvaluateRequest): Promise<FoldEvaluation[]>;
  /** Of one fold, whose number is the only one in `folds`. */
  crossPredict(request: Omit<EvaluateRequest, 'scorings'>): Promise<FoldOutput>;
  fit(request: FitRequest): Promise<Fitted>;
  predict(request: PredictRequest): Promise<ModelOutput>;
  /**
   * SHAP contributions, features + 1 a row and the one that they are counted from last; they add up to the log-odds, for a
   * forest to the probability, of a regression to the value or with `poisson` to its logarithm. Of several classes those of
   * each class one after the other. Of trees they are those of the path-dependent TreeSHAP of Lundberg et al. (2020); of
   * linear models weight times (value - background), which is exact where the features are independent.
   */
  contributions(request: ContributionsRequest): Promise<Float64Array>;
  /** The gains of all splits of each feature added up, in the library's units; `undefined` for a model without splits. */
  gain(request: GainRequest): Promise<Float64Array | undefined>;
  /** Name and version of what an estimator trains with, e.g. `libxgboost 3.2.0`; of a script the digest of its files and its packages. */
  version(ref: EstimatorRef<Estimator>): Promise<string>;
  /** The most memory that the process has had resident since its start, in bytes. */
  peakMemory(): Promise<number>;
}

export type OnFold = (evaluated: FoldEvaluation) => void | Promise<void>;

/**
 * Child processes that run native code, kept warm between calls. A call throws `PerdureError`: `EngineMissing`,
 * `EngineFailed` (the library refused, not retryable), `EngineCrashed` (the process died; retryable). An aborted
 * signal kills the process that works on the call.
 */
export interface EnginePool {
  /** @param onFold called with each fold, in the order asked for; the next one waits for it */
  evaluate(request: EvaluateRequest, signal: AbortSignal, onFold?: OnFold): ReturnType<EngineCalls['evaluate']>;
  /** A result per fold, in the order asked for. */
  crossPredict(request: Omit<EvaluateRequest, 'scorings'>, signal: AbortSignal): Promise<FoldOutput[]>;
  /** @param onProgress hears how far a script is that tells it */
  fit(
    request: FitRequest,
    signal: AbortSignal,
    onProgress?: (progress: Progress) => void,
  ): ReturnType<EngineCalls['fit']>;
  predict(request: PredictRequest, signal: AbortSignal): Promise<ModelOutput>;
  /** SHAP contributions, as {@link EngineCalls.contributions}. */
  contributions(request: ContributionsRequest, signal: AbortSignal): ReturnType<EngineCalls['contributions']>;
  /** As {@link EngineCalls.gain}. */
  gain(request: GainRequest, signal: AbortSignal): ReturnType<EngineCalls['gain']>;
  /** As {@link EngineCalls.version}. */
  version(estimator: Estimator, script?: Script): Promise<string>;
  /** The most memory that a host has had resident, in bytes: of a pool of one host, that of all its calls. */
  peakMemory(signal: AbortSignal): Promise<number>;
  /** Ends every host; calls under way fail. */
  close(): Promise<void>;
}
