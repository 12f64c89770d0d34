import type { AlertThresholds } from '../../config/alerts.js';
import {
  type MetricName,
  type PerformanceResult,
  clipped,
  failedTests,
  type AccuracyDrop,
  type AlertFacts,
  type AlertLevel,
  type DriftDetected,
  type EstimatedPerformance,
  type InferenceDown,
  type ModelDeployed,
  type ModelTestsFailed,
  type Phase,
  type ProcessingFailing,
  type SlaMissed,
  type TasksFailing,
  type TrainingCompleted,
  type TrainingFailed,
  type UnusualDataVolume,
  type WeeklyReport,
  versionName,
} from '../../contracts/index.js';
import { countOf } from '../../contracts/counts.js';
import { adviceFor, type Advice, type WebUi } from './advice.js';
import { dedupKey, type Alert } from './alert.js';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/**
 * How loud a missed service level is. One late run wakes nobody: late processing or inference holds up the day, late
 * training or monitoring can wait. What lasts becomes critical by {@link processingFailing} and {@link inferenceDown}.
 */
const SLA_LEVEL: Record<Phase, AlertLevel> = {
  processing: 'warning',
  inference: 'warning',
  training: 'info',
  monitoring: 'info',
};

const PHASE_IN_WORDS: Record<Phase, string> = {
  processing: 'Data processing',
  training: 'Training',
  inference: 'Inference',
  monitoring: 'Monitoring',
};

/** An alert before it says what to do. */
type Finding = Omit<Alert, keyof Advice>;

/** The alert that facts call for, or `undefined` where they call for none. */
export function alertFor(facts: AlertFacts, thresholds: AlertThresholds, webUi?: WebUi): Alert | undefined {
  const finding = findingOf(facts, thresholds);
  return finding && { ...finding, ...adviceFor(facts, webUi) };
}

function findingOf(facts: AlertFacts, thresholds: AlertThresholds): Finding | undefined {
  switch (facts.condition) {
    case 'processing_failing':
      return processingFailing(facts, thresholds);
    case 'inference_down':
      return inferenceDown(facts, thresholds);
    case 'accuracy_drop':
      return accuracyDrop(facts, thresholds);
    case 'training_failed':
      return trainingFailed(facts);
    case 'drift_detected':
      return driftDetected(facts, thresholds);
    case 'unusual_data_volume':
      return unusualDataVolume(facts, thresholds);
    case 'training_completed':
      return trainingCompleted(facts);
    case 'model_tests_failed':
      return modelTestsFailed(facts);
    case 'model_deployed':
      return modelDeployed(facts);
    case 'weekly_report':
      return weeklyReport(facts);
    case 'sla_missed':
      return slaMissed(facts, thresholds);
    case 'tasks_failing':
      return tasksFailing(facts, thresholds);
  }
}

/** Whether facts say that what was critical is so no longer, as a run has done its work well. */
export function isOver(facts: AlertFacts, thresholds: AlertThresholds): boolean {
  switch (facts.condition) {
    case 'processing_failing':
      return facts.failing === null;
    case 'inference_down':
      return facts.since === null;
    case 'tasks_failing':
      return facts.failing === null;
    case 'accuracy_drop':
      return (
        facts.performance.status === 'measured' &&
        !facts.performance.estimate?.alarm &&
        facts.performance.drop <= thresholds.accuracy_drop
      );
    default:
      return false;
  }
}

/** Critical once data processing has failed `processing_failures` times in a row. */
export function processingFailing(facts: ProcessingFailing, thresholds: AlertThresholds): Finding | undefined {
  const { failing } = facts;
  if (!failing || failing.failures < thresholds.processing_failures) return undefined;
  const { failures, since, reason } = failing;
  return {
    ...alertAbout(facts, 'critical', since),
    summary: `Data processing of ${facts.pipeline} has failed ${countOf(failures, 'time')} in a row since ${since}: ${reason}`,
    details: { failures, since, reason },
    repeatAfterHours: thresholds.repeat_after_hours,
  };
}

/** Critical once due predictions have been missing for more than `inference_down_hours`. */
export function inferenceDown(facts: InferenceDown, thresholds: AlertThresholds): Finding | undefined {
  if (facts.since === null) return undefined;
  const downMs = Date.parse(facts.at) - Date.parse(facts.since);
  if (downMs <= thresholds.inference_down_hours * HOUR_MS) return undefined;
  const { missed } = facts;
  const unstarted = missed === undefined ? '' : `, and has not started ${countOf(missed, 'time')} when it was due`;
  return {
    ...alertAbout(facts, 'critical', facts.since),
    summary: `Inference of ${facts.pipeline} has been down for ${duration(downMs)}, since ${facts.since}${unstarted}; look at its last run.`,
    details: { since: facts.since, hours: rounded(downMs / HOUR_MS, 2), ...(missed !== undefined && { missed }) },
    repeatAfterHours: thresholds.repeat_after_hours,
  };
}

/**
 * Critical where the monitored metric fell by more than `accuracy_drop`; a warning where it fell by more than
 * `monitoring_config.performance_threshold_drop`. Of a drop that was measured and one that is estimated the worse is told.
 */
export function accuracyDrop(facts: AccuracyDrop, thresholds: AlertThresholds): Finding | undefined {
  const { estimate } = facts.performance;
  const measured = measuredDrop(facts, thresholds);
  const estimated = estimate?.alarm ? estimatedDrop(facts, estimate, thresholds) : undefined;
  return [measured, estimated].find((finding) => finding?.level === 'critical') ?? measured ?? estimated;
}

function measuredDrop(facts: AccuracyDrop, thresholds: AlertThresholds): Finding | undefined {
  const { performance, model } = facts;
  if (performance.status !== 'measured') return undefined;
  const critical = performance.drop > thresholds.accuracy_drop;
  if (!critical && !performance.breached) return undefined;
  const level = critical ? 'critical' : 'warning';
  return {
    ...alertAbout(facts, level, model.algorithm, model.version, level),
    summary: `${performance.metric} of ${facts.pipeline}'s ${versionName(model)} is ${rounded(performance.drop, 4)} below its baseline over ${countOf(performance.metrics.n, 'labelled row')}; see ${facts.report}.`,
    details: {
      model: versionName(model),
      metric: performance.metric,
      drop: rounded(performance.drop, 6),
      rows: performance.metrics.n,
      ...measured(performance),
      report: facts.report,
    },
    repeatAfterHours: thresholds.repeat_after_hours,
  };
}

/** The same of a drop that is estimated before the labels are known, where the config has it alarm. */
function estimatedDrop(
  facts: AccuracyDrop,
  { metric, drop, rows, value, baseline }: EstimatedPerformance,
  thresholds: AlertThresholds,
): Finding {
  const { model } = facts;
  const level = drop > thresholds.accuracy_drop ? 'critical' : 'warning';
  return {
    ...alertAbout(facts, level, model.algorithm, model.version, 'estimated', level),
    summary: `${metric} of ${facts.pipeline}'s ${versionName(model)} is estimated to be ${rounded(drop, 4)} below its baseline over ${countOf(rows, 'row')} whose labels are still to come; see ${facts.report}.`,
    details: {
      model: versionName(model),
      metric,
      drop: rounded(drop, 6),
      rows,
      estimated: rounded(value, 6),
      baseline: rounded(baseline, 6),
      report: facts.report,
    },
    repeatAfterHours: thresholds.repeat_after_hours,
  };
}

/** A warning where a training failed, or some of its algorithms did. */
export function trainingFailed(facts: TrainingFailed): Finding | undefined {
  const { training, run } = facts;
  const failed = training.status === 'failed' ? { training: training.reason } : failedAlgorithms(training.algorithms);
  const names = Object.keys(failed);
  if (names.length === 0) return undefined;
  const what =
    training.status === 'failed'
      ? `Training of ${facts.pipeline}`
      : `Training of ${facts.pipeline}'s ${names.join(', ')}`;
  return {
    ...alertAbout(facts, 'warning', run.runId),
    summary: `${what} failed: ${Object.values(failed).join(' ')}`,
    details: { workflow_id: run.workflowId, run_id: run.runId, ...failed },
  };
}

/** A warning where monitoring found drift of a feature or the score, or a changed share of missing values. Worse drift is another matter. */
export function driftDetected(facts: DriftDetected, thresholds: AlertThresholds): Finding | undefined {
  const { drift, model, severity } = facts;
  if (drift.status !== 'measured') return undefined;
  const { missing } = drift;
  const drifted = [...drift.drifted, ...(drift.score_drifted ? ['the score'] : [])];
  if (drifted.length === 0 && missing.length === 0) return undefined;
  const found = [
    ...(drifted.length > 0 ? [`${severity ?? 'moderate'} drift in ${drifted.join(', ')}`] : []),
    ...(missing.length > 0 ? [`a changed share of missing values in ${missing.join(', ')}`] : []),
  ].join(' and ');
  return {
    ...alertAbout(
      facts,
      'warning',
      model.algorithm,
      model.version,
      String(severity),
      [...drifted, ...missing.map((feature) => `missing ${feature}`)].sort().join(','),
    ),
    summary: `The data that ${facts.pipeline}'s ${versionName(model)} scores has changed: ${found}; see ${facts.report}.`,
    details: {
      model: versionName(model),
      rows: drift.rows,
      'drift severity': severity,
      ...Object.fromEntries(drift.drifted.map((feature) => [`psi ${feature}`, drift.psi[feature] ?? null])),
      ...Object.fromEntries(missing.map((feature) => [`missing rate ${feature}`, drift.missing_rate[feature] ?? null])),
      ...Object.fromEntries(
        missing.map((feature) => [`missing rate ${feature} at training`, drift.training_missing_rate[feature] ?? null]),
      ),
      score_psi: drift.score_psi,
      report: facts.report,
    },
    repeatAfterHours: thresholds.repeat_after_hours,
  };
}

/** A warning where a count of rows is `data_volume_factor` times over or under the median of those before it. */
export function unusualDataVolume(facts: UnusualDataVolume, thresholds: AlertThresholds): Finding | undefined {
  const { rows, usual, what } = facts;
  if (usual.length < thresholds.data_volume_history) return undefined;
  const median = medianOf(usual);
  const factor = thresholds.data_volume_factor;
  if (rows <= median * factor && rows >= median / factor) return undefined;
  return {
    ...alertAbout(facts, 'warning', what, String(rows)),
    summary: `${what} of ${facts.pipeline} has ${countOf(rows, 'row')} where ${median} are usual; check that its source is whole.`,
    details: { what, rows, usual: median, lowest_usual: median / factor, highest_usual: median * factor },
  };
}

/** For the record: a training ended with a champion, whether or not every algorithm made it. */
export function trainingCompleted(facts: TrainingCompleted): Finding {
  const { training, run } = facts;
  const { metric, scores, estimate } = training.comparison;
  const expected = estimate?.scores[training.challenger.algorithm] ?? null;
  return {
    ...alertAbout(facts, 'info', run.runId),
    summary: `Training of ${facts.pipeline} ended as ${training.status}; the best by ${metric} is ${versionName(training.challenger)}${!estimate || expected === null ? '' : `, with ${estimate.metric} ${rounded(expected, 4)} on rows that had no part in the choice`}${outcomeOf(training)}.`,
    details: {
      champion: training.champion ? versionName(training.champion) : 'none',
      promotion: training.promotion.reason,
      ...Object.fromEntries(Object.entries(scores).map(([algorithm, score]) => [`${metric} ${algorithm}`, score])),
      ...Object.fromEntries(
        Object.entries(estimate?.scores ?? {}).map(([algorithm, score]) => [`${estimate!.metric} ${algorithm}`, score]),
      ),
      dataset: training.dataset.id,
      ...failedAlgorithms(training.algorithms),
      workflow_id: run.workflowId,
      run_id: run.runId,
    },
  };
}

function outcomeOf({ champion, challenger, promotion }: TrainingCompleted['training']): string {
  if (promotion.decision === 'promote') return '';
  if (champion && versionName(champion) === versionName(challenger)) return ', which stays champion';
  return promotion.decision === 'hold'
    ? '; it waits in staging for a person to promote it'
    : '; the promotion gate refused it';
}

/** A warning where the best version of a training did not pass its tests: the one before goes on. */
export function modelTestsFailed(facts: ModelTestsFailed): Finding | undefined {
  const { run, tests, champion } = facts;
  const failed = failedTests(tests.tests);
  if (failed.length === 0) return undefined;
  return {
    ...alertAbout(facts, 'warning', run.runId),
    summary: `Model tests of ${facts.pipeline}: ${tests.reason}`,
    details: {
      model: versionName(tests.challenger),
      staging: tests.staging ? versionName(tests.staging) : 'none',
      champion: champion ? versionName(champion) : 'none',
      ...Object.fromEntries(failed.map(({ test, actual }) => [test, actual])),
      workflow_id: run.workflowId,
      run_id: run.runId,
    },
  };
}

/** For the record: another version is champion than before. */
export function modelDeployed(facts: ModelDeployed): Finding | undefined {
  const { model, previous } = facts;
  if (previous && versionName(previous) === versionName(model)) return undefined;
  return {
    ...alertAbout(facts, 'info', model.algorithm, model.version, facts.at),
    summary: `${versionName(model)} is now the champion of ${facts.pipeline}, ${previous ? `in place of ${versionName(previous)}` : 'its first'}: ${facts.reason.replace(/\.$/, '')}.`,
    details: {
      model: versionName(model),
      previous: previous ? versionName(previous) : 'none',
      by: facts.by,
      reason: facts.reason,
    },
  };
}

/** For the record, once a calendar week (ISO 8601, UTC): what monitoring found last, and what it could not measure. */
export function weeklyReport(facts: WeeklyReport): Finding {
  const { monitoring } = facts;
  const week = isoWeek(facts.at);
  const { performance } = monitoring;
  return {
    ...alertAbout(facts, 'info', week),
    summary: `Monitoring of ${facts.pipeline} in week ${week}: ${verdictInWords(monitoring)}.`,
    details: {
      rows: monitoring.rows,
      drift: monitoring.drift,
      performance_drop: monitoring.performance_drop,
      missing: monitoring.missing,
      retrain: monitoring.retrain,
      ...(monitoring.no_retraining !== undefined && { 'no retraining': monitoring.no_retraining }),
      score_psi: monitoring.score_psi,
      ...(performance.status === 'measured'
        ? {
            metric: performance.metric,
            drop: performance.drop,
            ...measured(performance),
          }
        : {}),
      conclusion: monitoring.conclusion,
      ...Object.fromEntries(
        Object.entries(monitoring.not_measured).map(([what, reason]) => [`${what} not measured`, reason]),
      ),
      report: monitoring.uri,
    },
  };
}

/** A run is at work for longer than its service level; see {@link SLA_LEVEL} for how loud that is. */
export function slaMissed(facts: SlaMissed, thresholds: AlertThresholds): Finding | undefined {
  const allowedMinutes = thresholds.sla_minutes[facts.phase];
  const takenMs = Date.parse(facts.at) - Date.parse(facts.startedAt);
  if (takenMs < allowedMinutes * MINUTE_MS) return undefined;
  return {
    ...alertAbout(facts, SLA_LEVEL[facts.phase], facts.run.runId),
    summary: `${PHASE_IN_WORDS[facts.phase]} of ${facts.pipeline} is still at work after ${duration(takenMs)}; it should take ${duration(allowedMinutes * MINUTE_MS)} at most.`,
    details: {
      phase: facts.phase,
      workflow_id: facts.run.workflowId,
      run_id: facts.run.runId,
      started_at: facts.startedAt,
      sla_minutes: allowedMinutes,
    },
  };
}

/** Critical: Temporal tries the same workflow task for ever, and the run does nothing until its cause is gone. */
export function tasksFailing(facts: TasksFailing, thresholds: AlertThresholds): Finding | undefined {
  const { failing } = facts;
  if (!failing) return undefined;
  const { run, workflow, attempts, since, reason } = failing;
  return {
    ...alertAbout(facts, 'critical', run.runId),
    summary: `${run.workflowId} stands still since ${since}: its workflow task has failed ${countOf(attempts, 'time')} (${clipped(reason, REASON_BYTES)}).`,
    details: {
      workflow_id: run.workflowId,
      run_id: run.runId,
      workflow,
      attempts,
      since,
      reason: clipped(reason, REASON_BYTES),
    },
    repeatAfterHours: thresholds.repeat_after_hours,
  };
}

/** Of a failure that may carry what a stranger sent. */
const REASON_BYTES = 500;

function alertAbout(
  facts: AlertFacts,
  level: AlertLevel,
  ...about: string[]
): Pick<Alert, 'level' | 'condition' | 'pipeline' | 'dedupKey' | 'at'> {
  const { condition, pipeline, at } = facts;
  return { level, condition, pipeline, dedupKey: dedupKey(pipeline, condition, ...about), at };
}

function failedAlgorithms(algorithms: TrainingCompleted['training']['algorithms']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(algorithms).flatMap(([name, result]) => (result.status === 'failed' ? [[name, result.reason]] : [])),
  );
}

function verdictInWords({ drift, performance_drop, missing, not_measured }: WeeklyReport['monitoring']): string {
  const found = [
    ...(drift ? ['drift'] : []),
    ...(performance_drop ? ['a drop in performance'] : []),
    ...(missing ? ['a changed share of missing values'] : []),
  ];
  const unmeasured = Object.keys(not_measured).map((what) => `${what} not measured`);
  return [
    found.join(', ') || (unmeasured.length === 0 ? 'no problems found' : 'no problems found in what was measured'),
    ...unmeasured,
  ].join('; ');
}

function medianOf(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
}

/** `2 h 5 min`, `45 min`. */
function duration(ms: number): string {
  const minutes = Math.round(ms / MINUTE_MS);
  const parts = [
    ...(minutes >= 60 ? [`${Math.floor(minutes / 60)} h`] : []),
    ...(minutes % 60 > 0 || minutes < 60 ? [`${minutes % 60} min`] : []),
  ];
  return parts.join(' ');
}

/** The ISO 8601 week of an instant in UTC, e.g. `2026-W01`: weeks start on Monday and belong to the year of their Thursday. */
function isoWeek(at: string): string {
  const day = new Date(at);
  day.setUTCHours(0, 0, 0, 0);
  day.setUTCDate(day.getUTCDate() + 4 - (day.getUTCDay() || 7));
  const firstDay = Date.UTC(day.getUTCFullYear(), 0, 1);
  const week = Math.floor((day.getTime() - firstDay) / (7 * 24 * HOUR_MS)) + 1;
  return `${day.getUTCFullYear()}-W${String(week).padStart(2, '0')}`;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** What a model is worth now and was at training, by what it is told apart by. */
function measured({
  metrics,
  baseline,
  metric,
}: Extract<PerformanceResult, { status: 'measured' }>): Record<string, number | null> {
  const told = [...new Set<MetricName>(['accuracy', 'roc_auc', metric])].filter((name) => metrics[name] !== undefined);
  return Object.fromEntries(
    told.flatMap((name) => [
      [name, metrics[name] ?? null],
      [`${name}_baseline`, baseline[name] ?? null],
    ]),
  );
}
