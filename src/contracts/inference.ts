import type { ObjectRef, Skipped, StageInput, WorkflowInput } from './common.js';
import type { ModelRef } from './training.js';

export interface ModelInferenceInput extends WorkflowInput {
  /**
   * Which model predicts: an alias, the `latest` of one algorithm, or one version.
   * @default { alias: 'champion' }
   */
  model?: ModelSelector;
  /** First and last day whose rows are scored, ISO 8601 days; by default all from `inference_config.start_date` to `asOf`. */
  from?: string;
  to?: string;
  /**
   * Whether rows are scored again that have a score.
   * @default false
   */
  again?: boolean;
}
export type ModelSelector = { alias: string } | { algorithm: string; version?: string };

export interface ResolveModelInput extends StageInput {
  model?: ModelSelector;
}
export type ResolvedModel = { status: 'ready'; model: ModelRef } | Skipped;

export interface FindNewRowsInput extends StageInput {
  asOf: string;
  from?: string;
  to?: string;
  again?: boolean;
}
/** Gold rows to score: those that no stored prediction covers, or that are asked for again; or the reason there are none. */
export type NewRows = { status: 'ready'; rows: number } | Skipped;

export interface PredictInput extends FindNewRowsInput {
  model: ModelRef;
}
/** One `predictions_<date>.parquet`: keys, probability, label at the threshold, confidence, reasons, model, partition date. */
export interface PredictionsRef extends ObjectRef {
  rows: number;
  batches: number;
  /** Why the rows have no reasons, where the config asks for some. */
  unexplained?: string;
}

export interface ModelInferenceCompleted {
  status: 'completed';
  rows: number;
  batches: number;
  uri: string;
  checksum: string;
  model: { algorithm: string; version: string };
  /** Why the rows have no reasons, where the config asks for some. */
  unexplained?: string;
  /** Version of the configuration that the run went by, a SHA-256. */
  config?: string;
}
export type ModelInferenceResult = ModelInferenceCompleted | (Skipped & { rows: 0 });
