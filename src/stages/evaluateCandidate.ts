import { algorithmConfig } from '../config/load.js';
import type { CandidateScores, EvaluateCandidateInput } from '../contracts/index.js';
import type { Stage } from './context.js';
import { matrixFile } from './matrixFile.js';

/** Folds that are finished, in the order asked for: where another attempt goes on. */
type FinishedFolds = Pick<CandidateScores, 'scores' | 'seconds'>;

/** Fits and scores one candidate on some folds of the training window. */
export const evaluateCandidate: Stage<EvaluateCandidateInput, CandidateScores> = async (context, input) => {
  const { index, params } = input.candidate;
  const finished = (context.cursor as FinishedFolds | undefined) ?? { scores: [], seconds: 0 };
  const tell = () => context.report({ what: 'folds', done: finished.scores.length, total: input.folds.length });
  tell();

  const pipeline = await context.pipeline(input.pipeline);
  const { model_config, search } = pipeline.config;
  const request = {
    train: await matrixFile(context.stores(pipeline).datamart, input.dataset, 'train'),
    estimator: algorithmConfig(pipeline.config, input.algorithm).estimator,
    params,
    folds: input.folds.slice(finished.scores.length),
    cvFolds: model_config.cv_folds,
    scoring: search.scoring,
    seed: model_config.random_state,
  };
  await context.engines.evaluate(request, context.signal, (score, seconds) => {
    finished.scores.push(score);
    finished.seconds += seconds;
    context.keep(finished);
    tell();
  });
  return { index, ...finished };
};
