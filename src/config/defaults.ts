import { asksForNativeCategoricals } from '../ml/transforms/transforms.js';
import { ESTIMATOR_NAMES, estimatorKind, estimatorsFor, type Estimator } from '../ml/estimators/estimators.js';
import { isObject, OBJECTIVES, type TaskSpec } from '../contracts/index.js';
import { sha256 } from '../platform/storage/checksum.js';
import { toldTask, type PipelineDefinition } from './schema.js';

/** Settings of an algorithm that says nothing else. */
const ALGORITHM = { timeout_hours: 4, param_distributions: {}, params: {} };

/** S3 takes 63 characters: this leaves room for what is stored there. */
const LONGEST_BEGINNING = 63 - '-model-registry'.length;

/** How the names of a pipeline's buckets begin, each pipeline's in its own way. */
function bucketsOf(name: string): string {
  const bucket = name.toLowerCase().replace(/[^a-z0-9-]+/g, '-');
  if (bucket.length <= LONGEST_BEGINNING) return bucket;
  const mark = sha256(name).slice(0, 8);
  return `${bucket.slice(0, LONGEST_BEGINNING - mark.length - 1)}-${mark}`;
}

/**
 * The model config of a pipeline that has none: what `model_config.<environment>.json` says is laid over it. Algorithms
 * train with the parameters that their estimators have by default, without a search.
 */
export function defaultModelConfig({
  name,
  partition,
  ...predicted
}: Pick<PipelineDefinition, 'name' | 'partition' | 'labelSource' | 'task' | 'objective' | 'transforms'>): Record<
  string,
  unknown
> {
  const bucket = bucketsOf(name);
  const able = algorithmsFor(predicted);
  const categories = asksForNativeCategoricals(predicted.transforms ?? []);
  return {
    storage: {
      datamart_bucket: `${bucket}-datamart`,
      predictions_bucket: `${bucket}-predictions`,
      monitoring_bucket: `${bucket}-monitoring`,
    },
    model_config: { model_registry_bucket: `${bucket}-model-registry`, random_state: 42, n_iter_search: 1 },
    search: {},
    // Small tables have few rows to evaluate on, and a model is better than none; how many there were is told.
    promotion_gate: { min_samples: 10 },
    training_config: {
      algorithms: able.filter(
        (estimator) =>
          !estimatorKind(estimator).listedOnly && (!categories || estimatorKind(estimator).nativeCategoricals),
      ),
      // All of them; a config that lists fewer need not name the others here.
      enabled_algorithms: {},
      hyperparameter_tuning: false,
      feature_selection: true,
      class_weight: null,
      min_partitions: 1,
    },
    algorithms: Object.fromEntries(able.map((estimator) => [estimator, { estimator, ...ALGORITHM }])),
    inference_config: {
      batch_size: 100_000,
      prediction_threshold: 0.5,
      confidence_intervals: true,
      start_date: '0001-01-01',
    },
    monitoring_config: {
      drift_threshold_psi: 0.2,
      performance_threshold_drop: 0.05,
      missing_rate_threshold: 0.1,
      min_samples_for_metrics: 100,
      label_maturity_days: 0,
      ...((partition.column === undefined || partition.by === 'arrival') && { window_days: 36_525 }),
    },
  };
}

/** Every estimator that can do the task; where the labels are to say what that is, those that can do one that they may be of. */
function algorithmsFor(definition: Pick<PipelineDefinition, 'labelSource' | 'task' | 'objective'>): Estimator[] {
  const { objective = OBJECTIVES[0] } = definition;
  const task = toldTask(definition);
  const specs: TaskSpec[] = [
    { task: 'binary', classes: ['0', '1'] },
    { task: 'multiclass', classes: ['0', '1', '2'] },
    { task: 'regression', objective },
  ];
  const possible = specs.filter((spec) => task === undefined || spec.task === task).flatMap(estimatorsFor);
  return ESTIMATOR_NAMES.filter((estimator) => possible.includes(estimator));
}

/** A model config laid over the defaults; an algorithm of another name than theirs has the same as they have. */
export function laidOverDefaults(defaults: unknown, config: unknown): unknown {
  const algorithms = isObject(config) && isObject(config.algorithms) ? Object.keys(config.algorithms) : [];
  const unnamed = { algorithms: Object.fromEntries(algorithms.map((name) => [name, ALGORITHM])) };
  return laidOver(laidOver(unnamed, defaults), config);
}

/** Objects laid over others, property by property; anything else takes the place of what it is laid over. */
export function laidOver(base: unknown, over: unknown): unknown {
  if (!isObject(base) || !isObject(over)) return over === undefined ? base : over;
  const names = new Set([...Object.keys(base), ...Object.keys(over)]);
  return Object.fromEntries([...names].map((name) => [name, laidOver(base[name], over[name])]));
}
