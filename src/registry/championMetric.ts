import type { Pipeline } from '../config/load.js';
import type { ModelConfig } from '../config/schema.js';
import { metricsOf, type MetricName, type ScoringName, type SplitName, type TaskSpec } from '../contracts/index.js';
import { trainingSplit } from '../data/trainingSplit.js';
import { PerdureError } from '../errors.js';
import { taskOf } from '../ml/tasks/task.js';

/**
 * The split and the metric that choose the champion: those of `champion_metric`, else the task's on the validation rows, or on the last split.
 * @throws PerdureError `ConfigInvalid` for a metric that the task doesn't have
 */
export function championMetric(pipeline: Pipeline, task: TaskSpec): { split: SplitName; metric: MetricName } {
  const named = pipeline.config.model_config.champion_metric;
  if (named === undefined) return { split: choosingSplit(trainingSplit(pipeline).names), metric: defaultMetric(task) };
  const [split, metric] = named.split('.') as [SplitName, MetricName];
  return { split, metric: checked(task, metric, 'model_config.champion_metric') };
}

/**
 * Holds what the config says of splits to those that there are, before anything is trained.
 * @throws PerdureError `ConfigInvalid` where the champion is to be chosen on a split that isn't there
 */
export function checkChampionSplit(pipeline: Pipeline): void {
  const [named] = pipeline.config.model_config.champion_metric?.split('.') ?? [];
  const { names } = trainingSplit(pipeline);
  if (named === undefined || names.some((name) => name === named)) return;
  throw new PerdureError(
    'ConfigInvalid',
    `model_config.champion_metric chooses on the split ${named}, and there is none (there are ${names.join(', ')}); name another, or give ${named} its share or its days in the split.`,
  );
}

/**
 * Holds every setting that names a metric to those of the task, once that is known, and before anything is trained.
 * @throws PerdureError `ConfigInvalid`
 */
export function checkMetrics(pipeline: Pipeline, task: TaskSpec): void {
  championMetric(pipeline, task);
  watchedMetric(pipeline, task);
  const { promotion_gate: gate, retraining } = pipeline.config;
  const limits = { promotion_gate: gate, 'promotion_gate.slices': gate.slices, retraining };
  for (const [setting, set] of Object.entries(limits))
    for (const side of ['minimums', 'maximums'] as const)
      for (const metric of Object.keys(set?.[side] ?? {}) as MetricName[]) checked(task, metric, `${setting}.${side}`);
}

/** Rows that choose tell too good of what they chose: where there are others, those stay untouched. */
function choosingSplit(names: SplitName[]): SplitName {
  return names.includes('validation') ? 'validation' : names.at(-1)!;
}

/** The metric that monitoring watches: `performance_metric`, else the one that chooses the champion. */
export function watchedMetric(pipeline: Pipeline, task: TaskSpec): MetricName {
  const named = pipeline.config.monitoring_config.performance_metric;
  return named === undefined
    ? championMetric(pipeline, task).metric
    : checked(task, named, 'monitoring_config.performance_metric');
}

/** The split whose scores monitoring compares with: as near to what the model will meet as its choice allows. */
export function baselineSplit(splits: Partial<Record<SplitName, unknown>>): SplitName {
  return splits.test ? 'test' : splits.oot ? 'oot' : splits.validation ? 'validation' : 'train';
}

function defaultMetric(task: TaskSpec): MetricName {
  switch (task.task) {
    case 'binary':
      return 'roc_auc';
    case 'multiclass':
      return 'log_loss';
    case 'regression':
      return ({ squared_error: 'rmse', absolute_error: 'mae', poisson: 'mean_poisson_deviance' } as const)[
        task.objective
      ];
  }
}

function checked({ task }: TaskSpec, metric: MetricName, setting: string): MetricName {
  const known = metricsOf(task);
  if (known.includes(metric)) return metric;
  throw new PerdureError(
    'ConfigInvalid',
    `${setting} names ${metric}, which a ${task} task doesn't have; name one of ${known.join(', ')}.`,
  );
}

/**
 * What a search maximises: `search.scoring`, else the task's.
 * @throws PerdureError `ConfigInvalid` for a scoring that the task doesn't have
 */
export function scoringOf({ search }: { search: Pick<ModelConfig['search'], 'scoring'> }, task: TaskSpec): ScoringName {
  const { scorings, defaultScoring } = taskOf(task);
  if (search.scoring === undefined || scorings.includes(search.scoring)) return search.scoring ?? defaultScoring;
  throw new PerdureError(
    'ConfigInvalid',
    `search.scoring names ${search.scoring}, which a ${task.task} task doesn't have; name one of ${scorings.join(', ')}.`,
  );
}
