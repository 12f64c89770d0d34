import type { RunRef, Skipped, StageInput, WorkflowInput, WrittenPage } from './common.js';
import type { MetricName, TaskMetrics } from './metrics.js';
import type { Steering } from './steward.js';
import type { VersionRef } from './training.js';

/** Lengths of a period that a lifecycle may be run by. */
export const PERIOD_UNITS = ['day', 'week', 'month'] as const;
export type PeriodUnit = (typeof PERIOD_UNITS)[number];

/** Days that one lifecycle is of, both included, as ISO 8601 days. */
export interface Period {
  from: string;
  to: string;
}

/** How the champion did on the period before, by its labels. */
export type PeriodEvaluation =
  | {
      status: 'measured';
      /** The period that was measured. */
      period: Period;
      /** The version that had predicted it. */
      model: VersionRef;
      /** Rows that have a label. */
      rows: number;
      /** What monitoring watches, and its value; `null` where it is undefined for these rows. */
      metric: MetricName;
      value: number | null;
      metrics: TaskMetrics;
      /** Why these don't tell of all labelled rows, where some are of classes that the version doesn't know. */
      rows_not_measured?: string;
    }
  | Skipped;

/**
 * Why a period trains, or does not: `initial`, there is no model yet; `age`, the last retraining lies `retraining.every_days` back;
 * `metric`, one of the period before is beyond its limit; `not_enough_data`; `none`, as nothing calls for it.
 */
export type RetrainCauseOfPeriod = 'initial' | 'age' | 'metric' | 'not_enough_data' | 'none';

export interface RetrainingDecision {
  retrain: boolean;
  because: RetrainCauseOfPeriod;
  /** In a sentence. */
  reason: string;
}

/** What the training of a period came to. */
export interface PeriodTraining {
  /** The best version of the run, and its score by `champion_metric`. */
  model: VersionRef;
  metric: string;
  score: number | null;
  /** Whether it became champion; else the promotion gate says why not. */
  promoted: boolean;
  reason: string;
  /** Algorithms that were left out, by name, and why; absent where none was. */
  left_out?: Record<string, string>;
}

/** What a period came to: an entry of the timeline. */
export interface PeriodRecord extends Period {
  /** `trained`: a model was trained, and predicted; `predicted`: the champion predicted; `skipped`: there was no model to predict with, or no row. */
  outcome: 'trained' | 'predicted' | 'skipped';
  evaluation: PeriodEvaluation;
  decision: RetrainingDecision;
  training: PeriodTraining | null;
  /** Champion at the end of the period. */
  model: VersionRef | null;
  /** Rows that were predicted. */
  rows: number;
}

/** The last retraining of a pipeline. */
export interface RetrainingTracker {
  /** First day of the period that trained. */
  last_retraining_date: string;
  /** The algorithm's name. */
  model_name: string;
  model_version: string;
  /** The estimator behind it. */
  model_type: string;
  /** By `champion_metric`; macro F1 of a config that chooses by it. */
  score: number | null;
  metric: string;
  macro_f1_score: number | null;
  registration_date: string;
}

export interface BackfillInput extends WorkflowInput {
  /** First day of the first period. @default the day after the last period that the timeline has */
  from?: string;
  /** How many periods. @default all that are over at `asOf` */
  periods?: number;
  /** @default that of the timeline, else `week` */
  by?: PeriodUnit;
  /** Runs the period of this day again, though it is done. */
  againFrom?: string;
  /** What becomes of the periods after that one: they are run again as well, or kept. @default 'redo' */
  later?: 'redo' | 'keep';
  /** As in data processing. */
  source?: string;
  /** As in data processing. */
  labels?: string;
  /** Periods after which the workflow continues as new, besides when Temporal suggests it. @default 100 */
  periodsARun?: number;
  /** What an earlier run of this workflow passes on; not for people. */
  carried?: BackfillCarried;
}

/** How far a backfill is. */
export interface BackfillState {
  pipeline: string;
  /** Periods that were asked for, and those of them that are done. */
  total: number;
  done: number;
  /** Of `done`: were so before this backfill began. */
  doneBefore: number;
  /** The period at work. */
  now: Period | null;
  paused: (Steering & { at: string }) | null;
  trained: number;
  /** The newest periods that this backfill did, oldest first. */
  recent: PeriodRecord[];
}

export interface BackfillCarried {
  state: BackfillState;
  /** Periods ahead. */
  ahead: Period[];
  by: PeriodUnit;
  /** Whether the next period is the first of the timeline. */
  first: boolean;
  /** Whether periods are predicted again that have predictions. */
  again: boolean;
  /** The champion once all is done, where periods after these are kept. */
  after?: VersionRef | null;
}

export interface BackfillCompleted {
  status: 'completed';
  by: PeriodUnit;
  /** Last day of the last period. */
  to: string;
  /** Periods that this backfill did. */
  periods: number;
  /** Of those asked for, those that were done before. */
  done_before: number;
  trained: number;
  model: VersionRef | null;
  /** The page of the whole timeline, in HTML. */
  page?: WrittenPage;
  config?: string;
}
/** Skipped where every period is done, or something else trains. */
export type BackfillResult = BackfillCompleted | (Skipped & { busyWith?: string });

/** One period of a backfill. */
export interface LifecycleOfPeriodInput extends WorkflowInput {
  period: Period;
  by: PeriodUnit;
  /** Whether the period is the first of the pipeline's timeline: what was there before is processed first. */
  first: boolean;
  /** Whether rows are predicted again that have predictions. */
  again: boolean;
  source?: string;
  labels?: string;
  /** The run that has the claim of the one training at a time. */
  claimedBy: RunRef;
}

export interface PlanBackfillInput
  extends StageInput, Pick<BackfillInput, 'from' | 'periods' | 'by' | 'againFrom' | 'later'> {
  asOf: string;
}
export interface BackfillPlan {
  by: PeriodUnit;
  /** Periods to run, in order. */
  periods: Period[];
  /** Periods that were asked for and are done. */
  done: number;
  /** Whether the timeline has no period before these. */
  first: boolean;
  /** Where periods are run again: those that leave the timeline, the champion as it was before them, and as it is after those that are kept. */
  again?: { drop: Period[]; before: VersionRef | null; after?: VersionRef | null };
}

export interface ReopenTimelineInput extends StageInput {
  drop: Period[];
}

export interface EvaluatePeriodInput extends StageInput {
  /** The period at work, whose predecessor is evaluated. */
  period: Period;
  asOf: string;
}
export interface DecideRetrainingInput extends StageInput {
  period: Period;
  /** The moment that a training would stand at. */
  trainAsOf: string;
  evaluation: PeriodEvaluation;
}
export interface RecordPeriodInput extends StageInput {
  by: PeriodUnit;
  record: PeriodRecord;
}

/** Names of the messages of a backfill. */
export const BACKFILL = {
  updates: { pause: 'pause', resume: 'resume' },
  queries: { state: 'state' },
} as const;

/** Id of the workflow: a pipeline has one backfill at a time. */
export function backfillIdOf(pipeline: string): string {
  return `${pipeline}-backfill`;
}
