import { PHASES } from '../contracts/index.js';
import type { Pipeline } from './load.js';
import { foldCount, isStudy, toldTask } from './schema.js';

/** A setting, or all that are within one, that changes nothing as the others stand. */
export interface IdleSetting {
  /** Names from the top of its file down, joined by points. */
  setting: string;
  /** The setting that it would need otherwise, in words that follow "as". */
  because: string;
}

/**
 * Every setting of a pipeline that has an effect only under another one, which is off. Whether a file says something of
 * it is another question: one that has its default misleads nobody.
 */
export function idleSettings({ definition, config }: Pick<Pipeline, 'definition' | 'config'>): IdleSetting[] {
  return [...ofSearch(config), ...ofAlgorithms(config), ...ofEvaluation(config), ...ofTask(definition), ...others()];

  function others(): IdleSetting[] {
    const { compute, schedules, steward, temporal_splits } = config;
    const here = PHASES.filter((phase) => compute[phase] !== 'ecs');
    const { split } = definition;
    return [
      ...(here.length === PHASES.length
        ? idle(['compute.ecs'], 'no phase of "compute" is "ecs"')
        : here.flatMap((phase) => idle([`compute.ecs.tasks.${phase}`], `"compute.${phase}" is not "ecs"`))),
      ...when(
        steward.retrain.schedule !== 'off' && !schedules.training,
        ['steward.retrain.schedule'],
        'there is no "schedules.training"',
      ),
      ...when(
        definition.partition.column === undefined,
        ['inference_config.start_date'],
        'rows have no days without "time" in pipeline.json',
      ),
      // Folds follow a split by group or time, whatever its windows are.
      ...when(
        temporal_splits !== undefined && (split?.by === 'random' || split?.by === 'column'),
        ['split'],
        '"temporal_splits" of the model config take its place',
      ),
    ];
  }
}

function ofSearch(config: Pipeline['config']): IdleSetting[] {
  const { search, model_config } = config;
  const tunes = config.training_config.hyperparameter_tuning;
  const off = tunes ? '"model_config.n_iter_search" is 1' : '"training_config.hyperparameter_tuning" is false';
  const names = (fields: (keyof typeof search)[]) => fields.map((field) => `search.${field}`);
  const searches = tunes && model_config.n_iter_search > 1;
  const scored = foldCount(config, searches ? model_config.n_iter_search : 1) > 0;
  if (!searches)
    return [
      ...when(!tunes, ['model_config.n_iter_search'], off),
      ...when(!scored, names(['scoring']), off),
      ...idle(
        names(['racing', 'sampler', 'n_startup_trials', 'batch_size', 'pruner', 'n_warmup_steps', 'early_stopping']),
        off,
      ),
    ];
  return [
    ...when(
      !isStudy(search),
      names(['n_startup_trials', 'batch_size']),
      'the search has neither "sampler": "tpe" nor "pruner": "median" nor "early_stopping"',
    ),
    ...when(search.pruner === 'none', names(['n_warmup_steps']), '"search.pruner" is "none"'),
  ];
}

function ofAlgorithms({ algorithms, training_config }: Pipeline['config']): IdleSetting[] {
  const { hyperparameter_tuning: tunes } = training_config;
  return Object.entries(algorithms).flatMap(([name, { params, param_distributions }]) => {
    const own = `algorithms.${name}`;
    if (!training_config.algorithms.includes(name))
      return idle([own], `"training_config.algorithms" does not list "${name}"`);
    if (!tunes) return idle([`${own}.param_distributions`], '"training_config.hyperparameter_tuning" is false');
    // What is searched is said there: a config that has both forms may be switched from one to the other.
    const fixed = Object.keys(params).filter((parameter) => !Object.hasOwn(param_distributions, parameter));
    return when(
      fixed.length > 0,
      [`${own}.params`],
      `"training_config.hyperparameter_tuning" is true and "param_distributions" says nothing of ${fixed.join(', ')}`,
    );
  });
}

function ofEvaluation({ evaluation }: Pipeline['config']): IdleSetting[] {
  return [
    ...when(
      evaluation.threshold !== undefined,
      ['inference_config.prediction_threshold'],
      '"evaluation.threshold" chooses it for each version',
    ),
    ...when(evaluation.slices.length === 0, ['evaluation.min_slice_rows'], '"evaluation.slices" names no column'),
    ...when(
      evaluation.permutation_importance.n_repeats === 0,
      ['evaluation.permutation_importance.max_rows'],
      '"evaluation.permutation_importance.n_repeats" is 0',
    ),
  ];
}

/** Of a task that `pipeline.json` says: where the labels are to say it, nobody knows yet. */
function ofTask(definition: Pipeline['definition']): IdleSetting[] {
  const task = toldTask(definition);
  if (task === undefined || task === 'binary') return [];
  return idle(
    [
      'inference_config.prediction_threshold',
      'promotion_gate.max_auc_loss',
      ...(task === 'regression'
        ? ['evaluation.calibration', 'training_config.class_weight', 'inference_config.confidence_intervals']
        : []),
    ],
    `the task is ${task}`,
  );
}

function when(holds: boolean, settings: string[], because: string): IdleSetting[] {
  return holds ? idle(settings, because) : [];
}

function idle(settings: string[], because: string): IdleSetting[] {
  return settings.map((setting) => ({ setting, because }));
}
