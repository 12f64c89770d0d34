import type { Failed, Phase } from './common.js';
import type { DriftResult, DriftSeverity, ModelMonitoringCompleted, PerformanceResult } from './monitoring.js';
import type { TestedModel } from './modelTests.js';
import type { ModelTrainingCompleted, VersionRef } from './training.js';

/** Who is told: `critical` wakes somebody, `warning` is for the working day, `info` is for the record. */
export type AlertLevel = 'critical' | 'warning' | 'info';

/** The run that an alert is about. */
export interface AlertedRun {
  workflowId: string;
  runId: string;
}

/** What is known when somebody may have to be told; whether they are is for `src/platform/notify/conditions.ts` to say. */
export type AlertFacts =
  | ProcessingFailing
  | InferenceDown
  | AccuracyDrop
  | TrainingFailed
  | DriftDetected
  | UnusualDataVolume
  | TrainingCompleted
  | ModelTestsFailed
  | ModelDeployed
  | WeeklyReport
  | SlaMissed
  | TasksFailing;

export type AlertCondition = AlertFacts['condition'];

/** Every condition; the type checker asks for one that is missing. */
export const ALERT_CONDITIONS = Object.keys({
  processing_failing: true,
  inference_down: true,
  accuracy_drop: true,
  training_failed: true,
  drift_detected: true,
  unusual_data_volume: true,
  training_completed: true,
  model_tests_failed: true,
  model_deployed: true,
  weekly_report: true,
  sla_missed: true,
  tasks_failing: true,
} satisfies Record<AlertCondition, true>) as [AlertCondition, ...AlertCondition[]];

interface Facts<Condition extends string> {
  condition: Condition;
  pipeline: string;
  /** ISO 8601 instant at which the facts stand. */
  at: string;
}

export interface ProcessingFailing extends Facts<'processing_failing'> {
  /** `null` once a run has succeeded. */
  failing: {
    /** Failed runs since the last one that succeeded. */
    failures: number;
    /** ISO 8601 instant of the first of them. */
    since: string;
    /** What the last of them said. */
    reason: string;
  } | null;
}

export interface InferenceDown extends Facts<'inference_down'> {
  /** ISO 8601 instant from which due predictions have been missing; `null` while inference does its work. */
  since: string | null;
  /** How often a schedule should have started inference since; absent where a run began, and failed. */
  missed?: number;
}

export interface AccuracyDrop extends Facts<'accuracy_drop'> {
  model: VersionRef;
  performance: PerformanceResult;
  /** Address of the monitoring report. */
  report: string;
  /** Why no retraining is asked for, in a sentence; absent where one is. */
  noRetraining?: string;
}

export interface TrainingFailed extends Facts<'training_failed'> {
  run: AlertedRun;
  /** A training that ended as `partial` failed in part. */
  training: ModelTrainingCompleted | Failed;
}

export interface DriftDetected extends Facts<'drift_detected'> {
  model: VersionRef;
  drift: DriftResult;
  /** `null` where no drift was found. */
  severity: DriftSeverity | null;
  /** Address of the monitoring report. */
  report: string;
  /** Why no retraining is asked for, in a sentence; absent where one is. */
  noRetraining?: string;
}

export interface UnusualDataVolume extends Facts<'unusual_data_volume'> {
  /** What was counted, e.g. the partition `2008_03`. */
  what: string;
  rows: number;
  /** Rows of the same kind that came before, in any order. */
  usual: number[];
}

export interface TrainingCompleted extends Facts<'training_completed'> {
  run: AlertedRun;
  training: ModelTrainingCompleted;
}

export interface ModelTestsFailed extends Facts<'model_tests_failed'> {
  run: AlertedRun;
  /** What the tests said. */
  tests: TestedModel;
  /** `null` where there is none. */
  champion: VersionRef | null;
}

export interface ModelDeployed extends Facts<'model_deployed'> {
  /** The champion from now on. */
  model: VersionRef;
  previous: VersionRef | null;
  /** Who or what moved it, and why. */
  by: string;
  reason: string;
}

/** Raised by the run that the weekly schedule started: the first of a calendar week is the one that is sent. */
export interface WeeklyReport extends Facts<'weekly_report'> {
  monitoring: ModelMonitoringCompleted;
}

export interface SlaMissed extends Facts<'sla_missed'> {
  phase: Phase;
  run: AlertedRun;
  /** ISO 8601 instant at which the run started; it is still at work at `at`. */
  startedAt: string;
}

export interface TasksFailing extends Facts<'tasks_failing'> {
  /** `null` once no workflow of the pipeline stands still. */
  failing: {
    run: AlertedRun;
    /** `steward`, `modelTraining`, ... */
    workflow: string;
    /** Attempts at the same workflow task so far. */
    attempts: number;
    /** ISO 8601 instant of the first of them. */
    since: string;
    /** What the last failure said. */
    reason: string;
  } | null;
}

/**
 * What became of an alert: `uncalled` where the facts call for none, `skipped` where it was told before or can't be
 * sent, `resolved` where the facts end what was told before.
 */
export interface AlertOutcome {
  condition: AlertCondition;
  status: 'sent' | 'skipped' | 'failed' | 'uncalled' | 'resolved';
  reason?: string;
}

/** How long a run of a phase may take, in minutes. */
export interface ServiceLevel {
  lateAfterMinutes: number;
  /** Without predictions for longer than this, inference is down. */
  downAfterMinutes: number;
}

/** Since when a pipeline's due predictions are missing. */
export interface InferenceOutageInput {
  pipeline: string;
  /** ISO 8601 instant. */
  since: string;
}

/** A run of processing that failed. */
export interface FailedProcessing {
  pipeline: string;
  run: AlertedRun & { startedAt: string };
  reason: string;
}
