import {
  nothingChanged,
  type DataProcessingCompleted,
  type Metrics,
  type ModelInferenceCompleted,
  type ModelMonitoringCompleted,
  type ModelTrainingCompleted,
} from '../contracts/index.js';
import { isSameVersion } from '../registry/pointers.js';
import type { StageResults } from './follow.js';
import { STAGES, STAGE_TITLES, score, summarize, type Completed, type Stage } from './stages.js';
import { table } from './table.js';
import { count } from './terminal.js';
import { shareOf } from '../contracts/counts.js';

/** What a run came to, stage by stage: the numbers behind the line that the progress ended with, or why there are none. */
export function describeResults(results: StageResults): string {
  return STAGES.flatMap((stage) => describeStage(stage, results)).join('\n\n');
}

function describeStage<S extends Stage>(stage: S, results: StageResults): string[] {
  const result = results[stage];
  if (!result) return [];
  const details = result.status === 'skipped' ? [] : DETAILS[stage](result as Completed<S>);
  return [[`${STAGE_TITLES[stage]}: ${summarize(stage, result)}`, ...details].join('\n')];
}

const DETAILS: { [S in Stage]: (result: Completed<S>) => string[] } = {
  processing: layerTable,
  training: algorithmTable,
  inference: predictionsLine,
  monitoring: driftTable,
};

function layerTable(processing: DataProcessingCompleted): string[] {
  const layers = ['bronze', 'silver', 'gold'] as const;
  const rows = layers.map((layer) => [layer, ...[processing[layer].rows, processing[layer].written, processing[layer].unchanged].map(count)]);
  const dropped = Object.entries(processing.silver.dropped).filter(([, rows]) => rows > 0).map(([why, rows]) => `${why} ${count(rows)}`);
  return [
    table(['layer', 'rows', 'partitions written', 'unchanged'], rows),
    ...(dropped.length > 0 ? [`Rows dropped in silver: ${dropped.join(', ')}`] : []),
  ];
}

function predictionsLine(inference: ModelInferenceCompleted): string[] {
  return [`Predictions: ${inference.uri}`];
}

const SHOWN_METRICS = ['roc_auc', 'recall', 'f1'] as const satisfies readonly (keyof Metrics)[];
const METRIC_TITLES = { roc_auc: 'AUC', recall: 'recall', f1: 'F1' } as const satisfies Record<(typeof SHOWN_METRICS)[number], string>;

/** Few enough for a terminal of 80 columns; the JSON answer and `perdure models show` have the rest. */
export function metricHeads(): string[] {
  return ['test', 'OOT'].flatMap((window) => SHOWN_METRICS.map((metric) => `${window}\n${METRIC_TITLES[metric]}`));
}

/**
 * Of columns that {@link metricHeads} is among, those that can be done without in a narrow terminal.
 * @param first index of the first of them
 */
export function spareMetrics(first: number): number[] {
  const [, testRecall, testF1, , ootRecall, ootF1] = metricHeads().map((_, i) => first + i) as [number, number, number, number, number, number];
  return [testF1, ootF1, testRecall, ootRecall];
}

/** Aligned with {@link metricHeads}. */
export function metricCells({ test, oot }: { test: Metrics; oot: Metrics }): string[] {
  return [test, oot].flatMap((metrics) => SHOWN_METRICS.map((metric) => score(metrics[metric])));
}

function algorithmTable(training: ModelTrainingCompleted): string[] {
  const { algorithms, champion, unchanged = [] } = training;
  const rows = Object.entries(algorithms).map(([algorithm, result]) => {
    const title = result.status === 'completed' && isSameVersion(champion, { algorithm, version: result.version }) ? `${algorithm} *` : algorithm;
    return result.status === 'completed' ? [title, score(result.cv_score), ...metricCells(result)] : [title, 'failed', ...metricHeads().map(() => '')];
  });
  const failures = Object.entries(algorithms).flatMap(([algorithm, result]) =>
    result.status === 'failed' ? [`${algorithm} failed (${result.type}): ${result.reason}`] : [],
  );
  const kept = unchanged.length > 0 ? [`Not trained: ${nothingChanged(unchanged)}`] : [];
  const partly = Object.entries(algorithms).flatMap(([algorithm, result]) =>
    result.status === 'completed' && result.search.failed > 0
      ? [`Warning: ${shareOf(result.search.failed, result.search.candidates, 'candidates')} of ${algorithm} failed; "perdure models show" has the reasons.`]
      : [],
  );
  const warnings = (training.dataset.warnings ?? []).map((warning) => `Warning: ${warning}`);
  return [table(['algorithm', 'CV\nscore', ...metricHeads()], rows, { spare: spareMetrics(2) }), verdictOnBest(training), ...failures, ...kept, ...partly, ...warnings];
}

function verdictOnBest({ comparison, promotion, champion, challenger }: ModelTrainingCompleted): string {
  const { metric, estimate } = comparison;
  const columns = estimate.metric.startsWith('oot') ? 'OOT columns' : 'test columns';
  const chosen = `chosen by ${metric}; the ${columns} had no part in the choice`;
  if (promotion.decision === 'refuse' && !isSameVersion(champion, challenger)) return `The best was ${chosen}\nPromotion gate: ${promotion.reason}`;
  return [`* champion, ${chosen}`, ...(promotion.not_compared === null ? [] : [`Promotion gate: ${promotion.reason}`])].join('\n');
}

/** Features worth a look: the most shifted ones. */
const SHOWN_FEATURES = 5;

function driftTable(monitoring: ModelMonitoringCompleted): string[] {
  const rows = Object.entries(monitoring.psi)
    .sort(([, a], [, b]) => (b ?? 0) - (a ?? 0))
    .slice(0, SHOWN_FEATURES)
    .map(([feature, psi]) => [feature, score(psi), share(monitoring.missing_rate[feature])]);
  return [table(['most shifted features', 'PSI', 'missing'], [...rows, ['the score itself', score(monitoring.score_psi), '']]), `Report: ${monitoring.uri}`];
}

function share(value: number | undefined): string {
  return value === undefined ? '-' : `${(value * 100).toFixed(1)}%`;
}
