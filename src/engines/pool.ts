import type { CandidateScores, Params } from '../contracts/index.js';
import type { ESTIMATORS } from '../config/schema.js';

export type Estimator = (typeof ESTIMATORS)[number];
export type Scoring = 'roc_auc' | 'balanced_accuracy' | 'average_precision' | 'accuracy' | 'f1';

/** A preprocessed Parquet file: float32 feature columns and an int8 label, as `metadata.json` names them. */
export interface MatrixFile {
  path: string;
  /** SHA-256 of the file: the key under which a host keeps the loaded matrix. */
  checksum: string;
  features: string[];
  label: string;
  rows: number;
}

export interface EvaluateRequest {
  train: MatrixFile;
  estimator: Estimator;
  params: Params;
  /** Fold numbers to evaluate, from 0, of `cvFolds` stratified folds. */
  folds: number[];
  cvFolds: number;
  scoring: Scoring;
  seed: number;
}

export interface FitRequest {
  train: MatrixFile;
  estimator: Estimator;
  params: Params;
  seed: number;
  /** Where the model file is written. */
  modelPath: string;
}

export interface PredictRequest {
  modelPath: string;
  /** A Parquet file; only the feature columns are read. */
  data: { path: string; features: string[] };
  /** Rows to score: `[offset, offset + limit)`. All by default. */
  offset?: number;
  limit?: number;
}

/** What an engine can do. */
export interface EngineCalls {
  evaluate(request: EvaluateRequest): Promise<Pick<CandidateScores, 'scores' | 'seconds'>>;
  fit(request: FitRequest): Promise<{ seconds: number }>;
  /** Probability of the positive class, a row. */
  predictProbability(request: PredictRequest): Promise<Float64Array>;
  /** SHAP contributions, features + 1 a row and the bias last; they add up to the log-odds, for a forest to the probability. */
  contributions(request: PredictRequest): Promise<Float32Array>;
  /** Name and version of the library, e.g. `libxgboost 3.2.0`. */
  version(): Promise<string>;
}

/**
 * Child processes that run native code, kept warm between calls. A call throws `PerdureError`: `EngineMissing`,
 * `EngineFailed` (the library refused, not retryable), `EngineCrashed` (the process died; retryable). An aborted
 * signal kills the process that works on the call.
 */
export interface EnginePool {
  /** @param onFold called with the score of each fold, in the order asked for, and the seconds it took */
  evaluate(request: EvaluateRequest, signal: AbortSignal, onFold?: (score: number, seconds: number) => void): ReturnType<EngineCalls['evaluate']>;
  fit(request: FitRequest, signal: AbortSignal): ReturnType<EngineCalls['fit']>;
  /** Probability of the positive class, a row. */
  predictProbability(request: PredictRequest, signal: AbortSignal): Promise<Float64Array>;
  /** SHAP contributions, as {@link EngineCalls.contributions}. */
  contributions(request: PredictRequest, signal: AbortSignal): Promise<Float32Array>;
  /** Name and version of the library, e.g. `libxgboost 3.2.0`. */
  version(): Promise<string>;
  /** Ends every host; calls under way fail. */
  close(): Promise<void>;
}
