import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ModelTrainingCompleted } from '../../src/contracts/index.js';
import { generateCsv } from '../../src/data/synthetic.js';
import { createReadmission, trained, SPLIT_ROWS, writeDrifted } from '../support/readmission.js';

describe('the readmission lifecycle on generated data', async () => {
  const { folder, pipeline, lifecycle } = await createReadmission();
  const csv = join(folder, 'generated.csv');
  let processed: Awaited<ReturnType<typeof lifecycle.process>>;
  let training: ModelTrainingCompleted;
  beforeAll(async () => {
    await generateCsv(pipeline, csv);
    processed = await lifecycle.process(csv);
    training = await lifecycle.train();
  });

  test('keeps every row of it, in a partition a month', () => {
    expect(processed.gold).toMatchObject({ rows: 101_766, unchanged: [] });
    expect(processed.gold.written).toHaveLength(120);
    expect(processed.silver.dropped).toEqual({});
  });

  test('cuts it into splits of the sizes that the real file has, with as large a share of readmissions', async () => {
    for (const [name, { rows, positives }] of Object.entries(await lifecycle.splits(training))) {
      expect(rows).toBe(SPLIT_ROWS[name as keyof typeof SPLIT_ROWS]);
      expect(positives! / rows).toBeCloseTo(0.1116, 2);
    }
  });

  test.each(['logistic_regression', 'random_forest', 'xgboost'])(
    'is about as hard for %s as the real file',
    (algorithm) => {
      const { test, oot } = trained(training, algorithm);
      for (const { roc_auc, recall } of [test!, oot!]) {
        expect(roc_auc).toBeGreaterThan(0.59);
        expect(roc_auc).toBeLessThan(0.65);
        expect(recall).toBeGreaterThan(0.4);
        expect(recall).toBeLessThan(0.55);
      }
    },
  );

  test('lets racing find the parameters that the full search finds, with fewer folds', async () => {
    const searching = lifecycle.copy('searching');
    const full = await searching.search('logistic_regression', false);
    const raced = await searching.search('logistic_regression', true);
    expect(full.search).toMatchObject({ candidates: 12, foldsEvaluated: 60, foldsPlanned: 60 });
    expect(raced).toMatchObject({ best_params: full.best_params, cv_score: full.cv_score });
    expect(raced.search.foldsEvaluated).toBeLessThan(raced.search.foldsPlanned);
  });

  test('shows no drift in 2008, and asks for a retraining once the patients of 2008 are older', async () => {
    const drifting = lifecycle.copy('drifting');
    expect((await lifecycle.infer()).rows).toBe(SPLIT_ROWS.oot);
    const calm = await lifecycle.monitor();
    expect(Math.max(...Object.values(calm.drift.psi).map((psi) => psi!))).toBeLessThan(0.01);
    expect(calm.verdict).toEqual({
      drift: false,
      performance_drop: false,
      missing: false,
      retrain: false,
      conclusion: 'ok',
      not_measured: {},
    });

    const drifted = join(folder, 'drifted.csv');
    await writeDrifted(csv, drifted);
    await drifting.process(drifted);
    await drifting.infer();
    const { drift, verdict } = await drifting.monitor();
    expect(drift.drifted).toContain('age_midpoint');
    expect(verdict).toMatchObject({ drift: true, retrain: true });
  });
});
