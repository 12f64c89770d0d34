import type { ObjectRef, Skipped, StageInput, WorkflowInput } from './common.js';
import type { Metrics } from './training.js';

export type ModelMonitoringInput = WorkflowInput;

export interface MonitoringStageInput extends StageInput {
  asOf: string;
}

/** What is looked at: the predictions of one model version. */
export interface MonitoredPredictions {
  model: { algorithm: string; version: string };
  rows: number;
}
export type PredictionsCheck = ({ status: 'ready' } & MonitoredPredictions) | Skipped;

export interface MonitorInput extends MonitoringStageInput {
  predictions: MonitoredPredictions;
}

/** Performance on predictions whose labels are mature at `asOf`, against the training baseline. */
export type PerformanceResult =
  | { status: 'measured'; metrics: Metrics; baseline: Metrics; drop: number; metric: string; breached: boolean }
  | Skipped;

/** Distribution of the scored rows against the model's training window. */
export type DriftResult =
  | {
      status: 'measured';
      rows: number;
      /** PSI (scorecard: deciles or categories of the reference) a feature; `null` where it can't be computed. */
      psi: Record<string, number | null>;
      /** PSI of the predicted probability against the model's test window. */
      score_psi: number | null;
      /** Share of nulls a feature, 0 to 1. */
      missing_rate: Record<string, number>;
      /** Features, and `score`, whose PSI is above `drift_threshold_psi`. */
      drifted: string[];
      /** Features whose missing rate is above `missing_rate_threshold`. */
      missing: string[];
    }
  | Skipped;

/** What monitoring concludes. */
export interface Verdict {
  drift: boolean;
  performance_drop: boolean;
  missing: boolean;
  /** Whether a retraining is asked for: any of the above. */
  retrain: boolean;
}

/** How far the data moved: `severe` from `steward.severe_drift_psi` on. */
export type DriftSeverity = 'moderate' | 'severe';

export interface WriteReportInput extends MonitorInput {
  performance: PerformanceResult;
  drift: DriftResult;
}

export interface WrittenReport {
  report: ObjectRef;
  verdict: Verdict;
  /** `null` where the data did not drift, and nothing is missing. */
  severity: DriftSeverity | null;
}

export interface ModelMonitoringCompleted extends Verdict {
  status: 'completed';
  rows: number;
  psi: Record<string, number | null>;
  score_psi: number | null;
  missing_rate: Record<string, number>;
  performance: PerformanceResult;
  uri: string;
}
export type ModelMonitoringResult = ModelMonitoringCompleted | Skipped;

export interface MonitoringActivities {
  checkPredictionsExist(input: MonitoringStageInput): Promise<PredictionsCheck>;
  measurePerformance(input: MonitorInput): Promise<PerformanceResult>;
  detectDrift(input: MonitorInput): Promise<DriftResult>;
  writeReport(input: WriteReportInput): Promise<WrittenReport>;
}
