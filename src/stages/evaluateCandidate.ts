import { estimatorOf } from '../config/load.js';
import { foldCount } from '../config/schema.js';
import type { CandidateScores, EvaluateCandidateInput } from '../contracts/index.js';
import { readDatasetMetadata } from '../data/dataset.js';
import { isPruned } from '../ml/medianPruner.js';
import { scoringOf } from '../registry/championMetric.js';
import type { Stage } from './context.js';
import { matrixFile } from './matrixFile.js';
import { searchRecord } from './searchRecord.js';

/** Folds that are finished, in the order asked for: where another attempt goes on. */
type FinishedFolds = Pick<CandidateScores, 'scores' | 'seconds'>;

/**
 * Fits and scores one candidate on some folds of the train split, as long as its limits leave it in the search; what
 * `selectCandidates` and `suggestCandidates` have to know lies in the store.
 */
export const evaluateCandidate: Stage<EvaluateCandidateInput, CandidateScores> = async (context, input) => {
  const { index, params } = input.candidate;
  const { limits = [] } = input;
  const finished = (context.checkpoint as FinishedFolds | undefined) ?? { scores: [], seconds: 0 };
  const tell = () => context.report({ what: 'folds', done: finished.scores.length, total: input.folds.length });
  tell();

  const pipeline = await context.pipeline(input.pipeline);
  const { datamart } = context.stores(pipeline);
  const { model_config } = pipeline.config;
  const record = searchRecord(datamart, input);
  const { task } = await readDatasetMetadata(datamart, input.dataset);
  const request = {
    train: await matrixFile(datamart, input.dataset, 'train'),
    task,
    ...estimatorOf(pipeline, input.algorithm),
    params,
    cvFolds: foldCount(pipeline.config),
    scorings: [scoringOf(pipeline.config, task)],
    seed: model_config.random_state,
  };
  const evaluate = (folds: number[]) =>
    context.engines.evaluate({ ...request, folds }, context.signal, async ({ scores: [scored], seconds }) => {
      await record.write(index, input.folds[finished.scores.length]!, { ...scored!, seconds });
      finished.scores.push(scored!.score);
      finished.seconds += seconds;
      context.saveCheckpoint(finished);
      tell();
    });
  // Up to the next fold after which it may have to leave, and from there on as long as it stays.
  for (
    let left = input.folds.slice(finished.scores.length);
    left.length > 0;
    left = input.folds.slice(finished.scores.length)
  ) {
    if (isPruned(finished.scores, limits)) return { index, ...finished, pruned: true };
    const next = limits.findIndex((limit, fold) => limit !== null && fold >= finished.scores.length);
    await evaluate(next === -1 ? left : left.slice(0, next + 1 - finished.scores.length));
  }
  return { index, ...finished };
};
