import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  METRICS,
  SCORERS,
  directionOf,
  type MetricName,
  type ScoringName,
  type TaskMetrics,
  type TaskSpec,
} from '../../src/contracts/index.js';
import type { ModelOutput } from '../../src/ml/modelOutput.js';
import { differenceVariance } from '../../src/ml/racing.js';
import { kindOf, taskOf } from '../../src/ml/tasks/task.js';

/** Made by `fixtures/make_task_fixtures.py` with scikit-learn 1.9.1. */
interface Fixture {
  cases: {
    name: string;
    spec: TaskSpec;
    labels: number[];
    output: number[];
    threshold: number;
    counts: number[];
    metrics: Omit<TaskMetrics, 'n' | 'intervals'>;
    /** Of the same rows, each as often as its count. */
    counted: Omit<TaskMetrics, 'n' | 'intervals'>;
  }[];
  differences: {
    spec: TaskSpec;
    labels: number[];
    first: number[];
    second: number[];
    scores: Record<ScoringName, { first: number; second: number; deviation: number; interval: [number, number] }>;
  }[];
}
const fixture = JSON.parse(readFileSync(new URL('fixtures/tasks.json', import.meta.url), 'utf8')) as Fixture;

function outputOf(spec: TaskSpec, values: number[]): ModelOutput {
  return { values: Float64Array.from(values), width: spec.task === 'multiclass' ? spec.classes.length : 1 };
}

function closeTo(expected: number | null | undefined): unknown {
  return typeof expected === 'number' ? expect.closeTo(expected, 10) : expected;
}

describe.each(fixture.cases)(
  "the metrics are scikit-learn's: $spec.task, $name",
  ({ spec, labels, output, threshold, counts, metrics, counted }) => {
    test('of the rows', () => {
      const {
        n,
        confusion_matrix,
        threshold: decidedAt,
        ...found
      } = taskOf(spec).metrics(labels, outputOf(spec, output), threshold);
      const { confusion_matrix: matrix, ...values } = metrics;
      expect(found).toEqual(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, closeTo(value)])));
      expect(confusion_matrix).toEqual(matrix);
      expect(n).toBe(labels.length);
      expect(decidedAt).toBe(spec.task === 'binary' ? threshold : undefined);
    });

    test('of the rows drawn again and again, as a bootstrap has them', () => {
      const { measure } = kindOf(spec).measuresOf(labels, outputOf(spec, output), threshold);
      for (const name of taskOf(spec).metricNames)
        expect({ [name]: measure(name).value(counts) }).toEqual({ [name]: closeTo(counted[name]) });
    });
  },
);

describe.each(fixture.differences)('two models of a $spec.task task', ({ spec, labels, first, second, scores }) => {
  const task = taskOf(spec);
  const [a, b] = [outputOf(spec, first), outputOf(spec, second)];
  const named = Object.entries(scores) as [ScoringName, (typeof scores)[ScoringName]][];
  const metricOf = (scoring: ScoringName) => (SCORERS[spec.task] as Record<string, MetricName>)[scoring]!;
  const sign = (scoring: ScoringName) => (directionOf(metricOf(scoring)) === 'higher' ? 1 : -1);

  test("have every scoring, each with the sign of scikit-learn's scorer", () => {
    expect(named.map(([scoring]) => scoring).sort()).toEqual([...task.scorings].sort());
    expect(task.scorings).toContain(task.defaultScoring);
    for (const [scoring, expected] of named) {
      expect([scoring, task.foldScore(scoring, labels, a).score]).toEqual([scoring, closeTo(expected.first)]);
      expect([scoring, task.foldScore(scoring, labels, b).score]).toEqual([scoring, closeTo(expected.second)]);
    }
  });

  test.each(named)("in a race the noise of the difference is the bootstrap's: %s", (scoring, { deviation }) => {
    const [x, y] = [task.foldScore(scoring, labels, a), task.foldScore(scoring, labels, b)];
    // A hundred groups know a standard deviation to 7%, 100 samples to 7%; a step of one row is added where there are decisions.
    const noise = Math.sqrt(differenceVariance({ ...x, step: 0 }, { ...y, step: 0 }));
    expect(noise / deviation).toBeGreaterThan(0.75);
    expect(noise / deviation).toBeLessThan(1.3);
  });

  test.each(named)('compared on the same rows: %s', (scoring, expected) => {
    const metric = metricOf(scoring);
    const found = task.compare(metric, labels, a, b, { alpha: 0.1, seed: 7 })!;
    expect(found).toMatchObject({
      metric,
      a: closeTo(sign(scoring) * expected.first),
      b: closeTo(sign(scoring) * expected.second),
    });
    expect(found.difference).toBeCloseTo(found.a - found.b, 12);
    const [low, high] = expected.interval.map((bound) => sign(scoring) * bound).sort((x, y) => x - y) as [
      number,
      number,
    ];
    // An end of an interval of 100 draws is known to some 7% of its width.
    expect(Math.abs(found.interval[0] - low) / (high - low)).toBeLessThan(0.2);
    expect(Math.abs(found.interval[1] - high) / (high - low)).toBeLessThan(0.2);
    expect(found.p < 0.1).toBe(found.interval[0] > 0 || found.interval[1] < 0);
    expect(found.method).toBe(metric === 'roc_auc' ? 'delong' : 'bootstrap');
  });
});

test('every metric belongs to a task that measures it', () => {
  const measured = new Set(fixture.cases.flatMap(({ metrics }) => Object.keys(metrics)));
  expect(Object.keys(METRICS).filter((metric) => !measured.has(metric))).toEqual([]);
});
