import type { ObjectRef, Skipped, StageInput, WorkflowInput, WrittenPage } from './common.js';
import type { MetricName, TaskMetrics } from './metrics.js';

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
export type PerformanceResult = PerformanceDetails &
  (
    | {
        status: 'measured';
        metrics: TaskMetrics;
        /** Of the test split at training. */
        baseline: TaskMetrics;
        /** `baseline` less `metrics` in {@link metric}. */
        drop: number;
        metric: MetricName;
        /** Of there being no drop, one-sided. */
        p_value: number;
        /** Whether the drop is above `performance_threshold_drop`, and more than sampling explains. */
        breached: boolean;
        /** Why the metrics don't tell of all labelled rows, where some are of classes that the version doesn't know. */
        rows_not_measured?: string;
      }
    | Skipped
  );

/** What is told beside performance, and decides nothing. Each is absent where nothing can be said. */
export interface PerformanceDetails {
  /** The labels that performance was measured on, against those of the training rows. */
  labels?: LabelDrift;
  /** Scored rows by their days, oldest first. */
  batches?: PerformanceBatch[];
  concept_drift?: ConceptDrift;
  /** What the newest batch's probabilities say of the model's performance on it, whatever of its labels is known. */
  estimate?: EstimatedPerformance;
  /** Why there is no estimate, where the task has some. */
  estimate_not_measured?: string;
}

/** A metric by the model's probabilities alone. */
export interface EstimatedMetric {
  value: number;
  /** A standard error; `null` where the held-out rows of the training can't tell. */
  sampling_error: number | null;
}

/** An estimate against the training baseline. */
export interface EstimatedPerformance {
  /** First and last day of the rows, ISO 8601. */
  from: string;
  to: string;
  rows: number;
  metric: MetricName;
  value: number;
  sampling_error: number;
  /** Of the test split at training. */
  baseline: number;
  /** `baseline` less `value`. */
  drop: number;
  /** Of there being no drop, one-sided. */
  p_value: number;
  /** Whether the drop is above `performance_threshold_drop`, and more than sampling explains. */
  breached: boolean;
  /** Whether it counts as a drop in performance: as `estimated_drop` says, and until the rows' own labels are known. */
  alarm?: true;
}

/** Labels that have come against the labels of the train split. */
export interface LabelDrift extends Shifted {
  rows: number;
  /** By the rule for features. */
  drifted: boolean;
  /** Where `drift_warnings` are set. */
  distances?: FeatureDistances | null;
  warnings?: DriftWarning[];
}

/** PSI, its mean where nothing has changed, and the p-value of there being no change; `null` where either side is empty. */
export interface Shifted {
  psi: number | null;
  expected_psi: number | null;
  p_value: number | null;
}

/** Scored rows of some days. */
export interface PerformanceBatch {
  /** First and last day, ISO 8601. */
  from: string;
  to: string;
  /** Rows that were scored, and those of them whose label is known. */
  rows: number;
  labelled: number;
  /** Metrics of all rows as the model's probabilities have them, where there are enough rows. */
  estimated?: Partial<Record<MetricName, EstimatedMetric>>;
  /** Metrics of the labelled rows, where there are enough of them. */
  measured?: Partial<Record<MetricName, MeasuredMetric>>;
  /** Whether the watched metric has dropped, by the rule for performance; batches are held to `alpha` together. */
  p_value?: number;
  breached?: boolean;
}

export interface MeasuredMetric {
  value: number;
  /** In which the metric lies with a confidence of 95%; `null` where the rows can't tell. */
  interval: [low: number, high: number] | null;
}

/** What a detector of changes found in the errors of the labelled rows, taken day by day. */
export interface ConceptDrift {
  detector: 'adwin';
  /** Rows that it saw. */
  rows: number;
  /** Oldest first. */
  changes: { day: string; /** Rows until it was seen. */ rows: number; error_before: number; error_after: number }[];
}

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
  /**
   * p-value of the test above, of Kolmogorov and Smirnov for numbers and chi-square for categories, as Benjamini and
   * Hochberg adjust it over the features and the prediction; in a report of an earlier release there is none.
   */
  adjusted_p_value?: number;
  /** Whether it is at most `alpha`. */
  significant?: boolean;
}

/** A distance that is above its limit in `monitoring_config.drift_warnings`: to be looked at, and no verdict. */
export interface DriftWarning {
  /** A feature, or the name of what {@link of} says. */
  feature: string;
  /** Absent where it is a feature. */
  of?: 'prediction' | 'label';
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

/** How the values of one feature, or what the model says, are spread in the reference and in the scored rows: shares of the rows that have a value. */
export interface Distribution {
  of: 'feature' | 'score';
  /** Absent of the score. */
  feature?: string;
  /** Numbers: ranges in rising order, above the one end and up to the other; others: categories, the most frequent first. */
  groups: {
    above?: number;
    to?: number;
    category?: string;
    /** How many categories this group sums up. */
    others?: number;
    reference: number;
    current: number;
  }[];
}

/** Which of a version's predictions monitoring looks at. */
export interface RowsLookedAt {
  /** Those that performance and drift are told of. */
  rows: number;
  /** Their first day, ISO 8601. */
  from: string;
  /** Left out, as they are of days before it; absent where there are none. */
  older?: number;
  /** Left out, as the features of their rows have changed since, or are gone; absent where there are none. */
  stale?: number;
}

/** Distribution of the scored rows against the model's train split. */
export type DriftResult =
  | {
      status: 'measured';
      /** Rows that are told of here: of those that go by their arrival, the newest. */
      rows: number;
      /** Absent of releases that did not tell. */
      looked_at?: RowsLookedAt;
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
      /** The same, as Benjamini and Hochberg adjust them over the features and the score. */
      adjusted_p_value?: Record<string, number | null>;
      score_adjusted_p_value?: number | null;
      /** Share of missing values per feature, 0 to 1: null, not a number or infinite. */
      missing_rate: Record<string, number>;
      /** The same in the model's train split. */
      training_missing_rate: Record<string, number>;
      /** Features whose PSI is at `drift_threshold_psi` and more than sampling explains. */
      drifted: string[];
      /** Whether the predicted probability's is. */
      score_drifted: boolean;
      /** Share of the features that have drifted, 0 to 1, and whether it is above .5. */
      drifted_share?: number;
      dataset_drifted?: boolean;
      /** Features whose missing rate is further from training's than `missing_rate_threshold` and than sampling explains. */
      missing: string[];
      /**
       * Where rows go by their arrival: each of the newest arrivals by itself, oldest first. The rest is then of the newest
       * ones that together have `min_samples_for_metrics` rows.
       */
      arrivals?: ArrivalDrift[];
      /** Where `drift_warnings` are set: per feature; `null` where either side has no value. */
      distances?: Record<string, FeatureDistances | null>;
      /** Of what the model says: its probability or value, or the classes that it decides for. */
      score_distances?: FeatureDistances | null;
      warnings?: DriftWarning[];
      /** Of what the model says and of the features that moved most, to look at. */
      distributions?: Distribution[];
      /** Why distances that have a limit are absent. */
      distances_not_measured?: string;
    }
  | Skipped;

/** What monitoring concludes. A finding is `null` where it was not measured, which is not the same as good. */
export interface Verdict {
  drift: boolean | null;
  performance_drop: boolean | null;
  missing: boolean | null;
  /** Whether a retraining is asked for: any of the above is true, and there is something to learn from. */
  retrain: boolean;
  /** Why none is asked for in spite of a finding, in a sentence; absent otherwise. */
  no_retraining?: string;
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
  /** Absent of releases before there were pages. */
  page?: WrittenPage;
}

export interface ModelMonitoringCompleted extends Verdict {
  status: 'completed';
  /** Predictions that the version has made, in all. */
  rows: number;
  /** Absent where drift was not measured. */
  looked_at?: RowsLookedAt;
  /** Of all, those that were left out, as the version was trained on their rows; absent where there are none. */
  trained_rows?: number;
  psi: Record<string, number | null>;
  score_psi: number | null;
  missing_rate: Record<string, number>;
  /** Each of the newest arrivals, where rows go by their arrival. */
  arrivals?: ArrivalDrift[];
  /** Distances above their limits, where the config sets some. */
  warnings?: DriftWarning[];
  distances_not_measured?: string;
  /** Whether more than half of the features have drifted; absent where none has. */
  dataset_drifted?: boolean;
  performance: PerformanceResult;
  uri: string;
  /** The page with all of this, in HTML. */
  page?: WrittenPage;
  /** Version of the configuration that the run went by, a SHA-256. */
  config?: string;
}
/** Where nothing at all could be measured, there is a report that says why. */
export type ModelMonitoringResult = ModelMonitoringCompleted | (Skipped & { uri?: string; page?: WrittenPage });
