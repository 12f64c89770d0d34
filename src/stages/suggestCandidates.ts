import { foldCount } from '../config/schema.js';
import type { SuggestCandidatesInput, Suggestion } from '../contracts/index.js';
import { readDatasetMetadata } from '../data/dataset.js';
import { isPruned, pruningLimits } from '../ml/medianPruner.js';
import { bestOf, nextCandidates, reasonToStop, type Ended } from '../ml/study.js';
import type { Stage } from './context.js';
import { searchRecord } from './searchRecord.js';
import { searchSpaceOf } from './searchSettings.js';
import { studyRecord, type RoundRecord } from './studyRecord.js';

/**
 * The next candidates of a study, by what all before them scored: at random for a start, then as the sampler has it, a batch
 * at a time. Nothing but the round, the seed and what is stored has a part in it, so that workers that are faster change nothing.
 */
export const suggestCandidates: Stage<SuggestCandidatesInput, Suggestion> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { datamart } = context.stores(pipeline);
  const { search, model_config } = pipeline.config;
  const rounds = studyRecord(datamart, input);
  const decided = await rounds.read(input.round);
  if (decided) return suggestionOf(decided);

  const before = (await rounds.readAll()).slice(0, input.round);
  const ended: RoundRecord['ended'] = [];
  const record = searchRecord(datamart, input);
  const folds = foldCount(pipeline.config);
  const last = before.at(-1);
  for (const { index } of last?.candidates ?? []) {
    if (input.failed.includes(index)) ended.push({ index, state: 'failed', scores: [] });
    else ended.push({ index, ...(await scoresOf(record, index, folds, last!.limits)) });
  }

  const params = new Map(before.flatMap(({ candidates }) => candidates).map((one) => [one.index, one.params]));
  const all: Ended[] = [...before.flatMap((round) => round.ended), ...ended].map((one) => ({
    ...one,
    params: params.get(one.index)!,
  }));
  const dataset = await readDatasetMetadata(datamart, input.dataset);
  const space = searchSpaceOf(pipeline, input.algorithm, dataset);
  const stopped = search.early_stopping && reasonToStop(all, search.early_stopping, search.n_startup_trials);
  const round: RoundRecord = {
    ended,
    candidates:
      stopped === undefined
        ? nextCandidates(space, all, {
            ...search,
            trials: model_config.n_iter_search,
            seed: model_config.random_state,
          })
        : [],
    limits:
      search.pruner === 'median'
        ? pruningLimits(
            all.filter(({ state }) => state === 'complete').map(({ scores }) => scores),
            folds,
            { startupTrials: search.n_startup_trials, warmupSteps: search.n_warmup_steps },
          )
        : Array.from({ length: folds }, () => null),
    best: bestOf(all),
    ...(stopped !== undefined && { stopped }),
  };
  await rounds.write(input.round, round);
  return suggestionOf(round);
};

function suggestionOf({ ended: _, ...suggestion }: RoundRecord): Suggestion {
  return suggestion;
}

/** Scores up to the last fold, or to that after which the limits had the candidate leave. */
async function scoresOf(
  record: ReturnType<typeof searchRecord>,
  index: number,
  folds: number,
  limits: (number | null)[],
): Promise<Pick<Ended, 'state' | 'scores'>> {
  const scores: number[] = [];
  while (scores.length < folds) {
    if (isPruned(scores, limits)) return { state: 'pruned', scores };
    const [[scored] = []] = await record.readAll([{ index, folds: [scores.length] }]);
    scores.push(scored!.score);
  }
  return { state: 'complete', scores };
}
