import { ApplicationFailure, isCancellation } from '@temporalio/workflow';
import type { AlgorithmInput, AlgorithmTrained, CandidateResult, SearchPlan, Selection } from '../../src/contracts/index.js';
import { quick, type Fitting } from './activities.js';
import { failureOf } from './failures.js';
import { inParallel } from './parallel.js';
import type { ProgressTracker } from './progress.js';

/** Keeps a hundred engine processes busy, and stays far below the 2,000 pending activities that a server allows a run. */
const CANDIDATES_AT_ONCE = 100;

export interface SearchOutcome {
  best: NonNullable<Selection['best']>;
  candidates: CandidateResult[];
  search: AlgorithmTrained['search'];
}

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
  const candidates: CandidateResult[] = plan.candidates.map((candidate) => ({ ...candidate, scores: [], seconds: 0 }));
  let selection: Selection = { survivors: candidates.map(({ index }) => index), best: null };
  const allFolds = plan.rungs.flat().length;
  let failed = 0;

  for (const folds of plan.rungs) {
    leaveOut(candidates, selection, allFolds);
    const racers = candidates.filter(({ dropped }) => dropped === undefined);
    progress.count('candidates', racers.length);
    await inParallel(racers, CANDIDATES_AT_ONCE, async (candidate) => {
      try {
        const { index, params } = candidate;
        const { scores, seconds } = await fitting.evaluateCandidate.executeWithOptions({ summary: summaryOf(index, folds) }, [
          { ...input, candidate: { index, params }, folds },
        ]);
        candidate.scores.push(...scores);
        candidate.seconds += seconds;
        progress.contend(params, mean(candidate.scores));
      } catch (error) {
        if (isCancellation(error)) throw error;
        candidate.dropped = failureOf(error).reason;
        failed += 1;
      }
      progress.advance();
    });
    selection = await quick.selectCandidates({ ...input, results: candidates });
  }

  if (!selection.best) throw allFailed(input, candidates);
  return {
    best: selection.best,
    candidates,
    search: {
      candidates: candidates.length,
      failed,
      foldsEvaluated: candidates.reduce((folds, { scores }) => folds + scores.length, 0),
      foldsPlanned: candidates.length * allFolds,
    },
  };
}

/** Racing: who can't win any more is spared the folds to come. */
function leaveOut(candidates: CandidateResult[], { survivors }: Selection, allFolds: number): void {
  for (const candidate of candidates) {
    if (survivors.includes(candidate.index)) continue;
    candidate.dropped ??= `It could not win any more once ${candidate.scores.length} of ${allFolds} folds were scored.`;
  }
}

function allFailed({ algorithm }: AlgorithmInput, candidates: CandidateResult[]): ApplicationFailure {
  const reason = candidates.find(({ dropped }) => dropped !== undefined)?.dropped ?? 'there was none to evaluate.';
  return ApplicationFailure.nonRetryable(`Every candidate of ${algorithm} failed; the first one: ${reason}`, 'AllCandidatesFailed');
}

function summaryOf(index: number, folds: number[]): string {
  return `Candidate ${index + 1}, fold${folds.length === 1 ? '' : 's'} ${folds.map((fold) => fold + 1).join(', ')}`;
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
