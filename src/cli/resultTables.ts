import Table from 'cli-table3';
import type {
  DataProcessingResult,
  LifecycleResult,
  Metrics,
  ModelInferenceResult,
  ModelMonitoringResult,
  ModelTrainingResult,
} from '../contracts/index.js';
import type { StageResults } from './follow.js';
import { STAGES, STAGE_TITLES, score, summarize, type Stage } from './stages.js';
import { count } from './terminal.js';

/** Rows and columns of text, without colours so that it reads the same in a file. */
export function table(head: string[], rows: (string | number)[][]): string {
  const grid = new Table({ head, style: { head: [], border: [] } });
  grid.push(...rows);
  return grid.toString();
}

/** What a run came to, stage by stage: the numbers behind the line that the progress ended with, or why there are none. */
export function describeResults(results: StageResults): string {
  return STAGES.flatMap((stage) => describeStage(stage, results)).join('\n');
}

function describeStage<S extends Stage>(stage: S, results: StageResults): string[] {
  const result = results[stage];
  if (!result) return [];
  return result.status === 'skipped' ? [`${STAGE_TITLES[stage]}: ${summarize(stage, result)}`] : DETAILS[stage](result);
}

const DETAILS: { [S in Stage]: (result: LifecycleResult[S]) => string[] } = {
  processing: layerTable,
  training: algorithmTable,
  inference: predictionsLine,
  monitoring: driftTable,
};

function layerTable(processing: DataProcessingResult): string[] {
  if (processing.status === 'skipped') return [];
  const layers = ['bronze', 'silver', 'gold'] as const;
  const rows = layers.map((layer) => [layer, ...[processing[layer].rows, processing[layer].written, processing[layer].unchanged].map(count)]);
  const dropped = Object.entries(processing.silver.dropped).filter(([, rows]) => rows > 0).map(([why, rows]) => `${why} ${count(rows)}`);
  return [
    table(['layer', 'rows', 'partitions written', 'unchanged'], rows),
    ...(dropped.length > 0 ? [`Rows dropped in silver: ${dropped.join(', ')}`] : []),
  ];
}

function predictionsLine(inference: ModelInferenceResult): string[] {
  return inference.status === 'skipped' ? [] : [`Predictions: ${inference.uri}`];
}

export const SHOWN_METRICS = ['roc_auc', 'average_precision', 'recall', 'precision', 'f1'] as const satisfies readonly (keyof Metrics)[];
export const METRIC_TITLES: Record<(typeof SHOWN_METRICS)[number], string> = {
  roc_auc: 'AUC',
  average_precision: 'AP',
  recall: 'recall',
  precision: 'precision',
  f1: 'F1',
};

export function metricHeads(): string[] {
  return ['test', 'OOT'].flatMap((window) => SHOWN_METRICS.map((metric) => `${window}\n${METRIC_TITLES[metric]}`));
}

/** Aligned with {@link metricHeads}. */
export function metricCells({ test, oot }: { test: Metrics; oot: Metrics }): string[] {
  return [test, oot].flatMap((metrics) => SHOWN_METRICS.map((metric) => score(metrics[metric])));
}

function algorithmTable(training: ModelTrainingResult): string[] {
  if (training.status === 'skipped') return [];
  const { algorithms, champion } = training;
  const rows = Object.entries(algorithms).map(([algorithm, result]) => {
    const title = algorithm === champion.algorithm ? `${algorithm} *` : algorithm;
    return result.status === 'completed' ? [title, score(result.cv_score), ...metricCells(result)] : [title, 'failed', ...metricHeads().map(() => '')];
  });
  const failures = Object.entries(algorithms).flatMap(([algorithm, result]) =>
    result.status === 'failed' ? [`${algorithm} failed (${result.type}): ${result.reason}`] : [],
  );
  return [table(['', 'CV score', ...metricHeads()], rows), `* champion by ${training.comparison.metric}`, ...failures];
}

/** Features worth a look: the most shifted ones. */
const SHOWN_FEATURES = 5;

function driftTable(monitoring: ModelMonitoringResult): string[] {
  if (monitoring.status === 'skipped') return [];
  const rows = Object.entries(monitoring.psi)
    .sort(([, a], [, b]) => (b ?? 0) - (a ?? 0))
    .slice(0, SHOWN_FEATURES)
    .map(([feature, psi]) => [feature, score(psi), share(monitoring.missing_rate[feature])]);
  return [table(['most shifted features', 'PSI', 'missing'], [...rows, ['(the score itself)', score(monitoring.score_psi), '']]), `Report: ${monitoring.uri}`];
}

function share(value: number | undefined): string {
  return value === undefined ? '-' : `${(value * 100).toFixed(1)}%`;
}
