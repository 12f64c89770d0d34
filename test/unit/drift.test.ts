import { describe, expect, test } from 'vitest';
import { chiSquare, profileDistances } from '../../src/monitoring/distances.js';
import { assessDrift, assessLabels } from '../../src/monitoring/drift.js';
import { homogeneityP } from '../../src/monitoring/homogeneity.js';
import type { BinnedProfile, CategoryProfile, ModelProfile } from '../../src/monitoring/profile.js';

const settings = { drift_threshold_psi: 0.2, missing_rate_threshold: 0.1, alpha: 0.01 };
const of = (a: number, b: number, missing = 0): CategoryProfile => ({ kind: 'categories', counts: { a, b }, missing });
const score = (low: number, high: number): BinnedProfile => ({
  kind: 'bins',
  edges: [0.5],
  counts: [low, 0, high],
  missing: 0,
});

/** What drifts where one feature `x` beside a calm one, and the score, go from one profile to another. */
function assess(
  before: CategoryProfile,
  now: CategoryProfile,
  scores: [BinnedProfile, BinnedProfile] = [score(500, 500), score(500, 500)],
) {
  const reference: ModelProfile = {
    window: { start_date: '', end_date: '' },
    rows: 1_000,
    columns: { calm: of(500, 500), x: before },
    score: scores[0],
  };
  return assessDrift(reference, { rows: 777, columns: { calm: of(500, 500), x: now }, score: scores[1] }, settings);
}

test('nothing has drifted where nothing moved, and every number is there', () => {
  const found = assess(of(500, 500), of(500, 500));
  // (1/1,000 + 1/1,000)(2 - 1).
  const expected = expect.closeTo(0.002, 12);
  expect(found).toEqual({
    status: 'measured',
    rows: 777,
    psi: { calm: 0, x: 0 },
    score_psi: 0,
    expected_psi: { calm: expected, x: expected },
    score_expected_psi: expected,
    p_value: { calm: 1, x: 1 },
    score_p_value: 1,
    adjusted_p_value: { calm: 1, x: 1 },
    score_adjusted_p_value: 1,
    drifted_share: 0,
    dataset_drifted: false,
    missing_rate: { calm: 0, x: 0 },
    training_missing_rate: { calm: 0, x: 0 },
    drifted: [],
    score_drifted: false,
    missing: [],
  });
});

describe('a feature drifts', () => {
  test('where its PSI, less what sampling shows, is at the threshold', () => {
    // Shares .5 against .75: .25 ln 3 = .2747.
    const found = assess(of(500, 500), of(750, 250));
    expect(found).toMatchObject({ drifted: ['x'], score_drifted: false, missing: [] });
    expect(found.psi.x).toBeCloseTo(0.25 * Math.log(3), 12);
    expect(found.p_value.x).toBeCloseTo(
      homogeneityP([
        [500, 750],
        [500, 250],
      ]),
      12,
    );
  });

  test('within one standard error of the threshold, once what sampling shows is taken off', () => {
    // Of 100 rows against 200, shares .5 against .675: a PSI of .175 ln(.675 / .325) = .1279 with a standard error of .0716, less
    // (1/200 + 1/200)(2 - 1) = .01: .1895. With .7 it is .1695 + .0822 - .01 = .2417.
    expect(assess(of(100, 100), of(135, 65)).drifted).toEqual([]);
    expect(assess(of(100, 100), of(140, 60)).drifted).toEqual(['x']);
  });

  test('not where it is sure and small', () => {
    // Shares .5 against .6: .1 ln 1.5 = .0405.
    expect(assess(of(50_000, 50_000), of(60_000, 40_000)).drifted).toEqual([]);
  });

  test('not where it is large and few rows explain it', () => {
    // 5 of 8 rows against 4 of 8 and 7 of 8 against 4 of 8: PSI .06 and .73.
    expect(assess(of(4, 4), of(7, 1))).toMatchObject({
      drifted: [],
      psi: { x: expect.closeTo(0.375 * Math.log(7), 12) },
    });
  });

  test('not where nothing is known of it, and the others are assessed all the same', () => {
    const found = assess(of(0, 0, 10), of(5, 5), [score(500, 500), score(750, 250)]);
    expect(found).toMatchObject({
      psi: { x: null },
      expected_psi: { x: null },
      p_value: { x: null },
      drifted: [],
      score_drifted: true,
    });
  });
});

describe('labels drift by the rule for a feature', () => {
  test('where they have moved far, and surely', () => {
    // Shares .5 against .75: .25 ln 3; (1/1,000 + 1/1,000)(2 - 1).
    expect(assessLabels(of(500, 500, 7), of(750, 250, 9), settings)).toEqual({
      rows: 1_000,
      psi: expect.closeTo(0.25 * Math.log(3), 12),
      expected_psi: expect.closeTo(0.002, 12),
      p_value: expect.closeTo(
        homogeneityP([
          [500, 750],
          [500, 250],
        ]),
        12,
      ),
      drifted: true,
    });
  });

  test('not where the move is small, where few rows explain it, or where there are none', () => {
    expect(assessLabels(of(50_000, 50_000), of(60_000, 40_000), settings).drifted).toBe(false);
    expect(assessLabels(of(4, 4), of(7, 1), settings).drifted).toBe(false);
    expect(assessLabels(of(500, 500), of(0, 0), settings)).toEqual({
      rows: 0,
      psi: null,
      expected_psi: null,
      p_value: null,
      drifted: false,
    });
  });
});

test('the score drifts as a feature does', () => {
  expect(assess(of(500, 500), of(500, 500), [score(500, 500), score(750, 250)])).toMatchObject({
    drifted: [],
    score_drifted: true,
    score_psi: expect.closeTo(0.25 * Math.log(3), 12),
  });
  const unknown = assess(of(500, 500), of(500, 500), [score(500, 500), score(0, 0)]);
  expect(unknown).toMatchObject({
    score_drifted: false,
    score_psi: null,
    score_expected_psi: null,
    score_p_value: null,
  });
});

test('the chance of a difference is that of a gamma distribution with the moments of all tables of the same margins', () => {
  // Moments by enumerating the tables: 20/9 and 3.63317, 45/14 and 3.87436; the chance by SciPy's gammaincc.
  const few = homogeneityP([
    [4, 0],
    [1, 3],
    [0, 2],
  ]);
  expect(few).toBeCloseTo(0.028126033405574912, 12);
  const more = homogeneityP([
    [5, 1],
    [2, 2],
    [1, 3],
    [0, 1],
  ]);
  expect(more).toBeCloseTo(0.20325767013743262, 12);
});

test('categories have a chi-square statistic beside their distance, bins have none', () => {
  expect(profileDistances(of(500, 500), of(750, 250))).toEqual({
    jensen_shannon: expect.any(Number) as number,
    chi_square: chiSquare([
      [500, 750],
      [500, 250],
    ]),
  });
  expect(Object.keys(profileDistances(score(500, 500), score(750, 250))!)).toEqual(['jensen_shannon']);
  expect(profileDistances(of(500, 500), of(0, 0))).toBeNull();
});

describe('missing values', () => {
  test('that are a little more of many than they were are none, however surely', () => {
    // 40% then and 45% now, by a threshold of 10%.
    expect(assess(of(3_000, 3_000, 4_000), of(2_750, 2_750, 4_500)).missing).toEqual([]);
    expect(assess(of(3_000, 3_000, 4_000), of(2_400, 2_400, 5_200)).missing).toEqual(['x']);
  });

  test('count where their share differs by more than the threshold, up or down', () => {
    expect(assess(of(500, 500), of(400, 400, 200))).toMatchObject({
      missing: ['x'],
      drifted: [],
      missing_rate: { x: 0.2 },
      training_missing_rate: { x: 0 },
    });
    expect(assess(of(400, 400, 200), of(500, 500))).toMatchObject({
      missing: ['x'],
      missing_rate: { x: 0 },
      training_missing_rate: { x: 0.2 },
    });
  });

  test('at the threshold are no finding, nor are those that few rows explain', () => {
    expect(assess(of(500, 500), of(450, 450, 100)).missing).toEqual([]);
    expect(assess(of(2, 2), of(1, 1, 2)).missing).toEqual([]);
  });
});
