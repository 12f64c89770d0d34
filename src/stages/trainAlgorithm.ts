import {
  algorithmTrained,
  Search,
  type AlgorithmInput,
  type AlgorithmTrained,
  type Failed,
  type Progress,
  type SearchOutcome,
  type SearchPlan,
} from '../contracts/index.js';
import { PerdureError, messageOf } from '../errors.js';
import type { Stage, StageContext } from './context.js';
import { evaluateCandidate } from './evaluateCandidate.js';
import { evaluateModel } from './evaluateModel.js';
import { planSearch } from './planSearch.js';
import { refit } from './refit.js';
import { registerModel } from './registerModel.js';
import { selectCandidates } from './selectCandidates.js';
import { suggestCandidates } from './suggestCandidates.js';

/** How the steps of a training are done, and who is told. */
export interface AlgorithmSteps {
  /** @param piece name of a piece of work that has a checkpoint of its own, as there are several of the stage */
  perform<Input, Output>(stage: Stage<Input, Output>, input: Input, piece?: string): Promise<Output>;
  signal: AbortSignal;
  /** A step began. */
  onStep: (step: string) => void;
  /** The step came further. */
  onProgress: (progress: Progress) => void;
}

/**
 * One algorithm from search to registry in one process: what the workflow of the same name does with an activity a
 * step. An unfinished version that a failed training leaves behind is for whoever asked for it to discard.
 */
export const trainAlgorithm: Stage<AlgorithmInput, AlgorithmTrained> = (context, input) => {
  const checkpoints: Checkpoints = { ...(context.checkpoint as Checkpoints | undefined) };
  return trainInSteps(input, {
    perform: (stage, stageInput, piece) =>
      stage(piece === undefined ? context : contextOf(piece, context, checkpoints), stageInput),
    signal: context.signal,
    onStep: () => {},
    onProgress: (progress) => context.report(progress),
  });
};

/** The checkpoint of each piece of work, by its name. */
type Checkpoints = Record<string, unknown>;

/** A context in which a piece of work has a checkpoint of its own. Its own steps are no news. */
function contextOf(piece: string, context: StageContext, checkpoints: Checkpoints): StageContext {
  const saveCheckpoint = (checkpoint: unknown) => {
    checkpoints[piece] = checkpoint;
    context.saveCheckpoint(checkpoints);
  };
  return { ...context, checkpoint: checkpoints[piece], saveCheckpoint, report: () => {} };
}

/**
 * Searches, fits, evaluates and registers.
 * @throws PerdureError `EngineFailed` where every candidate failed, `EngineMissing` where that is why each did, and what a step throws
 */
export async function trainInSteps(input: AlgorithmInput, steps: AlgorithmSteps): Promise<AlgorithmTrained> {
  const { algorithm } = input;
  steps.onStep(`${algorithm}: searching hyperparameters`);
  const plan = await steps.perform(planSearch, input);
  const { best, dropped, search } = await searchCandidates(input, plan, steps);

  steps.onStep(`${algorithm}: fitting the best candidate on the whole train split`);
  const model = await steps.perform(refit, { ...input, params: best.params });
  const performance = await steps.perform(evaluateModel, { ...input, model });
  const { cv_score, params: best_params } = best;
  const registered = await steps.perform(registerModel, {
    ...input,
    model,
    best_params,
    cv_score,
    plan,
    dropped,
    performance,
  });
  return algorithmTrained(registered, best, performance, search);
}

export function failureOf(error: unknown): Failed {
  return { status: 'failed', type: error instanceof Error ? error.name : 'Error', reason: messageOf(error) };
}

/** Evaluates candidates within this process. One that fails leaves the search with its reason. */
async function searchCandidates(
  input: AlgorithmInput,
  plan: SearchPlan,
  steps: AlgorithmSteps,
): Promise<SearchOutcome> {
  const search = new Search(plan);
  let [done, total] = [0, 0];
  await search.run({
    count(candidates) {
      [done, total] = [0, candidates];
    },
    async evaluate(candidates, asked) {
      const failed: number[] = [];
      // The engine pool takes as many at a time as it has hosts.
      const evaluations = candidates.map(async (candidate) => {
        try {
          search.score(
            candidate,
            await steps.perform(
              evaluateCandidate,
              { ...input, candidate, ...asked },
              JSON.stringify({ index: candidate.index, folds: asked.folds }),
            ),
          );
        } catch (error) {
          search.fail(candidate, failureOf(error));
          failed.push(candidate.index);
        }
        steps.onProgress({ what: 'candidates', done: ++done, total });
      });
      await Promise.all(evaluations);
      steps.signal.throwIfAborted();
      return failed;
    },
    select: (scored) => steps.perform(selectCandidates, { ...input, ...scored }),
    suggest: (asked) => steps.perform(suggestCandidates, { ...input, ...asked }),
  });
  return search.outcome(input.algorithm, (sentence, type) => new PerdureError(type ?? 'EngineFailed', sentence));
}
