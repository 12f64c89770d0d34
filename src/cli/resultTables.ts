import {
  leftOutInWords,
  leftOutOf,
  nothingChanged,
  type DataProcessingCompleted,
  type DataQuality,
  type DriftDistance,
  type EstimatedMetric,
  type LabelCounts,
  type PerformanceResult,
  type ModelInferenceCompleted,
  type ModelMonitoringCompleted,
  type ModelTrainingCompleted,
  type MetricName,
  type SplitMetrics,
  type SplitName,
  type WrittenPage,
  PHASES,
  SPLITS,
  type Phase,
} from '../contracts/index.js';
import { isSameVersion } from '../registry/pointers.js';
import type { PhaseResults } from './follow.js';
import { describeInterval, gateTable, withInterval } from './gateTable.js';
import { PHASE_TITLES, score, summarize, type Completed } from './phases.js';
import { table } from './table.js';
import { testLines } from './testTable.js';
import { count } from './terminal.js';
import { countOf, shareOf } from '../contracts/counts.js';

/** What a run came to, phase by phase: the numbers behind the line that the progress ended with, or why there are none. */
export function describeResults(results: PhaseResults): string {
  return PHASES.flatMap((phase) => describePhase(phase, results)).join('\n\n');
}

function describePhase<S extends Phase>(phase: S, results: PhaseResults): string[] {
  const result = results[phase];
  if (!result) return [];
  const details = result.status === 'skipped' ? [] : DETAILS[phase](result as Completed<S>);
  return [[`${PHASE_TITLES[phase]}: ${summarize(phase, result)}`, ...details].join('\n')];
}

const DETAILS: { [S in Phase]: (result: Completed<S>) => string[] } = {
  processing: layerTable,
  training: algorithmTable,
  inference: predictionsLine,
  monitoring: driftTable,
};

function layerTable(processing: DataProcessingCompleted): string[] {
  const layers = ['bronze', 'silver', 'gold'] as const;
  const rows = layers.map((layer) => [
    layer,
    ...[processing[layer].rows, processing[layer].written, processing[layer].unchanged].map(count),
  ]);
  const dropped = Object.entries(processing.silver.dropped)
    .filter(([, rows]) => rows > 0)
    .map(([why, rows]) => `${why} ${count(rows)}`);
  return [
    table(['layer', 'rows', 'partitions written', 'unchanged'], rows),
    ...(processing.labels ? [labelLine(processing.labels)] : []),
    ...(dropped.length > 0 ? [`Rows dropped in silver: ${dropped.join(', ')}`] : []),
    ...(processing.quality ? [qualityLine(processing.quality)] : []),
  ];
}

function qualityLine({ evaluated, met, unmet }: DataQuality): string {
  const broken = Object.entries(unmet).map(([rule, rows]) => (rows > 0 ? `${rule} (${countOf(rows, 'row')})` : rule));
  const score = evaluated === 0 ? '' : `, a score of ${(met / evaluated).toFixed(2)}`;
  return `Data quality: ${count(met)} of ${countOf(evaluated, 'expectation')} met${score}${broken.length > 0 ? `; not met: ${broken.join(', ')}` : ''}`;
}

function labelLine({ rows, unknown }: LabelCounts): string {
  return `Labels of the second file: ${countOf(rows, 'key')}${unknown > 0 ? `, ${count(unknown)} of which no row has` : ''}`;
}

function predictionsLine(inference: ModelInferenceCompleted): string[] {
  const { uri, unexplained } = inference;
  return [`Predictions: ${uri}`, ...(unexplained === undefined ? [] : [`Without reasons: ${unexplained}`])];
}

/** Few enough for a terminal of 80 columns; the JSON answer and `perdure models show` have the rest. */
const SHOWN_METRICS = [
  ['roc_auc', 'recall', 'f1'],
  ['accuracy', 'f1_macro', 'log_loss'],
  ['rmse', 'mae', 'r2'],
] as const satisfies readonly (readonly MetricName[])[];
const METRIC_TITLES: Partial<Record<MetricName, string>> = {
  roc_auc: 'AUC',
  f1: 'F1',
  f1_macro: 'F1 macro',
  log_loss: 'log loss',
  rmse: 'RMSE',
  mae: 'MAE',
  r2: 'R2',
  mean_poisson_deviance: 'Poisson',
};

/** The columns of a table of versions: a few metrics of each split that evaluates. */
export class MetricColumns {
  private readonly columns: { split: (typeof SPLITS)[number]; metric: MetricName }[];

  /**
   * @param versions that have a row each
   * @param decisive the metric that chose among them, which is shown in any case
   */
  constructor(versions: SplitMetrics[], decisive?: MetricName) {
    const splits = SPLITS.filter((split) => split !== 'train' && versions.some((version) => version[split]));
    const known = versions.flatMap((version) => splits.flatMap((split) => Object.keys(version[split] ?? {})));
    const usual: readonly MetricName[] =
      SHOWN_METRICS.find((names) => names.every((name) => known.includes(name))) ?? SHOWN_METRICS[0];
    const metrics =
      decisive === undefined || usual.includes(decisive) ? usual : [decisive, ...usual.slice(0, usual.length - 1)];
    this.columns = splits.flatMap((split) => metrics.map((metric) => ({ split, metric })));
  }

  get heads(): string[] {
    return this.columns.map(
      ({ split, metric }) => `${split === 'oot' ? 'OOT' : split}\n${METRIC_TITLES[metric] ?? metric}`,
    );
  }

  cells(version: SplitMetrics): string[] {
    return this.columns.map(({ split, metric }) => score(version[split]?.[metric] ?? null));
  }

  /**
   * The columns that can be done without in a narrow terminal, the first to go first: the last metrics of each split.
   * @param first index of the first of these columns in its table
   */
  spare(first: number): number[] {
    const splits = [...new Set(this.columns.map(({ split }) => split))];
    const of = (split: string) => this.columns.flatMap((column, i) => (column.split === split ? [first + i] : []));
    return [2, 1].flatMap((position) => splits.flatMap((split) => of(split)[position] ?? []));
  }
}

function algorithmTable(training: ModelTrainingCompleted): string[] {
  const { algorithms, champion, unchanged = [] } = training;
  const columns = new MetricColumns(
    Object.values(algorithms).flatMap((result) => (result.status === 'completed' ? [result] : [])),
    training.comparison.metric.split('.')[1] as MetricName | undefined,
  );
  // A single candidate may have no score of folds.
  const searched = Object.values(algorithms).every(
    (result) => result.status !== 'completed' || result.cv_score !== null,
  );
  const rows = Object.entries(algorithms).map(([algorithm, result]) => {
    const title =
      result.status === 'completed' && isSameVersion(champion, { algorithm, version: result.version })
        ? `${algorithm} *`
        : algorithm;
    if (result.status !== 'completed') {
      const outcome = result.status === 'failed' ? 'failed' : 'left out';
      return [
        title,
        ...(searched ? [outcome] : []),
        ...columns.heads.map((_, i) => (i === 0 && !searched ? outcome : '')),
      ];
    }
    return [title, ...(searched ? [score(result.cv_score)] : []), ...columns.cells(result)];
  });
  const failures = Object.entries(algorithms).flatMap(([algorithm, result]) =>
    result.status === 'failed' ? [`${algorithm} failed (${result.type}): ${result.reason}`] : [],
  );
  const kept = unchanged.length > 0 ? [`Not trained: ${nothingChanged(unchanged)}`] : [];
  const partly = Object.entries(algorithms).flatMap(([algorithm, result]) =>
    result.status === 'completed' && result.search.failed > 0
      ? [
          `Warning: ${shareOf(result.search.failed, result.search.candidates, 'candidates')} of ${algorithm} failed; "perdure models show" has the reasons.`,
        ]
      : [],
  );
  const warnings = (training.dataset.warnings ?? []).map((warning) => `Warning: ${warning}`);
  return [
    table(['algorithm', ...(searched ? ['CV\nscore'] : []), ...columns.heads], rows, {
      spare: columns.spare(searched ? 2 : 1),
    }),
    verdictOnBest(training),
    ...thresholdLines(training),
    ...intervalLine(training),
    ...gateTable(training.promotion),
    ...testLines(training.tests),
    ...pageLine(training.page),
    ...trackingLine(training),
    ...failures,
    ...leftOutInWords(leftOutOf(algorithms)),
    ...kept,
    ...partly,
    ...warnings,
  ];
}

/** The decision thresholds that a rule chose. */
function thresholdLines({ algorithms }: ModelTrainingCompleted): string[] {
  const chosen = Object.entries(algorithms).flatMap(([algorithm, result]) =>
    result.status === 'completed' && result.threshold ? [{ algorithm, ...result.threshold }] : [],
  );
  const [first] = chosen;
  if (!first) return [];
  const missed = chosen.filter(({ met }) => met === false).map(({ algorithm }) => algorithm);
  return [
    `Decision threshold: ${chosen.map(({ algorithm, value }) => `${algorithm} ${score(value)}`).join(', ')} (${first.rule} in the ${first.split} split)`,
    ...(missed.length > 0
      ? [
          `Warning: no threshold of ${missed.join(', ')} reaches that in the ${first.split} split; the nearest one is used.`,
        ]
      : []),
  ];
}

/** How certain the figure to expect of the best is. */
function intervalLine({ comparison, challenger, algorithms }: ModelTrainingCompleted): string[] {
  const [split, metric] = (comparison.estimate?.metric ?? comparison.metric).split('.') as [
    'validation' | 'test' | 'oot',
    MetricName,
  ];
  const best = algorithms[challenger.algorithm];
  const interval = best?.status === 'completed' ? best[split]?.intervals?.[metric] : undefined;
  return interval
    ? [`${split}.${metric} of ${challenger.algorithm} lies from ${describeInterval(interval)} with 95% confidence`]
    : [];
}

/** Where the page lies, or why there is none. */
function pageLine(page: WrittenPage | undefined): string[] {
  if (!page) return [];
  return ['uri' in page ? `Page: ${page.uri}` : `Warning: the run's page could not be made: ${page.not_written}`];
}

/** Where the training is in MLflow, or why it isn't there yet. */
function trackingLine({ tracking }: ModelTrainingCompleted): string[] {
  if (!tracking) return [];
  return [
    tracking.status === 'written'
      ? `MLflow: ${tracking.uri}`
      : `Warning: the training waits to be written to MLflow: ${tracking.reason}; the next training writes it, or "perdure track".`,
  ];
}

const COLUMNS_OF: Record<SplitName, string> = {
  train: 'train columns',
  validation: 'validation columns',
  test: 'test columns',
  oot: 'OOT columns',
};

function verdictOnBest({ comparison, promotion, champion, challenger }: ModelTrainingCompleted): string {
  const { metric, estimate } = comparison;
  const [other] = estimate?.metric.split('.') ?? [];
  const chosen =
    other === undefined
      ? `chosen by ${metric}, so that what it says of the champion is too good`
      : `chosen by ${metric}; the ${COLUMNS_OF[other as SplitName]} had no part in the choice`;
  if (promotion.decision !== 'promote' && !isSameVersion(champion, challenger))
    return `The best was ${chosen}\nPromotion gate: ${promotion.reason}`;
  return [
    `* champion, ${chosen}`,
    ...(promotion.not_compared === null ? [] : [`Promotion gate: ${promotion.reason}`]),
  ].join('\n');
}

/** Features worth a look: the most shifted ones. */
const SHOWN_FEATURES = 5;

function driftTable(monitoring: ModelMonitoringCompleted): string[] {
  const rows = Object.entries(monitoring.psi)
    .sort(([, a], [, b]) => (b ?? 0) - (a ?? 0))
    .slice(0, SHOWN_FEATURES)
    .map(([feature, psi]) => [feature, psiText(psi), share(monitoring.missing_rate[feature])]);
  return [
    table(
      ['most shifted features', 'PSI', 'missing'],
      [...rows, ['the score itself', psiText(monitoring.score_psi), '']],
    ),
    ...arrivalTable(monitoring),
    ...distanceLine(monitoring),
    ...(monitoring.dataset_drifted ? ['Warning: more than half of the features have drifted'] : []),
    ...batchTable(monitoring.performance),
    ...estimateLine(monitoring.performance),
    ...conceptLine(monitoring.performance),
    `Report: ${monitoring.uri}`,
    ...pageLine(monitoring.page),
  ];
}

/** A PSI has no unit, so its first four decimals are all that matter. */
function psiText(psi: number | null): string {
  return psi === null ? '-' : psi.toFixed(4);
}

const DISTANCE_NAMES: Record<DriftDistance, string> = {
  psi: 'PSI',
  kolmogorov_smirnov: 'Kolmogorov-Smirnov',
  wasserstein: 'Wasserstein',
  jensen_shannon: 'Jensen-Shannon',
};

/** What is above its limit in `drift_warnings`: the largest excesses. */
function distanceLine({ performance, ...drift }: ModelMonitoringCompleted): string[] {
  const reason = drift.distances_not_measured;
  const unmeasured = reason === undefined ? [] : [`Not measured: ${reason}`];
  const warnings = [...(drift.warnings ?? []), ...(performance.labels?.warnings ?? [])];
  if (warnings.length === 0) return unmeasured;
  const told = warnings
    .toSorted((a, b) => b.value / b.limit - a.value / a.limit)
    .slice(0, SHOWN_FEATURES)
    .map(
      ({ feature, distance, value, limit }) =>
        `${feature} by ${DISTANCE_NAMES[distance]} ${score(value)} (limit ${limit})`,
    );
  const others = warnings.length - told.length;
  return [
    `Warning: far from the training rows: ${told.join(', ')}${others > 0 ? ` and ${countOf(others, 'more distance')}; the report has all` : ''}`,
    ...unmeasured,
  ];
}

/** How the model did from batch to batch, as it was estimated and as it was measured; one batch without an estimate is told by the verdict. */
function batchTable(performance: PerformanceResult): string[] {
  const { batches = [], estimate } = performance;
  const metric = performance.status === 'measured' ? performance.metric : estimate?.metric;
  if (metric === undefined || (batches.length < 2 && !estimate)) return [];
  const isEstimated = batches.some(({ estimated }) => estimated?.[metric]);
  const rows = batches
    .slice(-SHOWN_FEATURES)
    .map(({ from, to, rows, labelled, estimated, measured, breached }) => [
      from === to ? from : `${from} to ${to}`,
      count(rows),
      ...(isEstimated ? [withError(estimated?.[metric])] : []),
      count(labelled),
      withInterval(measured?.[metric]?.value ?? null, measured?.[metric]?.interval),
      breached === undefined ? '-' : breached ? 'dropped' : 'no drop',
    ]);
  const columns = [...(isEstimated ? [`${metric} estimated`] : []), 'labelled', `${metric} measured`];
  return [table(['scored rows of', 'rows', ...columns, 'against training'], rows)];
}

function withError(estimated: EstimatedMetric | undefined): string {
  if (!estimated) return '-';
  const { value, sampling_error } = estimated;
  return sampling_error === null ? score(value) : `${score(value)} (error ${score(sampling_error)})`;
}

/** A drop that is estimated, or why nothing is. */
function estimateLine({ estimate, estimate_not_measured: reason }: PerformanceResult): string[] {
  if (reason !== undefined) return [`Not estimated: ${reason}`];
  if (!estimate?.breached) return [];
  const { metric, value, baseline, rows } = estimate;
  return [
    `Warning: ${metric} of the newest ${countOf(rows, 'row')} is estimated at ${score(value)}, against ${score(baseline)} at training`,
  ];
}

function conceptLine({ concept_drift: concept }: PerformanceResult): string[] {
  const last = concept?.changes.at(-1);
  if (!last) return [];
  const { day, error_before, error_after } = last;
  const more = concept!.changes.length - 1;
  return [
    `Warning: the model's mean error changed by ${day}, from ${score(error_before)} to ${score(error_after)} (ADWIN)${more > 0 ? `, and ${countOf(more, 'time')} before that` : ''}`,
  ];
}

function arrivalTable({ arrivals }: ModelMonitoringCompleted): string[] {
  if (!arrivals || arrivals.length < 2) return [];
  const rows = arrivals.slice(-SHOWN_FEATURES).map(({ arrival, rows, drifted, score_drifted, missing }) => {
    const moved = [...(drifted ?? []), ...(score_drifted ? ['the score itself'] : [])];
    const parts = [
      ...(moved.length > 0 ? [`drift of ${moved.slice(0, 3).join(', ')}${moved.length > 3 ? ' and more' : ''}`] : []),
      ...((missing ?? []).length > 0 ? ['changed share of missing values'] : []),
    ];
    return [arrival, count(rows), drifted === null ? 'too few rows to tell' : parts.join('; ') || 'no drift'];
  });
  return [table(['arrival', 'rows', 'drift'], rows)];
}

function share(value: number | undefined): string {
  return value === undefined ? '-' : `${(value * 100).toFixed(1)}%`;
}
