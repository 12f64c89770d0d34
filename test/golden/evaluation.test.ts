import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { TaskSpec } from '../../src/contracts/index.js';
import { taskOf } from '../../src/ml/tasks/task.js';
import { chooseThreshold, type ThresholdRule } from '../../src/ml/threshold.js';

/** Made by `fixtures/make_evaluation_fixtures.py` with scikit-learn 1.9.1. */
interface Fixture {
  intervals: {
    spec: TaskSpec;
    labels: number[];
    output: number[];
    threshold: number;
    seed: number;
    draws: number;
    intervals: Record<string, [number, number]>;
  }[];
  thresholds: { labels: number[]; probabilities: number[]; cases: { rule: ThresholdRule; value: number }[] };
}
const fixture = JSON.parse(readFileSync(new URL('fixtures/evaluation.json', import.meta.url), 'utf8')) as Fixture;

describe('the decision threshold is the one at which scikit-learn measures best', () => {
  const { labels, probabilities, cases } = fixture.thresholds;
  test.each(cases)('$rule', ({ rule, value }) => {
    expect(chooseThreshold(rule, labels, Float64Array.from(probabilities))).toMatchObject({ value, met: true });
  });
});

describe("the interval of a metric is that of scikit-learn's values on numpy's draws", () => {
  test.each(fixture.intervals)('$spec.task', async ({ spec, labels, output, threshold, seed, draws, intervals }) => {
    const width = spec.task === 'multiclass' ? spec.classes.length : 1;
    const said = { values: Float64Array.from(output), width };
    const { signal } = new AbortController();
    const found = await taskOf(spec).intervals(labels, said, threshold, { seed, signal, draws });
    for (const [metric, [low, high]] of Object.entries(intervals))
      expect({ [metric]: found[metric as 'roc_auc'] }).toEqual({
        [metric]: [expect.closeTo(low, 10) as number, expect.closeTo(high, 10) as number],
      });
  });
});
