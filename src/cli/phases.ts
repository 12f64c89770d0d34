import {
  leftOutOf,
  scoreText,
  type DataProcessingCompleted,
  type LifecycleResult,
  type ModelInferenceCompleted,
  type ModelMonitoringCompleted,
  type ModelTrainingCompleted,
  type Phase,
  type Verdict,
} from '../contracts/index.js';
import { isSameVersion } from '../registry/pointers.js';
import { rowsLeftOut } from '../monitoring/verdict.js';
import { count, countOf } from './terminal.js';

export const PHASE_TITLES: Record<Phase, string> = {
  processing: 'Process data',
  training: 'Train models',
  inference: 'Predict',
  monitoring: 'Monitor',
};

/** What a phase came to that had something to do. */
export type Completed<S extends Phase> = Exclude<LifecycleResult[S], { status: 'skipped' }>;

/** How a phase ended, in one line. */
export function summarize<S extends Phase>(phase: S, result: LifecycleResult[S]): string {
  // TypeScript narrows no type parameters.
  return result.status === 'skipped' ? `skipped: ${result.reason}` : SUMMARIES[phase](result as Completed<S>);
}

const SUMMARIES: { [S in Phase]: (result: Completed<S>) => string } = {
  processing: summarizeProcessing,
  training: summarizeTraining,
  inference: summarizeInference,
  monitoring: summarizeMonitoring,
};

function summarizeProcessing({ rows, partitions, silver, gold }: DataProcessingCompleted): string {
  const dropped = Object.values(silver.dropped).reduce((sum, dropped) => sum + dropped, 0);
  return `${countOf(rows, 'row')} in ${countOf(partitions, 'partition')}, ${count(gold.written)} written, ${count(gold.unchanged)} unchanged, ${countOf(dropped, 'row')} dropped`;
}

function summarizeTraining(result: ModelTrainingCompleted): string {
  const failed = Object.entries(result.algorithms).filter(([, outcome]) => outcome.status === 'failed');
  const leftOut = Object.keys(leftOutOf(result.algorithms));
  return [
    championLine(result),
    ...(failed.length > 0 ? [`failed: ${failed.map(([algorithm]) => algorithm).join(', ')}`] : []),
    ...(leftOut.length > 0 ? [`left out: ${leftOut.join(', ')}`] : []),
  ].join('; ');
}

function championLine({ champion, challenger, comparison, promotion }: ModelTrainingCompleted): string {
  const { metric, scores, estimate } = comparison;
  const { algorithm } = challenger;
  const best = `${algorithm} ${challenger.version}, chosen by ${metric} ${score(scores[algorithm])}${estimate ? `; ${estimate.metric} ${score(estimate.scores[algorithm])} had no part in the choice` : ''}`;
  if (promotion.decision === 'promote') return `champion ${best}`;
  if (champion && isSameVersion(champion, challenger)) return `champion stays ${best}`;
  const stays = champion ? `champion stays ${champion.algorithm} ${champion.version}` : 'no champion';
  return promotion.decision === 'hold'
    ? `${stays}; waiting in staging for a person to promote it: ${best}`
    : `${stays}; the promotion gate refused ${best}`;
}

function summarizeInference(result: ModelInferenceCompleted): string {
  return `${countOf(result.rows, 'row')} scored by ${result.model.algorithm} ${result.model.version}`;
}

function summarizeMonitoring(result: ModelMonitoringCompleted): string {
  const { rows, trained_rows: trained = 0, looked_at } = result;
  const others = rowsLeftOut(result);
  const besides = others.length > 0 ? ` (left out: ${others.join(', ')})` : '';
  return `${countOf(looked_at?.rows ?? rows - trained, 'prediction')} looked at${besides}, ${describeVerdict(result)}`;
}

const FINDINGS = {
  drift: 'drift',
  performance_drop: 'a drop in performance',
  missing: 'a changed share of missing values',
};

/** Every finding, and what was looked for without one; what was not measured is neither, and says why. */
export function describeVerdict(verdict: Verdict): string {
  const where = (value: boolean | null) =>
    Object.entries(FINDINGS).flatMap(([finding, words]) =>
      verdict[finding as keyof typeof FINDINGS] === value ? [words] : [],
    );
  const reasons = Object.values(verdict.not_measured);
  return [
    ...(where(true).length > 0 ? [`found ${where(true).join(' and ')}${requestInWords(verdict)}`] : []),
    ...(where(false).length > 0
      ? [
          `no ${where(false)
            .map((words) => words.replace(/^a /, ''))
            .join(', no ')}`,
        ]
      : []),
    ...(where(null).length > 0
      ? [`not measured: ${[`${where(null).join(' and ')}.`, ...reasons].join(' ').replace(/\.$/, '')}`]
      : []),
  ].join('; ');
}

/** Whether what was found leads to a retraining; a release that did not tell why not says nothing. */
function requestInWords({ retrain, no_retraining: why }: Verdict): string {
  if (retrain) return ': a retraining is asked for';
  return why === undefined ? '' : `: ${why[0]!.toLowerCase()}${why.slice(1).replace(/\.$/, '')}`;
}

/** As the metric tables have it; `-` where undefined. */
export function score(value: number | null | undefined): string {
  return value === null || value === undefined ? '-' : scoreText(value);
}
