import Table from 'cli-table3';
import type { AlgorithmTrained, Metrics, ModelMonitoringResult, ModelTrainingResult } from '../contracts/index.js';
import type { StageResults } from './follow.js';
import { STAGES, STAGE_TITLES, score, summarize, type Stage } from './stages.js';

/** Rows and columns of text, without colours so that it reads the same in a file. */
export function table(head: string[], rows: (string | number)[][]): string {
  const grid = new Table({ head, style: { head: [], border: [] } });
  grid.push(...rows);
  return grid.toString();
}

/** What a run came to: the algorithms' metrics, drift, and a line a stage. */
export function describeResults(results: StageResults): string {
  const lines = STAGES.flatMap((stage) => describeStage(stage, results));
  const uris = [
    results.inference?.status === 'completed' && `Predictions: ${results.inference.uri}`,
    results.monitoring?.status === 'completed' && `Report: ${results.monitoring.uri}`,
  ].filter((line) => line !== false);
  return [
    ...(results.training ? algorithmTable(results.training) : []),
    ...(results.monitoring ? driftTable(results.monitoring) : []),
    ...lines,
    ...uris,
  ].join('\n');
}

function describeStage<S extends Stage>(stage: S, results: StageResults): string[] {
  const result = results[stage];
  return result ? [`${STAGE_TITLES[stage]}: ${summarize(stage, result)}`] : [];
}

const SHOWN_METRICS = ['roc_auc', 'recall', 'precision', 'f1'] as const satisfies readonly (keyof Metrics)[];
const METRIC_TITLES: Record<(typeof SHOWN_METRICS)[number], string> = { roc_auc: 'AUC', recall: 'recall', precision: 'precision', f1: 'F1' };

function algorithmTable(training: ModelTrainingResult): string[] {
  if (training.status === 'skipped') return [];
  const { algorithms, champion } = training;
  const head = ['', 'CV score', ...['test', 'OOT'].flatMap((window) => SHOWN_METRICS.map((metric) => `${window}\n${METRIC_TITLES[metric]}`))];
  const rows = Object.entries(algorithms).map(([algorithm, result]) => {
    const title = algorithm === champion.algorithm ? `${algorithm} *` : algorithm;
    return result.status === 'completed' ? [title, ...scoresOf(result)] : [title, 'failed', ...head.slice(2).map(() => '')];
  });
  const failures = Object.entries(algorithms).flatMap(([algorithm, result]) =>
    result.status === 'failed' ? [`${algorithm} failed (${result.type}): ${result.reason}`] : [],
  );
  return [table(head, rows), `* champion by ${training.comparison.metric}`, ...failures];
}

function scoresOf({ cv_score, test, oot }: AlgorithmTrained): string[] {
  return [cv_score, ...[test, oot].flatMap((metrics) => SHOWN_METRICS.map((metric) => metrics[metric]))].map(score);
}

/** Features worth a look: the most shifted ones. */
const SHOWN_FEATURES = 5;

function driftTable(monitoring: ModelMonitoringResult): string[] {
  if (monitoring.status === 'skipped') return [];
  const rows = Object.entries(monitoring.psi)
    .sort(([, a], [, b]) => (b ?? 0) - (a ?? 0))
    .slice(0, SHOWN_FEATURES)
    .map(([feature, psi]) => [feature, score(psi), share(monitoring.missing_rate[feature])]);
  return [table(['most shifted features', 'PSI', 'missing'], [...rows, ['(the score itself)', score(monitoring.score_psi), '']])];
}

function share(value: number | undefined): string {
  return value === undefined ? '-' : `${(value * 100).toFixed(1)}%`;
}
