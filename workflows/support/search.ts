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
 * Evaluates candidates, each evaluation an activity of its own, so that what has finished is never computed again, whatever
 * happens to a worker. A candidate that fails leaves the search with its reason.
 * @throws ApplicationFailure `AllCandidatesFailed`; `EngineMissing` where that is why each did
 */
export async function searchCandidates(
  input: AlgorithmInput,
  plan: SearchPlan,
  fitting: Fitting,
  progress: ProgressTracker,
): Promise<SearchOutcome> {
  const search = new Search(plan);
  await search.run({
    count: (candidates) => progress.count('candidates', candidates),
    async evaluate(candidates, asked) {
      const failed: number[] = [];
      await inParallel(candidates, CANDIDATES_AT_ONCE, async (candidate) => {
        try {
          const scored = await fitting.evaluateCandidate.executeWithOptions(
            { summary: summaryOf(candidate.index, asked.folds) },
            [{ ...input, candidate, ...asked }],
          );
          const score = search.score(candidate, scored);
          if (!scored.pruned) progress.contend(candidate.params, score);
        } catch (error) {
          if (isCancellation(error)) throw error;
          search.fail(candidate, failureOf(error));
          failed.push(candidate.index);
        }
        progress.advance();
      });
      return failed;
    },
    select: (scored) => activities.selectCandidates({ ...input, ...scored }),
    suggest: (asked) => fitting.suggestCandidates({ ...input, ...asked }),
  });
  return search.outcome(input.algorithm, (sentence, type) =>
    ApplicationFailure.nonRetryable(sentence, type ?? 'AllCandidatesFailed'),
  );
}

function summaryOf(index: number, folds: number[]): string {
  return `Candidate ${index + 1}, ${agreeing(folds.length, 'fold', 'folds')} ${folds.map((fold) => fold + 1).join(', ')}`;
}
