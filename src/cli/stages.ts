import type { Workflows } from '../client.js';
import type {
  DataProcessingResult,
  LifecycleResult,
  ModelInferenceResult,
  ModelMonitoringResult,
  ModelTrainingResult,
  Verdict,
} from '../contracts/index.js';
import { count, countOf } from './terminal.js';

/** A stage of the lifecycle, by the name that the lifecycle's result and its children's ids have for it. */
export type Stage = keyof LifecycleResult;

/** The stages in their order. */
export const STAGES = ['processing', 'training', 'inference', 'monitoring'] as const satisfies readonly Stage[];

/** The workflow that runs a stage on its own. */
export const STAGE_WORKFLOWS = {
  processing: 'dataProcessing',
  training: 'modelTraining',
  inference: 'modelInference',
  monitoring: 'modelMonitoring',
} as const satisfies Record<Stage, keyof Workflows>;

export const STAGE_TITLES: Record<Stage, string> = {
  processing: 'Process data',
  training: 'Train models',
  inference: 'Predict',
  monitoring: 'Monitor',
};

/** How a stage ended, in one line. */
export function summarize<S extends Stage>(stage: S, result: LifecycleResult[S]): string {
  return SUMMARIES[stage](result);
}

const SUMMARIES: { [S in Stage]: (result: LifecycleResult[S]) => string } = {
  processing: summarizeProcessing,
  training: summarizeTraining,
  inference: summarizeInference,
  monitoring: summarizeMonitoring,
};

function summarizeProcessing(result: DataProcessingResult): string {
  const held = `${countOf(result.rows, 'row')} in ${countOf(result.partitions, 'partition')}`;
  if (result.status === 'skipped') return `skipped: ${result.reason} (${held})`;
  const dropped = Object.values(result.silver.dropped).reduce((sum, rows) => sum + rows, 0);
  return `${held}, ${count(result.gold.written)} written, ${count(result.gold.unchanged)} unchanged, ${countOf(dropped, 'row')} dropped`;
}

function summarizeTraining(result: ModelTrainingResult): string {
  if (result.status === 'skipped') return `skipped: ${result.reason}`;
  const { champion, comparison } = result;
  const failed = Object.entries(result.algorithms).filter(([, outcome]) => outcome.status === 'failed');
  const chosen = `champion ${champion.algorithm} ${champion.version}, ${comparison.metric} ${score(comparison.scores[champion.algorithm])}`;
  return failed.length === 0 ? chosen : `${chosen}; failed: ${failed.map(([algorithm]) => algorithm).join(', ')}`;
}

function summarizeInference(result: ModelInferenceResult): string {
  if (result.status === 'skipped') return `skipped: ${result.reason}`;
  return `${countOf(result.rows, 'row')} scored by ${result.model.algorithm} ${result.model.version}`;
}

function summarizeMonitoring(result: ModelMonitoringResult): string {
  if (result.status === 'skipped') return `skipped: ${result.reason}`;
  return `${countOf(result.rows, 'prediction')} looked at, ${describeVerdict(result)}`;
}

export function describeVerdict({ drift, performance_drop, missing, retrain }: Verdict): string {
  const found = [drift && 'drift', performance_drop && 'a drop in performance', missing && 'missing values'].filter((finding) => finding !== false);
  if (found.length === 0) return 'nothing amiss';
  return `found ${found.join(' and ')}${retrain ? ': a retraining is asked for' : ''}`;
}

/** Four decimals, as the metric tables have them; `-` where undefined. */
export function score(value: number | null | undefined): string {
  return value === null || value === undefined ? '-' : value.toFixed(4);
}
