import type { Failed } from './common.js';
import {
  ENGINE_MISSING,
  type AlgorithmTrained,
  type Candidate,
  type CandidateScores,
  type Dropped,
  type EvaluateCandidateInput,
  type ParameterGrid,
  type Params,
  type SearchPlan,
  type Selection,
  type Suggestion,
} from './training.js';
import { shareOf } from './counts.js';

/**
 * The most evaluations that one search may ask for, a candidate on the folds of a rung each. Temporal ends a workflow
 * whose history passes 51,200 events; an activity makes three, and three more where a workflow task follows it alone:
 * 48,000 are left for these. A search of more candidates is refused with the config, and one of many has fewer rungs.
 */
export const MAX_EVALUATIONS = 8_000;

/** Reasons that a search tells, so that what it says of thousands of failed candidates stays small; and characters of each. */
const MAX_REASONS = 100;
const MAX_REASON_LENGTH = 500;

/** How a search ended: who won, who left why, and the counts. */
export interface SearchOutcome extends Pick<AlgorithmTrained, 'search'> {
  best: { index: number; params: Params; cv_score: number | null };
  dropped: Dropped[];
}

/** A candidate at work: how many folds it has, and why it left. */
interface Racer extends Candidate {
  scores: number[];
  dropped?: string;
  /** What trains it is not on the worker. */
  missing?: boolean;
}

/** Who does the work of a search: activities in a workflow, stages where there is none. */
export interface SearchSteps {
  /** So many candidates are to be evaluated before this is told again. */
  count(candidates: number): void;
  /** Has candidates scored, and written down by {@link Search.score} or {@link Search.fail}. @returns indexes of those that failed */
  evaluate(candidates: Candidate[], asked: Pick<EvaluateCandidateInput, 'folds' | 'limits'>): Promise<number[]>;
  /** Who of a race goes on. */
  select(scored: ReturnType<Search['scored']>): Promise<Selection>;
  /** The next round of a study, and what of the one before it failed. */
  suggest(asked: { round: number; failed: number[] }): Promise<Suggestion>;
}

/**
 * The book of a hyperparameter search: who races, who scored how many folds, and who left why. The `trainAlgorithm`
 * workflow and the training without Temporal both evaluate candidates in their own way, in the one order of {@link run},
 * and write down here what came of it. With {@link gridCell} it is the one piece of logic in this folder: pure and
 * deterministic, so a workflow may use it.
 */
export class Search {
  private readonly all: Map<number, Racer>;
  private selection: Selection;
  private failed = 0;
  private stopped: string | undefined;
  private readonly folds: number[] = [];

  constructor(private readonly plan: SearchPlan) {
    this.all = new Map(plan.order.map((index) => [index, { index, params: plannedParams(plan, index), scores: [] }]));
    this.selection = { survivors: plan.order, score: null };
  }

  /** Evaluates the plan's candidates rung by rung, or those of a study round by round, until the best is known. */
  async run(steps: SearchSteps): Promise<void> {
    if (this.plan.study) return this.study(steps, this.plan.study.trials);
    for (const folds of this.plan.rungs) {
      const racers = this.racers();
      steps.count(racers.length);
      await steps.evaluate(racers, { folds });
      this.select(await steps.select(this.scored(folds)));
    }
  }

  private async study(steps: SearchSteps, trials: number): Promise<void> {
    steps.count(trials);
    let failed: number[] = [];
    for (let round = 0; ; round++) {
      const { candidates, limits, best, stopped } = await steps.suggest({ round, failed });
      if (candidates.length === 0) {
        this.selection = best ? { survivors: [best.index], score: best.score } : { survivors: [], score: null };
        this.stopped = stopped;
        return;
      }
      for (const candidate of candidates) this.all.set(candidate.index, { ...candidate, scores: [] });
      failed = await steps.evaluate(candidates, { folds: this.plan.rungs.flat(), limits });
    }
  }

  /** The candidates of the next rung: with racing, who can't win any more is spared the folds to come. */
  racers(): Candidate[] {
    const survivors = new Set(this.selection.survivors);
    for (const racer of this.all.values()) {
      if (!survivors.has(racer.index))
        racer.dropped ??= `It could not win any more once ${shareOf(racer.scores.length, this.cvFolds, 'folds')} were scored.`;
    }
    return this.racing().map(({ index, params }) => ({ index, params }));
  }

  /** @returns its mean score so far */
  score({ index }: Candidate, { scores, pruned }: Pick<CandidateScores, 'scores' | 'pruned'>): number {
    const racer = this.all.get(index)!;
    racer.scores.push(...scores);
    if (pruned)
      racer.dropped = `It was pruned once ${shareOf(racer.scores.length, this.cvFolds, 'folds')} were scored: its mean was below the median of the candidates before it.`;
    return racer.scores.reduce((sum, score) => sum + score, 0) / racer.scores.length;
  }

  /** A candidate that fails leaves the search with its reason. */
  fail({ index }: Candidate, { type, reason }: Pick<Failed, 'type' | 'reason'>): void {
    const racer = this.all.get(index)!;
    racer.dropped = reason;
    racer.missing = type === ENGINE_MISSING;
    this.failed += 1;
  }

  /** Ends a rung: what its selection is asked. */
  scored(rung: number[]): { candidates: number[]; folds: number[]; cvFolds: number } {
    this.folds.push(...rung);
    return { candidates: this.racing().map(({ index }) => index), folds: [...this.folds], cvFolds: this.cvFolds };
  }

  /** What its selection answered. */
  select(selection: Selection): void {
    this.selection = selection;
  }

  /**
   * @param refuse makes the error to throw where every candidate failed, from the sentence that says so; its type where
   * each failed as what trains it is not there
   */
  outcome(algorithm: string, refuse: (sentence: string, type?: typeof ENGINE_MISSING) => Error): SearchOutcome {
    const racers = [...this.all.values()];
    const { survivors, score } = this.selection;
    const [index] = survivors;
    if (index === undefined || (score === null && this.cvFolds > 0)) {
      const reason = racers.find(({ dropped }) => dropped !== undefined)?.dropped ?? 'there was none to evaluate.';
      if (racers.length > 0 && racers.every(({ missing }) => missing)) throw refuse(reason, ENGINE_MISSING);
      throw refuse(`Every candidate of ${algorithm} failed; the first one: ${reason}`);
    }
    const foldsEvaluated = racers.reduce((folds, { scores }) => folds + scores.length, 0);
    return {
      best: { index, params: this.all.get(index)!.params, cv_score: score },
      dropped: byReason(racers),
      search: {
        candidates: racers.length,
        failed: this.failed,
        foldsEvaluated,
        foldsPlanned: (this.plan.study?.trials ?? racers.length) * this.cvFolds,
        ...(this.stopped !== undefined && { stopped: this.stopped }),
      },
    };
  }

  private racing(): Racer[] {
    return [...this.all.values()].filter(({ dropped }) => dropped === undefined);
  }

  private get cvFolds(): number {
    return this.plan.rungs.flat().length;
  }
}

/** The parameters of a candidate that the plan has. */
export function plannedParams(
  { grid, cells, drawn }: Pick<SearchPlan, 'grid' | 'cells' | 'drawn'>,
  index: number,
): Params {
  if (!drawn) return gridCell(grid, cells[index]!);
  return Object.fromEntries(Object.entries(grid).map(([name, values]) => [name, values[index]!]));
}

/** A cell of a grid by its position: names in alphabetical order, of which the last cycles fastest, as scikit-learn's `ParameterGrid` has them. */
export function gridCell(grid: ParameterGrid, position: number): Params {
  const names = Object.keys(grid).sort();
  const values = new Map<string, Params[string]>();
  let rest = position;
  for (const name of [...names].reverse()) {
    const choices = grid[name]!;
    values.set(name, choices[rest % choices.length]!);
    rest = Math.floor(rest / choices.length);
  }
  return Object.fromEntries(names.map((name) => [name, values.get(name)!]));
}

/** Those that left, a group for each reason and number of folds. Beyond the most reasons they share one that says so. */
function byReason(racers: Racer[]): Dropped[] {
  const groups = new Map<string, Dropped>();
  for (const { index, scores, dropped } of racers) {
    if (dropped === undefined) continue;
    const told = dropped.length > MAX_REASON_LENGTH ? `${dropped.slice(0, MAX_REASON_LENGTH)} ...` : dropped;
    const known = groups.size < MAX_REASONS || groups.has(JSON.stringify([told, scores.length]));
    const reason = known ? told : 'It left for a reason of its own, of which the first hundred are told.';
    const key = JSON.stringify([reason, scores.length]);
    const group = groups.get(key) ?? { reason, folds: scores.length, candidates: [] };
    group.candidates.push(index);
    groups.set(key, group);
  }
  return [...groups.values()];
}
