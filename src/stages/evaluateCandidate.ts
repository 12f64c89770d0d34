import { algorithmConfig } from '../config/load.js';
import type { CandidateScores, EvaluateCandidateInput } from '../contracts/index.js';
import type { Stage } from './context.js';
import { matrixFile } from './matrixFile.js';

/** Fits and scores one candidate on some folds of the training window. */
export const evaluateCandidate: Stage<EvaluateCandidateInput, CandidateScores> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { model_config, search } = pipeline.config;
  const request = {
    train: await matrixFile(context.stores(pipeline).datamart, input.dataset, 'train'),
    estimator: algorithmConfig(pipeline.config, input.algorithm).estimator,
    params: input.candidate.params,
    folds: input.folds,
    cvFolds: model_config.cv_folds,
    scoring: search.scoring,
    seed: model_config.random_state,
  };
  const { scores, seconds } = await context.engines.evaluate(request, context.signal);
  return { index: input.candidate.index, scores, seconds };
};
