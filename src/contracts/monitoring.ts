import type { ObjectRef, Skipped, StageInput, WorkflowInput } from './common.js';
import type { TaskMetrics } from './metrics.js';

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
  | {
      status: 'measured';
      metrics: TaskMetrics;
      /** Of the test split at training. */
      baseline: TaskMetrics;
      /** `baseline` less `metrics` in {@link metric}. */
      drop: number;
      metric: string;
      /** Of there being no drop, one-sided. */
      p_value: number;
      /** Whether the drop is above `performance_threshold_drop`, and more than sampling explains. */
      breached: boolean;
    }
  | Skipped;

/** How far the scored rows' values of one feature are from those of the training rows, by definitions that the report names. */
export interface FeatureDistances {
  /** Of numbers: the largest difference of the two distribution functions, 0 to 1. */
  kolmogorov_smirnov?: { statistic: number; p_value: number };
  /** Of numbers: in the unit of the feature, and in standard deviations of the training rows. */
  wasserstein?: { distance: number; scaled: number };
  /** 0 to 1. */
  jensen_shannon: number;
  /** Of categories. */
  chi_square?: { statistic: number; degrees: number; p_value: number };
}

/** A distance that is above its limit in `monitoring_config.drift_warnings`: to be looked at, and no verdict. */
export interface DriftWarning {
  feature: string;
  distance: DriftDistance;
  value: number;
  limit: number;
}
export const DRIFT_DISTANCES = ['psi', 'kolmogorov_smirnov', 'wasserstein', 'jensen_shannon'] as const;
export type DriftDistance = (typeof DRIFT_DISTANCES)[number];

/** Rows that arrived on one day against the model's training rows; `null` where they are too few to tell. */
export interface ArrivalDrift {
  /** ISO 8601 day. */
  arrival: string;
  rows: number;
  drifted: string[] | null;
  score_drifted: boolean | null;
  missing: string[] | null;
}

/** Distribution of the scored rows against the model's train split. */
export type DriftResult =
  | {
      status: 'measured';
      /** Rows that were looked at. */
      rows: number;
      /** Rows beside them that were left out, as the version was trained on them; absent where there are none. */
      trained_rows?: number;
      /** PSI (scorecard: deciles or categories of the reference) per feature; `null` where it can't be computed. */
      psi: Record<string, number | null>;
      /** PSI of the predicted probability against the model's test split. */
      score_psi: number | null;
      /** Mean PSI of two samples of these sizes where nothing has changed, per feature. */
      expected_psi: Record<string, number | null>;
      score_expected_psi: number | null;
      /** Of there being no drift, per feature; `null` where there is no PSI. */
      p_value: Record<string, number | null>;
      score_p_value: number | null;
      /** Share of missing values per feature, 0 to 1: null, not a number or infinite. */
      missing_rate: Record<string, number>;
      /** The same in the model's train split. */
      training_missing_rate: Record<string, number>;
      /** Features whose PSI is at `drift_threshold_psi` and more than sampling explains. */
      drifted: string[];
      /** Whether the predicted probability's is. */
      score_drifted: boolean;
      /** Features whose missing rate is further from training's than `missing_rate_threshold` and than sampling explains. */
      missing: string[];
      /**
       * Where rows go by their arrival: each of the newest arrivals by itself, oldest first. The rest is then of the newest
       * ones that together have `min_samples_for_metrics` rows.
       */
      arrivals?: ArrivalDrift[];
      /** Where `drift_warnings` are set: per feature; `null` where either side has no value. */
      distances?: Record<string, FeatureDistances | null>;
      warnings?: DriftWarning[];
      /** Why distances that have a limit are absent. */
      distances_not_measured?: string;
    }
  | Skipped;

/** What monitoring concludes. A finding is `null` where it was not measured, which is not the same as good. */
export interface Verdict {
  drift: boolean | null;
  performance_drop: boolean | null;
  missing: boolean | null;
  /** Whether a retraining is asked for: any of the above is true. */
  retrain: boolean;
  /** `attention` where anything was found, `ok` where all was measured and nothing found, else `not_measured`. */
  conclusion: 'ok' | 'attention' | 'not_measured';
  /** Why a measurement is absent, in a sentence each. */
  not_measured: { drift?: string; performance?: string };
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
  /** `null` where no drift was found, and no change of missing values. */
  severity: DriftSeverity | null;
}

export interface ModelMonitoringCompleted extends Verdict {
  status: 'completed';
  /** Predictions of the version that was looked at, in all. */
  rows: number;
  /** Of these, those that were left out, as the version was trained on their rows; absent where there are none. */
  trained_rows?: number;
  psi: Record<string, number | null>;
  score_psi: number | null;
  missing_rate: Record<string, number>;
  /** Each of the newest arrivals, where rows go by their arrival. */
  arrivals?: ArrivalDrift[];
  /** Distances above their limits, where the config sets some. */
  warnings?: DriftWarning[];
  distances_not_measured?: string;
  performance: PerformanceResult;
  uri: string;
  /** Version of the configuration that the run went by, a SHA-256. */
  config?: string;
}
/** Where nothing at all could be measured, there is a report that says why. */
export type ModelMonitoringResult = ModelMonitoringCompleted | (Skipped & { uri?: string });
