import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { TaskMetrics, ModelTrainingCompleted } from '../../src/contracts/index.js';
import { describeOnReal, REAL_READMISSION } from '../support/realData.js';
import { createReadmission, trained, SPLIT_ROWS, writeDrifted } from '../support/readmission.js';

describeOnReal(REAL_READMISSION, 'the readmission lifecycle on the real file', lifecycleOnTheRealFile);

async function lifecycleOnTheRealFile() {
  const { folder, lifecycle } = await createReadmission();
  let processed: Awaited<ReturnType<typeof lifecycle.process>>;
  let training: ModelTrainingCompleted;
  let drifting: typeof lifecycle;
  beforeAll(async () => {
    processed = await lifecycle.process(REAL_READMISSION);
    training = await lifecycle.train();
    drifting = lifecycle.copy('drifting');
  });

  test('keeps every row of it, in a partition a month', () => {
    expect(processed.bronze.written).toHaveLength(120);
    expect([processed.bronze, processed.silver, processed.gold].map(({ rows }) => rows)).toEqual([
      101_766, 101_766, 101_766,
    ]);
    expect(processed.silver.dropped).toEqual({});
  });

  test('cuts it into the three splits of the documents', async () => {
    expect(await lifecycle.splits(training)).toEqual({
      train: { rows: SPLIT_ROWS.train, positives: 7_964 },
      test: { rows: SPLIT_ROWS.test, positives: 2_265 },
      oot: { rows: SPLIT_ROWS.oot, positives: 1_128 },
    });
  });

  test('fits the very logistic regression of the reference', () => {
    const { best_params, test, oot } = trained(training, 'logistic_regression');
    expect(best_params).toEqual({ penalty: 'l1', C: 0.001, class_weight: 'balanced' });
    expect([test!, oot!].map(aucAndRecall)).toEqual([
      ['0.6120', '0.4481'],
      ['0.6161', '0.4495'],
    ]);
  });

  // Bands of the reference over seeds and orders of rows.
  test.each([
    { algorithm: 'random_forest', auc: { test: [0.617, 0.622], oot: [0.629, 0.634] }, recall: [0.447, 0.472] },
    { algorithm: 'xgboost', auc: { test: [0.6189, 0.622], oot: [0.63, 0.634] }, recall: [0.472, 0.512] },
  ])('fits a $algorithm like that of the reference', ({ algorithm, auc, recall }) => {
    const { test, oot } = trained(training, algorithm);
    expectWithin(auc.test, test!.roc_auc!);
    expectWithin(auc.oot, oot!.roc_auc!);
    expectWithin(recall, test!.recall!);
    expectWithin(recall, oot!.recall!);
  });

  test('scores 2008, which shows no drift and a performance as in training', async () => {
    expect(await lifecycle.infer()).toMatchObject({ found: SPLIT_ROWS.oot, rows: SPLIT_ROWS.oot, batches: 1 });
    const { drift, performance, verdict } = await lifecycle.monitor();

    expect(drift.rows).toBe(SPLIT_ROWS.oot);
    expect(roundedAll(drift.psi)).toEqual(PSI_OF_2008);
    expect(drift.score_psi).toBeLessThan(0.005);
    // Those of the training have intervals besides.
    expect(trained(training, training.champion!.algorithm).oot).toMatchObject(performance.metrics);
    expect(performance.drop).toBeLessThan(0.005);
    expect(verdict).toEqual({
      drift: false,
      performance_drop: false,
      missing: false,
      retrain: false,
      conclusion: 'ok',
      not_measured: {},
    });
  });

  test('asks for a retraining where the patients of 2008 are older', async () => {
    const drifted = join(folder, 'drifted.csv');
    await writeDrifted(REAL_READMISSION, drifted);
    const { bronze, silver, gold } = await drifting.process(drifted);
    for (const { written } of [bronze, silver, gold]) expect(written).toEqual(MONTHS_OF_2008);
    await drifting.infer();
    const { drift, verdict } = await drifting.monitor();

    const { age_midpoint, ...others } = roundedAll(drift.psi);
    expect(age_midpoint).toBeGreaterThan(1);
    expect({ age_midpoint: PSI_OF_2008.age_midpoint, ...others }).toEqual(PSI_OF_2008);
    expect(drift.drifted).toContain('age_midpoint');
    expect(verdict).toMatchObject({ drift: true, retrain: true });
  });
}

const MONTHS_OF_2008 = Array.from({ length: 12 }, (_, i) => `2008_${String(i + 1).padStart(2, '0')}`);

/**
 * Of each feature in 2008 against the train split, as counted in Python (numpy): numbers by deciles, with each edge
 * as a bin of its own.
 */
const PSI_OF_2008 = {
  race_AfricanAmerican: 0.00009,
  race_Caucasian: 0.00032,
  race_Asian: 0.00021,
  race_Hispanic: 0.00024,
  is_female: 0,
  age_midpoint: 0.00067,
  admission_severity_score: 0.00014,
  admission_source_risk_score: 0.00242,
  poor_glucose_control: 0.00003,
  metformin_ord: 0.00032,
  insulin_ord: 0.0002,
  diabetesMed: 0.00009,
  severity_x_visits: 0.00047,
  medication_density: 0.0012,
};

function aucAndRecall({ roc_auc, recall }: TaskMetrics): string[] {
  return [roc_auc!.toFixed(4), recall!.toFixed(4)];
}

function roundedAll(values: Record<string, number | null>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value!.toFixed(5))]));
}

function expectWithin([low, high]: number[], value: number): void {
  expect(value).toBeGreaterThanOrEqual(low!);
  expect(value).toBeLessThanOrEqual(high!);
}
