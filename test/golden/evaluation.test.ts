import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { chooseThreshold, type ThresholdRule } from '../../src/ml/threshold.js';

/** Made by `fixtures/make_evaluation_fixtures.py` with scikit-learn 1.9.1. */
interface Fixture {
  thresholds: { labels: number[]; probabilities: number[]; cases: { rule: ThresholdRule; value: number }[] };
}
const fixture = JSON.parse(readFileSync(new URL('fixtures/evaluation.json', import.meta.url), 'utf8')) as Fixture;

describe('the decision threshold is the one at which scikit-learn measures best', () => {
  const { labels, probabilities, cases } = fixture.thresholds;
  test.each(cases)('$rule', ({ rule, value }) => {
    expect(chooseThreshold(rule, labels, Float64Array.from(probabilities))).toMatchObject({ value, met: true });
  });
});
