import { describe, expect, test } from 'vitest';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { randomCandidates, Range, type SearchSpace } from '../../src/ml/searchSpace.js';
import { bestOf, nextCandidates, reasonToStop, type Ended, type StudySettings } from '../../src/ml/study.js';
import { suggest, type Trial } from '../../src/ml/tpe.js';

const RANGE: SearchSpace = { x: Range.parse({ low: 0, high: 1 }) };
const GRID: SearchSpace = { x: [1, 2, 3], y: ['a', 'b'] };
const settings = (of: Partial<StudySettings> = {}): StudySettings => ({
  sampler: 'tpe',
  trials: 6,
  n_startup_trials: 2,
  batch_size: 3,
  seed: 11,
  ...of,
});

const complete = (index: number, ...scores: number[]): Ended => ({
  index,
  params: { x: 0.5 },
  state: 'complete',
  scores,
});
const ended = (count: number) => Array.from({ length: count }, (_, i) => complete(i, i / 10));
const indices = (space: SearchSpace, count: number, of?: Partial<StudySettings>) =>
  nextCandidates(space, ended(count), settings(of)).map(({ index }) => index);

describe('candidates come', () => {
  test('first those that are drawn at random, all at once, and then a batch at a time, until there are enough', () => {
    expect(nextCandidates(RANGE, [], settings()).map(({ params }) => params)).toEqual(randomCandidates(RANGE, 2, 11));
    expect([0, 2, 5, 6, 7].map((count) => indices(RANGE, count))).toEqual([[0, 1], [2, 3, 4], [5], [], []]);
  });

  test('of a start that was cut off, with what it lacks', () => {
    const next = nextCandidates(RANGE, ended(1), settings());
    expect(next).toEqual([{ index: 1, params: randomCandidates(RANGE, 2, 11)[1] }]);
  });

  test('at random to the end where no model is wanted, and of a grid that is tried whole', () => {
    const inBatches = (space: SearchSpace, of: Partial<StudySettings>) =>
      [0, 2, 5, 6].map((count) => nextCandidates(space, ended(count), settings(of)));
    const drawn = inBatches(RANGE, { sampler: 'random' });
    expect(drawn.map((batch) => batch.length)).toEqual([2, 3, 1, 0]);
    expect(drawn.flat()).toEqual(randomCandidates(RANGE, 6, 11).map((params, index) => ({ index, params })));
    // Three by two cells.
    const whole = inBatches(GRID, { trials: 6 });
    expect(whole.flat()).toEqual(randomCandidates(GRID, 6, 11).map((params, index) => ({ index, params })));
    expect(indices(GRID, 0, { trials: 9, n_startup_trials: 20 })).toEqual([0, 1, 2, 3, 4, 5]);
    // Of a larger grid a model is made.
    expect(nextCandidates(GRID, ended(2), settings({ trials: 5 }))).not.toEqual(
      randomCandidates(GRID, 5, 11)
        .slice(2)
        .map((params, i) => ({ index: 2 + i, params })),
    );
  });

  test('by what is known of those before: scores are means, failed ones say nothing, and those of the batch are running', () => {
    const known: Ended[] = [
      { index: 0, params: { x: 0.1 }, state: 'complete', scores: [0.25, 0.75] },
      { index: 1, params: { x: 0.9 }, state: 'pruned', scores: [0.25, 0.5, 0.75] },
      { index: 2, params: { x: 0.4 }, state: 'failed', scores: [] },
    ];
    const trials: Trial[] = [
      { index: 0, params: { x: 0.1 }, state: 'complete', score: 0.5 },
      { index: 1, params: { x: 0.9 }, state: 'pruned', step: 2, score: 0.5 },
    ];
    // Seeds by Knuth's multiplicative hash, modulo 2^32.
    const random = (index: number) => new Mt19937(Number(11n ^ ((BigInt(index) * 2_654_435_761n) % 2n ** 32n)));
    const third = suggest(RANGE, trials, random(3));
    const fourth = suggest(RANGE, [...trials, { index: 3, params: third, state: 'running' }], random(4));
    expect(nextCandidates(RANGE, known, settings({ batch_size: 2 }))).toEqual([
      { index: 3, params: third },
      { index: 4, params: fourth },
    ]);
  });
});

describe('a study stops', () => {
  const scores = (...of: number[]) => of.map((score, index) => complete(index, score));

  test('after as many in a row as its patience that are better by no more than the least difference', () => {
    // .75 is .25 above the best before it, which is not more than that.
    expect(reasonToStop(scores(0.5, 0.75, 0.7), { patience: 2, min_delta: 0.25 }, 0)).toBe(
      'It stopped after 3 candidates, as the last 2 brought nothing better.',
    );
    expect(reasonToStop(scores(0.5, 0.75, 0.7), { patience: 3, min_delta: 0.25 }, 0)).toBeUndefined();
    expect(reasonToStop(scores(0.5, 0.4, 0.8, 0.7), { patience: 2, min_delta: 0.25 }, 0)).toBeUndefined();
  });

  test('without counting those of the start', () => {
    expect(reasonToStop(scores(0.9, 0.5, 0.5), { patience: 2, min_delta: 0 }, 1)).toBeDefined();
    expect(reasonToStop(scores(0.9, 0.5, 0.5), { patience: 2, min_delta: 0 }, 2)).toBeUndefined();
  });

  test('counting those that failed or were given up, unless there is nothing else', () => {
    const others: Ended[] = [
      { index: 1, params: {}, state: 'failed', scores: [] },
      // What it has so far is better, but not of every fold.
      { index: 2, params: {}, state: 'pruned', scores: [0.9] },
    ];
    expect(reasonToStop([complete(0, 0.5), ...others], { patience: 2, min_delta: 0 }, 0)).toBeDefined();
    expect(reasonToStop(others, { patience: 2, min_delta: 0 }, 0)).toBeUndefined();
  });
});

test('the best is that of the highest mean of all folds, of equal ones the first', () => {
  const pruned: Ended = { index: 3, params: {}, state: 'pruned', scores: [0.9] };
  expect(bestOf([complete(0, 0.2, 0.4), complete(1, 0.25, 0.5), complete(2, 0.5, 0.25), pruned])).toEqual({
    index: 1,
    score: 0.375,
  });
  expect(bestOf([pruned])).toBeNull();
});
