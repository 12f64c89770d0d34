import { algorithmConfig } from '../config/load.js';
import type { AlgorithmConfig } from '../config/schema.js';
import type { AlgorithmInput, Candidate, Params, SearchPlan } from '../contracts/index.js';
import { readDatasetMetadata, type DatasetWindow } from '../data/dataset.js';
import { relativeCost } from '../engines/estimators.js';
import { sampleParameters, type ParamDistributions } from '../learning/parameterSampler.js';
import { raceRungs } from '../learning/racing.js';
import type { Stage } from './context.js';

/** The parameter that balances the classes, an estimator. */
const BALANCING: Record<AlgorithmConfig['estimator'], 'class_weight' | 'scale_pos_weight'> = {
  logistic_regression: 'class_weight',
  random_forest: 'class_weight',
  xgboost: 'scale_pos_weight',
};

/**
 * The candidates to evaluate, those that take longest first, and the folds in their order. With `hyperparameter_tuning` off there is one candidate;
 * with `class_weight: "balanced"` balancing is fixed instead of searched.
 */
export const planSearch: Stage<AlgorithmInput, SearchPlan> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { training_config, model_config, search } = pipeline.config;
  const algorithm = algorithmConfig(pipeline.config, input.algorithm);
  const { windows } = await readDatasetMetadata(context.stores(pipeline).datamart, input.dataset);

  const balancing: Params = training_config.class_weight === 'balanced' ? { [BALANCING[algorithm.estimator]]: 'balanced' } : {};
  const candidates = training_config.hyperparameter_tuning
    ? sampleParameters(without(algorithm.param_distributions, Object.keys(balancing)), model_config.n_iter_search, model_config.random_state)
    : [algorithm.params];
  const cost = ({ params }: Candidate) => relativeCost(algorithm.estimator, params);
  return {
    candidates: candidates
      .map((params, index) => ({ index, params: weighed({ ...params, ...balancing }, windows.train) }))
      // So that no worker is left alone with a long fit at the end.
      .sort((a, b) => cost(b) - cost(a)),
    rungs: raceRungs(model_config.cv_folds, search.racing),
  };
};

function without(distributions: ParamDistributions, names: string[]): ParamDistributions {
  return Object.fromEntries(Object.entries(distributions).filter(([name]) => !names.includes(name)));
}

/** Spells out a balanced `scale_pos_weight`, negatives / positives of the training window: what is recorded is what was fitted. */
function weighed(params: Params, { rows, positives }: DatasetWindow): Params {
  return params.scale_pos_weight === 'balanced' ? { ...params, scale_pos_weight: (rows - positives) / positives } : params;
}
