import type { Candidate, Params, Suggestion } from '../contracts/index.js';
import { countOf } from '../contracts/counts.js';
import { Mt19937 } from './mt19937.js';
import { gridCells } from './parameterSampler.js';
import { candidatesIn, gridOf, randomCandidates, type SearchSpace } from './searchSpace.js';
import { suggest, type Trial } from './tpe.js';
import { mean } from './transforms/statistics.js';

/** A candidate of a study that ended, with its scores by fold, higher is better. */
export interface Ended {
  index: number;
  params: Params;
  state: 'complete' | 'pruned' | 'failed';
  scores: number[];
}

/** How a study finds its candidates. */
export interface StudySettings {
  sampler: 'random' | 'tpe';
  /** Candidates, at most. */
  trials: number;
  n_startup_trials: number;
  batch_size: number;
  /** `random_state`, 0 to 2^32 - 1 */
  seed: number;
}

/**
 * The candidates that come after those that ended; none where there were enough. Those that are drawn at random to begin
 * with come at once, as they depend on nothing; then the sampler decides a batch at a time.
 */
export function nextCandidates(
  space: SearchSpace,
  ended: Ended[],
  { sampler, trials, n_startup_trials, batch_size, seed }: StudySettings,
): Candidate[] {
  const all = candidatesIn(space, trials);
  // A grid that is tried whole needs no model of it.
  const grid = gridOf(space);
  const whole = grid !== undefined && gridCells(grid) <= trials;
  const atRandom = sampler === 'random' || whole ? all : Math.min(all, n_startup_trials);
  const start = ended.length;
  const first = randomCandidates(space, atRandom, seed);
  if (start < atRandom) {
    const end = start === 0 ? Math.min(n_startup_trials, atRandom) : start + batch_size;
    return first.slice(start, end).map((params, i) => ({ index: start + i, params }));
  }

  const known = ended.flatMap(trialOf);
  const candidates: Candidate[] = [];
  for (let index = start; index < Math.min(all, start + batch_size); index++) {
    const running = candidates.map((candidate): Trial => ({ ...candidate, state: 'running' }));
    candidates.push({ index, params: suggest(space, [...known, ...running], new Mt19937(seedOf(seed, index))) });
  }
  return candidates;
}

/** What the sampler knows of a candidate; nothing of one that failed. */
function trialOf({ index, params, state, scores }: Ended): Trial[] {
  if (state === 'failed') return [];
  const score = mean(scores);
  return [
    state === 'complete' ? { index, params, state, score } : { index, params, state, score, step: scores.length - 1 },
  ];
}

/** A seed for each candidate: Knuth's multiplicative hash keeps neighbours apart. */
function seedOf(seed: number, index: number): number {
  return (seed ^ Math.imul(index, 2_654_435_761)) >>> 0;
}

/** Early stopping: once `patience` candidates in a row, of those after the first `startup`, were no better than the best before them by `min_delta`. */
export function reasonToStop(
  ended: Ended[],
  { patience, min_delta }: { patience: number; min_delta: number },
  startup: number,
): string | undefined {
  let best = -Infinity;
  let since = 0;
  for (const { index, state, scores } of ended) {
    if (state === 'complete' && mean(scores) > best + min_delta) {
      best = mean(scores);
      since = 0;
    } else if (index >= startup) since++;
  }
  return since < patience || best === -Infinity
    ? undefined
    : `It stopped after ${countOf(ended.length, 'candidate')}, as the last ${since} brought nothing better.`;
}

/** The best mean score of those that have every fold; of equal ones the first. */
export function bestOf(ended: Ended[]): Suggestion['best'] {
  let best: Suggestion['best'] = null;
  for (const { index, state, scores } of ended) {
    if (state === 'complete' && (!best || mean(scores) > best.score)) best = { index, score: mean(scores) };
  }
  return best;
}
