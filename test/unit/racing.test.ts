import { describe, expect, test } from 'vitest';
import { MAX_EVALUATIONS, Search, type SearchPlan } from '../../src/contracts/index.js';
import { raceRungs, selectCandidates, type Contender } from '../../src/ml/racing.js';

/**
 * Candidates whose every fold has an influence of its own in each of four groups: the difference of two of them has the
 * variance 4/3 of the sum of the four squared differences.
 */
function contenders(...candidates: { scores: number[]; influence?: number[]; step?: number }[]): Contender[] {
  return candidates.map(({ scores, influence = [0, 0, 0, 0], step = 0 }, index) => ({
    index,
    folds: scores.map((score) => ({ score, influence, step })),
  }));
}

/** A pair whose difference has a standard deviation of .001 on a fold: 4/3 of 4 times (.001 sqrt(3)/4)^2 is .001^2. */
const PART = (0.001 * Math.sqrt(3)) / 4;
const APART = [PART, -PART, PART, -PART];

describe('rungs', () => {
  test('hold every fold once', () => {
    expect(raceRungs(5, false, 20)).toEqual([[0, 1, 2, 3, 4]]);
    expect(raceRungs(5, true, 20)).toEqual([[0], [1], [2], [3], [4]]);
    expect(raceRungs(2, true, 20)).toEqual([[0], [1]]);
    expect(raceRungs(20, true, 20).map((rung) => rung.length)).toEqual([1, 1, 1, 1, 1, 1, 2, 2, 3, 3, 4]);
    expect(raceRungs(100, true, 1).flat()).toEqual(Array.from({ length: 100 }, (_, fold) => fold));
  });

  test('are fewer where so many candidates would fill the history of a workflow', () => {
    expect(raceRungs(5, true, 1_600)).toHaveLength(5);
    expect(raceRungs(5, true, 1_601)).toEqual([[0], [1], [2], [3, 4]]);
    expect(raceRungs(5, true, 4_000)).toEqual([[0], [1, 2, 3, 4]]);
    expect(raceRungs(5, true, MAX_EVALUATIONS)).toEqual([[0, 1, 2, 3, 4]]);
  });
});

describe('with every fold seen', () => {
  test('the best mean wins, and all survive, best first', () => {
    expect(
      selectCandidates(contenders({ scores: [0.6, 0.62] }, { scores: [0.61, 0.63] }, { scores: [0.5, 0.5] }), 2),
    ).toEqual({ survivors: [1, 0, 2], score: 0.62 });
  });

  test('of equal means the first candidate wins', () => {
    expect(selectCandidates(contenders({ scores: [0.5] }, { scores: [0.6] }, { scores: [0.6] }), 1).survivors[0]).toBe(
      1,
    );
  });

  test('without anybody left there is no best', () => {
    expect(selectCandidates([], 5)).toEqual({ survivors: [], score: null });
  });
});

describe('with folds outstanding', () => {
  // One comparison after each of four looks: a chance of .01 / 4 each, which is 2.807 standard deviations (normal table).
  const stays = (scores: number[], cvFolds = 5) =>
    selectCandidates(
      contenders({ scores: scores.map(() => 0.62) }, { scores, influence: APART }),
      cvFolds,
    ).survivors.includes(1);

  test('a candidate leaves when it would win by more than .001 with next to no chance', () => {
    // After one fold, of which the rows are taken to explain a ninth, the means of five differ from what is seen by
    // .001 sqrt(9 * 4 / 5) = .002683: 2.807 of them are .00753, of which .001 is worth no fold.
    expect(stays([0.62 - 0.0065])).toBe(true);
    expect(stays([0.62 - 0.00656])).toBe(false);
    // After two that are alike, by .001 sqrt(3 / 10) = .000548: .00154.
    expect(stays([0.62 - 0.0005, 0.62 - 0.0005])).toBe(true);
    expect(stays([0.62 - 0.00056, 0.62 - 0.00056])).toBe(false);
    // After four by .001 sqrt(1 / 20) = .000224: .00063, less than what is worth no fold.
    expect(stays([0.62, 0.62, 0.62, 0.62])).toBe(false);
  });

  test('what differs from fold to fold counts for as much as it does over the candidates', () => {
    // Differences of .003 more and less have the variance 2 (.003)^2 from fold to fold, 18 times that of the rows:
    // .001 sqrt(18 * 3 / 10) = .002324, and 2.807 of them .00652.
    const moving = (behind: number) => [0.62 - behind - 0.003, 0.62 - behind + 0.003];
    expect(stays(moving(0.0055))).toBe(true);
    expect(stays(moving(0.00556))).toBe(false);
    // Beside one that does not move it is 9 times: .01 / 8 is 3.023 standard deviations, of .001643, so .00497.
    const beside = (behind: number) =>
      selectCandidates(
        contenders(
          { scores: [0.62, 0.62] },
          { scores: moving(behind), influence: APART },
          { scores: [0.5, 0.5], influence: APART },
        ),
        5,
      ).survivors;
    expect(beside(0.0039)).toEqual([0, 1]);
    expect(beside(0.004)).toEqual([0]);
  });

  test('more chances to be wrong ask for more certainty', () => {
    const rest = Array.from({ length: 18 }, () => ({ scores: [0.5] }));
    const among = selectCandidates(
      contenders({ scores: [0.62] }, { scores: [0.62 - 0.00656], influence: APART }, ...rest),
      5,
    );
    // .01 / (19 * 4) is 3.648 standard deviations, .00979.
    expect(among.survivors).toEqual([0, 1]);
  });

  test('the unit of the labels changes nothing', () => {
    const among = (unit: number) => {
      const behind = [0, 0.007, 0.0072, 0.02].map((by, index) => ({
        scores: [-by * unit],
        influence: APART.map((part) => (index === 0 ? 0 : part * unit)),
      }));
      const folds = contenders(...behind).map((contender) => ({
        ...contender,
        folds: contender.folds.map((fold) => ({ ...fold, unit })),
      }));
      return selectCandidates(folds, 5).survivors;
    };
    expect(among(1)).toEqual([0, 1, 2]);
    expect(among(1e-6)).toEqual([0, 1, 2]);
    expect(among(1e6)).toEqual([0, 1, 2]);
  });

  test('where two candidates order the rows alike, one of them is enough', () => {
    expect(selectCandidates(contenders({ scores: [0.62] }, { scores: [0.62] }), 5).survivors).toEqual([0]);
  });

  test('where they decide alike, a row that decides is still to be reckoned with', () => {
    const alike = (step: number) =>
      selectCandidates(contenders({ scores: [0, 0], step }, { scores: [0, 0], step }), 5).survivors;
    expect(alike(0.01)).toEqual([0, 1]);
    expect(alike(0.0001)).toEqual([0]);
  });

  test('a candidate alone stays', () => {
    expect(selectCandidates(contenders({ scores: [0.6, 0.6] }), 5)).toEqual({ survivors: [0], score: 0.6 });
  });
});

describe('the book of a search', () => {
  const plan = (candidates: number): SearchPlan => {
    const cells = Array.from({ length: candidates }, (_, cell) => cell);
    return { grid: { C: cells }, cells, order: cells, rungs: [[0], [1]] };
  };
  const refuse = (sentence: string) => new Error(sentence);

  test('stays small, whatever thousands of candidates failed of', () => {
    const search = new Search(plan(MAX_EVALUATIONS));
    for (const candidate of search.racers()) {
      if (candidate.index === 7) search.score(candidate, { scores: [0.5] });
      else
        search.fail(candidate, {
          type: 'EngineFailed',
          reason: `The engine refused C = ${candidate.index}. ${'x'.repeat(10_000)}`,
        });
    }
    expect(search.scored([0])).toEqual({ candidates: [7], folds: [0], cvFolds: 2 });
    search.select({ survivors: [7], score: 0.5 });
    const { best, dropped, search: counts } = search.outcome('xgboost', refuse);
    expect(best).toEqual({ index: 7, params: { C: 7 }, cv_score: 0.5 });
    expect(counts).toEqual({
      candidates: MAX_EVALUATIONS,
      failed: MAX_EVALUATIONS - 1,
      foldsEvaluated: 1,
      foldsPlanned: 2 * MAX_EVALUATIONS,
    });
    expect(dropped.flatMap(({ candidates }) => candidates).sort((a, b) => a - b)).toEqual(
      plan(MAX_EVALUATIONS).order.filter((index) => index !== 7),
    );
    expect(JSON.stringify(dropped).length).toBeLessThan(128 * 1024);
  });

  test('where every candidate failed, the first reason is told', () => {
    const search = new Search(plan(2));
    for (const candidate of search.racers())
      search.fail(candidate, { type: 'EngineFailed', reason: `The engine refused C = ${candidate.index}.` });
    search.select({ survivors: [], score: null });
    expect(() => search.outcome('xgboost', refuse)).toThrow(
      'Every candidate of xgboost failed; the first one: The engine refused C = 0.',
    );
  });
});
