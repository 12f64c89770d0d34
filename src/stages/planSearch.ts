import { algorithmConfig } from '../config/load.js';
import { foldCount } from '../config/schema.js';
import { gridCell, type AlgorithmInput, type ParameterGrid, type Params, type SearchPlan } from '../contracts/index.js';
import { readDatasetMetadata, splitOfDataset, type DatasetSplit } from '../data/dataset.js';
import { estimatorKind, relativeCost } from '../ml/estimators/estimators.js';
import { sampleCells } from '../ml/parameterSampler.js';
import { raceRungs } from '../ml/racing.js';
import type { Stage } from './context.js';

/**
 * The candidates to evaluate, those that take longest first, and the folds in their order. With `hyperparameter_tuning` off there is one candidate;
 * with `class_weight: "balanced"` balancing is fixed instead of searched.
 */
export const planSearch: Stage<AlgorithmInput, SearchPlan> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { training_config, model_config, search } = pipeline.config;
  const { estimator, param_distributions, params } = algorithmConfig(pipeline.config, input.algorithm);
  const dataset = await readDatasetMetadata(context.stores(pipeline).datamart, input.dataset);

  const searched = training_config.hyperparameter_tuning ? param_distributions : alone(params);
  // One value more or less of a parameter with one value doesn't change which cells are drawn.
  const balancer = estimatorKind(estimator).balancing(dataset.task.task);
  const balancing = training_config.class_weight === 'balanced' && balancer ? { [balancer]: ['balanced'] } : {};
  const grid = withBalance({ ...searched, ...balancing }, splitOfDataset(dataset, 'train'));
  const cells = sampleCells(grid, model_config.n_iter_search, model_config.random_state);
  const costs = cells.map((cell) => relativeCost(estimator, gridCell(grid, cell)));
  return {
    grid,
    cells,
    // So that no worker is left alone with a long fit at the end.
    order: cells.map((_, index) => index).sort((a, b) => costs[b]! - costs[a]!),
    rungs: raceRungs(foldCount(pipeline.config, cells.length), search.racing, cells.length),
  };
};

/** The grid of one cell. */
function alone(params: Params): ParameterGrid {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, [value]]));
}

/** Spells out a balanced `scale_pos_weight`, negatives / positives of the training rows: what is recorded is what was fitted. */
function withBalance(
  grid: ParameterGrid,
  { classes: [negatives = 0, positives = 0] = [] }: DatasetSplit,
): ParameterGrid {
  const weights = grid.scale_pos_weight?.map((weight) => (weight === 'balanced' ? negatives / positives : weight));
  return weights ? { ...grid, scale_pos_weight: weights } : grid;
}
