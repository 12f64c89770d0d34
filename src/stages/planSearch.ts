import { algorithmConfig } from '../config/load.js';
import { foldCount, isStudy } from '../config/schema.js';
import { plannedParams, type AlgorithmInput, type SearchPlan } from '../contracts/index.js';
import { readDatasetMetadata } from '../data/dataset.js';
import { relativeCost } from '../ml/estimators/estimators.js';
import { sampleCells } from '../ml/parameterSampler.js';
import { raceRungs } from '../ml/racing.js';
import { candidatesIn, gridOf, randomCandidates, type SearchSpace } from '../ml/searchSpace.js';
import type { Stage } from './context.js';
import { searchSpaceOf } from './searchSettings.js';

/**
 * The candidates to evaluate, those that take longest first, and the folds in their order; of a study, whose candidates
 * depend on what others scored, the folds alone. With `hyperparameter_tuning` off there is one candidate;
 * with `class_weight: "balanced"` balancing is fixed instead of searched.
 */
export const planSearch: Stage<AlgorithmInput, SearchPlan> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { model_config, search } = pipeline.config;
  const { estimator } = algorithmConfig(pipeline.config, input.algorithm);
  const dataset = await readDatasetMetadata(context.stores(pipeline).datamart, input.dataset);
  const space = searchSpaceOf(pipeline, input.algorithm, dataset);
  const trials = candidatesIn(space, model_config.n_iter_search);
  if (trials > 1 && isStudy(search)) {
    return {
      grid: {},
      cells: [],
      order: [],
      rungs: raceRungs(foldCount(pipeline.config), false, trials),
      study: { trials },
    };
  }

  const planned = plannedCandidates(space, trials, model_config.random_state);
  const candidates = planned.cells.map((_, index) => plannedParams(planned, index));
  const costs = candidates.map((params) => relativeCost(estimator, params));
  return {
    ...planned,
    // So that no worker is left alone with a long fit at the end.
    order: candidates.map((_, index) => index).sort((a, b) => costs[b]! - costs[a]!),
    rungs: raceRungs(foldCount(pipeline.config, trials), search.racing, trials),
  };
};

/** Candidates drawn at random, as small as they can be told: cells of a grid, or where there are ranges the values themselves. */
function plannedCandidates(
  space: SearchSpace,
  count: number,
  seed: number,
): Pick<SearchPlan, 'grid' | 'cells' | 'drawn'> {
  const grid = gridOf(space);
  if (grid) return { grid, cells: sampleCells(grid, count, seed) };
  const candidates = randomCandidates(space, count, seed);
  return {
    grid: Object.fromEntries(
      Object.keys(candidates[0]!).map((name) => [name, candidates.map((params) => params[name]!)]),
    ),
    cells: candidates.map((_, index) => index),
    drawn: true,
  };
}
