import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { TaskSpec } from '../../src/contracts/index.js';
import { calibrated, fitCurves, type Calibration } from '../../src/ml/calibrator.js';
import { taskOf } from '../../src/ml/tasks/task.js';
import { chooseThreshold, type ThresholdRule } from '../../src/ml/threshold.js';

/** Made by `fixtures/make_evaluation_fixtures.py` with scikit-learn 1.9.1. */
interface Fixture {
  calibration: {
    classes: number;
    method: Calibration;
    labels: number[];
    output: number[];
    asked: number[];
    calibrated: number[];
  }[];
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

describe("calibrated probabilities are those of scikit-learn's CalibratedClassifierCV", () => {
  test.each(fixture.calibration)('$method, $classes classes', (fitted) => {
    const width = fitted.classes === 2 ? 1 : fitted.classes;
    const of = (values: number[]) => ({ values: Float64Array.from(values), width });
    const { values } = calibrated(fitCurves(fitted.method, fitted.labels, of(fitted.output)), of(fitted.asked));
    // It minimises the sigmoid's loss to five digits or so.
    const digits = fitted.method === 'sigmoid' ? 5 : 12;
    expect(Array.from(values)).toEqual(fitted.calibrated.map((value) => expect.closeTo(value, digits) as number));
  });

  test('and the constants of Platt are those of the reference', () => {
    const { y, s } = JSON.parse(
      readFileSync(new URL('../fixtures/statistics/metrics.json', import.meta.url), 'utf8'),
    ) as { y: number[]; s: number[] };
    const [curve] = fitCurves('sigmoid', y, { values: Float64Array.from(s), width: 1 });
    expect(curve).toEqual({
      method: 'sigmoid',
      a: expect.closeTo(-7.82275, 4) as number,
      b: expect.closeTo(4.29626, 4) as number,
    });
    const [isotonic] = fitCurves('isotonic', y, { values: Float64Array.from(s), width: 1 });
    const asked = Float64Array.from({ length: 21 }, (_, i) => i / 20);
    // The first of them and the last, by the reference.
    const said = calibrated([isotonic!], { values: asked, width: 1 }).values;
    expect(said[1]).toBeCloseTo(0.022727272727272728, 12);
    expect(said[9]).toBeCloseTo(0.41935483870967744, 12);
    expect(said[20]).toBe(1);
  });
});
