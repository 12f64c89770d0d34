import type { AlgorithmTrained, CandidateResult, CandidateScores, SearchPlan, Selection } from './training.js';

/** How a search ended: who won, what is known of everybody, and the counts. */
export interface SearchOutcome extends Pick<AlgorithmTrained, 'search'> {
  best: NonNullable<Selection['best']>;
  candidates: CandidateResult[];
}

/**
 * The book of a hyperparameter search: who races, who scored what, and who left why. The `trainAlgorithm` workflow and
 * the training without Temporal both evaluate candidates in their own way and write down here what came of it. It is
 * the one piece of logic in this folder: pure and deterministic, so a workflow may use it.
 */
export class Search {
  readonly candidates: CandidateResult[];
  private selection: Selection;
  private failed = 0;

  constructor(private readonly plan: SearchPlan) {
    this.candidates = plan.candidates.map((candidate) => ({ ...candidate, scores: [], seconds: 0 }));
    this.selection = { survivors: this.candidates.map(({ index }) => index), best: null };
  }

  /** The candidates of the next rung: with racing, who can't win any more is spared the folds to come. */
  racers(): CandidateResult[] {
    for (const candidate of this.candidates) {
      if (this.selection.survivors.includes(candidate.index)) continue;
      candidate.dropped ??= `It could not win any more once ${candidate.scores.length} of ${this.folds} folds were scored.`;
    }
    return this.candidates.filter(({ dropped }) => dropped === undefined);
  }

  score(candidate: CandidateResult, { scores, seconds }: Pick<CandidateScores, 'scores' | 'seconds'>): void {
    candidate.scores.push(...scores);
    candidate.seconds += seconds;
  }

  /** A candidate that fails leaves the search with its reason. */
  fail(candidate: CandidateResult, reason: string): void {
    candidate.dropped = reason;
    this.failed += 1;
  }

  /** Ends a rung. */
  select(selection: Selection): void {
    this.selection = selection;
  }

  /**
   * @param refuse makes the error to throw where every candidate failed, from the sentence that says so
   */
  outcome(algorithm: string, refuse: (sentence: string) => Error): SearchOutcome {
    const { candidates, failed } = this;
    const { best } = this.selection;
    if (!best) {
      const reason = candidates.find(({ dropped }) => dropped !== undefined)?.dropped ?? 'there was none to evaluate.';
      throw refuse(`Every candidate of ${algorithm} failed; the first one: ${reason}`);
    }
    const foldsEvaluated = candidates.reduce((folds, { scores }) => folds + scores.length, 0);
    return { best, candidates, search: { candidates: candidates.length, failed, foldsEvaluated, foldsPlanned: candidates.length * this.folds } };
  }

  private get folds(): number {
    return this.plan.rungs.flat().length;
  }
}
