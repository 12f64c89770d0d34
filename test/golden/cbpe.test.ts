import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { TaskSpec } from '../../src/contracts/index.js';
import type { ModelOutput } from '../../src/ml/modelOutput.js';
import { PerformanceEstimator } from '../../src/monitoring/cbpe.js';

interface Rows {
  /** Of the positive class, or of each class. */
  probability: (number | number[])[];
  decided: number[];
}
interface Case {
  needs_calibration: boolean | boolean[];
  classes?: string[];
  reference: Rows & { label: number[] };
  analysis: Rows;
  chunks: Record<'roc_auc' | 'accuracy' | 'f1', { value: number; sampling_error: number }>[];
}
/** NannyML's estimates on rows of its own synthetic data, by fixtures/make_cbpe_fixtures.py. */
const golden = JSON.parse(readFileSync(new URL('../fixtures/statistics/cbpe.json', import.meta.url), 'utf8')) as {
  chunk: number;
  binary: Record<string, Case>;
  multiclass: Record<string, Case>;
};

const outputOf = (probability: Rows['probability']): ModelOutput => {
  const width = Array.isArray(probability[0]) ? probability[0].length : 1;
  return { values: Float64Array.from(probability.flat()), width };
};

/** The least probability that was decided for: data have decisions, and no threshold. */
function thresholdOf({ probability, decided }: Rows): number {
  return Math.min(...(probability as number[]).filter((_, row) => decided[row] === 1));
}

/** Estimates of each chunk beside NannyML's. */
function compared(task: TaskSpec, { reference, analysis, chunks }: Case, threshold: number) {
  const estimator = PerformanceEstimator.of(task, reference.label, outputOf(reference.probability), threshold)!;
  const [rocAuc, accuracy, f1] = estimator.metrics;
  const names = { roc_auc: rocAuc!, accuracy: accuracy!, f1: f1! };
  return {
    estimator,
    pairs: chunks.flatMap((chunk, i) => {
      const rows = analysis.probability.slice(i * golden.chunk, (i + 1) * golden.chunk);
      const found = estimator.estimate(outputOf(rows));
      return (Object.keys(names) as (keyof typeof names)[]).map((name) => ({
        name,
        chunk: i,
        found: found[names[name]]!,
        wanted: chunk[name],
      }));
    }),
  };
}

describe("estimates of performance are NannyML's", () => {
  test.each(Object.entries(golden.binary))('%s', (_, rows) => {
    const task: TaskSpec = { task: 'binary', classes: ['0', '1'] };
    const { estimator, pairs } = compared(task, rows, thresholdOf(rows.reference));
    expect(estimator.calibrated).toEqual([rows.needs_calibration]);
    expect(pairs).toHaveLength(3 * rows.chunks.length);
    for (const { found, wanted } of pairs) {
      // Far within the sampling error: what is left is how rows of equal scores are ordered.
      expect(Math.abs(found.value - wanted.value)).toBeLessThan(0.01 * wanted.sampling_error);
      expect(Math.abs(found.sampling_error! / wanted.sampling_error - 1)).toBeLessThan(0.02);
    }
  });

  test.each(Object.entries(golden.multiclass))('of several classes: %s', (_, rows) => {
    const task: TaskSpec = { task: 'multiclass', classes: rows.classes! };
    const { estimator, pairs } = compared(task, rows, 0.5);
    expect(estimator.calibrated).toEqual(rows.needs_calibration);
    expect(pairs).toHaveLength(3 * rows.chunks.length);
    for (const { found, wanted } of pairs) {
      // Of equally probable classes NannyML's data decide by lot, and Perdure for the first.
      expect(Math.abs(found.value - wanted.value)).toBeLessThan(0.03 * wanted.sampling_error);
      expect(Math.abs(found.sampling_error! / wanted.sampling_error - 1)).toBeLessThan(0.02);
    }
  });
});
