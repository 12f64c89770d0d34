import { ApplicationFailure, isCancellation } from '@temporalio/workflow';
import { Search, type AlgorithmInput, type SearchOutcome, type SearchPlan } from '../../src/contracts/index.js';
import { activities, type Fitting } from './activityProxies.js';
import { failureOf } from './failures.js';
import { inParallel } from './parallel.js';
import type { ProgressTracker } from './progress.js';
import { agreeing } from '../../src/contracts/counts.js';

/** Keeps a hundred engine processes busy, and stays far below the 2,000 pending activities that a server allows a run. */
const CANDIDATES_AT_ONCE = 100;

/**
 * Evaluates the plan's candidates, rung by rung. Each evaluation is an activity of its own, so what has finished is
 * never computed again, whatever happens to a worker. A candidate that fails leaves the search with its reason.
 * @throws ApplicationFailure `AllCandidatesFailed`
 */
export async function searchCandidates(
  input: AlgorithmInput,
  plan: SearchPlan,
  fitting: Fitting,
  progress: ProgressTracker,
): Promise<SearchOutcome> {
  const search = new Search(plan);
  for (const folds of plan.rungs) {
    const racers = search.racers();
    progress.count('candidates', racers.length);
    await inParallel(racers, CANDIDATES_AT_ONCE, async (candidate) => {
      try {
        const scored = await fitting.evaluateCandidate.executeWithOptions(
          { summary: summaryOf(candidate.index, folds) },
          [{ ...input, candidate, folds }],
        );
        progress.contend(candidate.params, search.score(candidate, scored));
      } catch (error) {
        if (isCancellation(error)) throw error;
        search.fail(candidate, failureOf(error).reason);
      }
      progress.advance();
    });
    search.select(await activities.selectCandidates({ ...input, ...search.scored(folds) }));
  }
  return search.outcome(input.algorithm, (sentence) =>
    ApplicationFailure.nonRetryable(sentence, 'AllCandidatesFailed'),
  );
}

function summaryOf(index: number, folds: number[]): string {
  return `Candidate ${index + 1}, ${agreeing(folds.length, 'fold', 'folds')} ${folds.map((fold) => fold + 1).join(', ')}`;
}
