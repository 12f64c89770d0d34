import type { ModelConfig } from '../config/schema.js';
import { countOf, type MetricName, type PeriodEvaluation, type RetrainingDecision } from '../contracts/index.js';

/** What is known when a period decides. */
export interface RetrainingFacts {
  /** Days since the last retraining; `null` where there is no record of one. */
  days: number | null;
  /** Whether there is a champion. */
  hasModel: boolean;
  /** Why there is too little to train on, in a sentence; `undefined` where there is enough. */
  lacking: string | undefined;
  evaluation: PeriodEvaluation;
}

/**
 * Whether a period trains: where there is no model yet, where the last retraining lies `every_days` or more back (one that
 * nobody recorded counts as so long ago), or where a metric of the period before is beyond its limit; with too
 * little data not at all. A metric on its limit is within it, and one that was not measured says nothing.
 */
export function decideRetraining(
  { every_days, minimums, maximums }: ModelConfig['retraining'],
  { days, hasModel, lacking, evaluation }: RetrainingFacts,
): RetrainingDecision {
  if (lacking !== undefined) return { retrain: false, because: 'not_enough_data', reason: lacking };
  if (!hasModel) return { retrain: true, because: 'initial', reason: 'There is no model yet.' };
  if (days === null)
    return { retrain: true, because: 'age', reason: 'No retraining is recorded, which counts as one that is due.' };
  if (days >= every_days)
    return {
      retrain: true,
      because: 'age',
      reason: `The last retraining lies ${countOf(days, 'day')} back; one is due after ${every_days}.`,
    };
  if (evaluation.status === 'measured') {
    const beyond = beyondLimit(evaluation, minimums, (value, limit) => value < limit, 'below');
    const above = beyondLimit(evaluation, maximums, (value, limit) => value > limit, 'above');
    const reason = beyond ?? above;
    if (reason !== undefined) return { retrain: true, because: 'metric', reason };
  }
  const untold = evaluation.status === 'measured' ? evaluation.rows_not_measured : undefined;
  return {
    retrain: false,
    because: 'none',
    reason: `The last retraining lies ${countOf(days, 'day')} back, of ${every_days}.${untold === undefined ? '' : ` ${untold}`}`,
  };
}

function beyondLimit(
  { metrics, period }: Extract<PeriodEvaluation, { status: 'measured' }>,
  limits: Partial<Record<MetricName, number>>,
  isBeyond: (value: number, limit: number) => boolean,
  words: string,
): string | undefined {
  for (const [name, limit] of Object.entries(limits)) {
    const value = metrics[name as MetricName];
    if (value !== undefined && value !== null && isBeyond(value, limit))
      return `${name} of ${period.from} to ${period.to} is ${value.toFixed(4)}, ${words} ${limit}.`;
  }
  return undefined;
}
