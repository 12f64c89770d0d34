import { describe, expect, test } from 'vitest';
import type { CandidateResult } from '../../src/contracts/index.js';
import { raceRungs, selectCandidates } from '../../src/learning/racing.js';

const ROWS = 71_596;

function results(...scores: number[][]): CandidateResult[] {
  return scores.map((scores, index) => ({ index, params: { index }, scores, seconds: 1 }));
}

describe('rungs', () => {
  test('hold every fold once', () => {
    expect(raceRungs(5, false)).toEqual([[0, 1, 2, 3, 4]]);
    expect(raceRungs(5, true)).toEqual([[0], [1], [2, 3, 4]]);
    expect(raceRungs(2, true)).toEqual([[0], [1]]);
  });
});

describe('with every fold seen', () => {
  test('the best mean wins, and all survive, best first', () => {
    const selection = selectCandidates(results([0.6, 0.62], [0.61, 0.63], [0.5, 0.5]), 2, ROWS);
    expect(selection.survivors).toEqual([1, 0, 2]);
    expect(selection.best).toEqual({ index: 1, params: { index: 1 }, cv_score: 0.62 });
  });

  test('of equal means the first candidate wins', () => {
    expect(selectCandidates(results([0.5], [0.6], [0.6]), 1, ROWS).best?.index).toBe(1);
  });

  test('those that failed or left are out', () => {
    const candidates = results([0.7], [0.6, 0.6], [0.5, 0.5]);
    candidates[0]!.dropped = 'The engine process died.';
    expect(selectCandidates(candidates, 2, ROWS)).toEqual({ survivors: [1, 2], best: { index: 1, params: { index: 1 }, cv_score: 0.6 } });
  });

  test('without anybody left there is no best', () => {
    const candidates = results([]);
    candidates[0]!.dropped = 'failed';
    expect(selectCandidates(candidates, 5, ROWS)).toEqual({ survivors: [], best: null });
  });
});

describe('with folds outstanding', () => {
  test('one fold drops who is more than .005 behind at the rows of readmission', () => {
    expect(selectCandidates(results([0.62], [0.6151], [0.6149], [0.59]), 5, ROWS)).toEqual({ survivors: [0, 1], best: null });
  });

  test('and more the fewer the rows are', () => {
    expect(selectCandidates(results([0.62], [0.6151], [0.6149], [0.59]), 5, 1000).survivors).toEqual([0, 1, 2, 3]);
  });

  test('the steadier the differences, the sooner a candidate leaves', () => {
    const steady = selectCandidates(results([0.62, 0.63], [0.617, 0.627], [0.616, 0.626]), 5, ROWS);
    const shaky = selectCandidates(results([0.62, 0.63], [0.627, 0.617], [0.606, 0.636]), 5, ROWS);
    expect(steady.survivors).toEqual([0]);
    expect(shaky.survivors).toEqual([0, 1, 2]);
  });

  test('a candidate alone stays', () => {
    expect(selectCandidates(results([0.6, 0.6]), 5, ROWS)).toEqual({ survivors: [0], best: null });
  });
});
