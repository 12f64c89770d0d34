import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ModelTrainingCompleted } from '../../src/contracts/index.js';
import { readDatasetMetadata } from '../../src/data/dataset.js';
import { literal, withDuckDb } from '../../src/data/duckdb.js';
import { featureStoreFiles } from '../../src/data/layers.js';
import { packageFolder } from '../../src/package.js';
import { describeOnReal, REAL_CHURN } from '../support/realData.js';
import { createShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const CONF = join(packageFolder(), 'conf', 'pipelines', 'churn');

describeOnReal(REAL_CHURN, 'the churn pipeline on the real file', () => {
  const folder = temporaryFolder(afterAll);
  const engines = tinyEngines();
  afterAll(() => engines.close());

  /** Rows of the file, by their columns' names. */
  const [header, ...lines] = readFileSync(REAL_CHURN, 'utf8').trim().split(/\r?\n/);
  const names = header!.split(',');
  const customers = lines.map((line): Record<string, string> => {
    const values = line.split(',');
    return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
  });

  let pipeline: Awaited<ReturnType<typeof createShortPipeline>>;
  let training: ModelTrainingCompleted;
  beforeAll(async () => {
    const read = (file: string) => JSON.parse(readFileSync(join(CONF, file), 'utf8')) as object;
    // A search takes minutes, and changes nothing of what is looked at here.
    const config = read('model_config.dev.json') as { training_config: object };
    config.training_config = { ...config.training_config, hyperparameter_tuning: false };
    pipeline = await createShortPipeline(engines, folder, read('pipeline.json'), config);
    copyFileSync(join(CONF, 'feature_store.sql'), join(pipeline.folder, 'feature_store.sql'));
    await pipeline.process(readFileSync(REAL_CHURN));
    training = await pipeline.train(['xgboost', 'lightgbm', 'random_forest']);
  });

  test('makes the four features of the documents of each customer', async () => {
    const charges = customers.map(({ MonthlyCharges }) => Number(MonthlyCharges)).sort((a, b) => a - b);
    const median = charges[(charges.length - 1) / 2]!;
    const wanted = customers.map((customer) => {
      const [tenure, monthly] = [Number(customer.tenure), Number(customer.MonthlyCharges)];
      return {
        customerID: customer.customerID!,
        tenure_category: tenure <= 12 ? 'New' : tenure <= 24 ? 'Medium' : tenure <= 48 ? 'Long' : 'Very_Long',
        total_amount: tenure * monthly,
        avg_monthly_charges: monthly / (tenure + 1),
        is_high_risk: Number(customer.Contract === 'Month-to-month' && monthly > median),
      };
    });
    const files = await featureStoreFiles(pipeline.stores, { from: '0001-01-01', to: '9999-12-31' });
    const found = await withDuckDb(
      { resources: { cpus: 1, memory: 2 ** 30 }, scratch: folder, signal: new AbortController().signal },
      (database) =>
        database.rows(
          `SELECT ${Object.keys(wanted[0]!).join(', ')} FROM read_parquet([${files.map(({ path }) => literal(path)).join(', ')}])`,
        ),
    );
    const byId = new Map(found.map((row) => [row.customerID, row]));
    expect(found).toHaveLength(7_043);
    expect(wanted.map(({ customerID }) => byId.get(customerID))).toEqual(
      wanted.map((row) => ({
        ...row,
        total_amount: expect.closeTo(row.total_amount, 8) as number,
        avg_monthly_charges: expect.closeTo(row.avg_monthly_charges, 10) as number,
      })),
    );
  });

  test('deals seven tenths, fifteen and fifteen hundredths, and neither key nor label is a feature', async () => {
    const { inputs, splits } = await readDatasetMetadata(pipeline.stores.datamart, training.dataset);
    const { train, validation, test } = splits;
    expect(train!.rows + validation!.rows + test!.rows).toBe(7_043);
    const classes = [train!, validation!, test!].map(({ classes }) => classes![1]!);
    expect(classes.reduce((sum, rows) => sum + rows, 0)).toBe(1_869);
    for (const { rows } of [validation!, test!]) expect(Math.abs(rows / 7_043 - 0.15)).toBeLessThan(0.013);
    expect(inputs.map(({ name }) => name).sort()).toEqual(
      [
        ...names.filter((name) => name !== 'customerID' && name !== 'Churn'),
        'avg_monthly_charges',
        'is_high_risk',
        'tenure_category',
        'total_amount',
      ].sort(),
    );
  });

  test('chooses the threshold on the validation rows, tells every gate as it is, and promotes none', () => {
    const { promotion, champion, challenger, algorithms } = training;
    const best = algorithms[challenger.algorithm];
    if (best?.status !== 'completed') throw new Error('the best did not train');
    const { validation, threshold } = best;
    expect(threshold).toMatchObject({ rule: 'highest f1', split: 'validation', met: true });
    expect(validation!.threshold).toBe(threshold!.value);
    expect(champion).toBeNull();
    expect(promotion.decision).toBe('refuse');
    // By the documents. F1 is as high as a threshold makes it, and misses the gate all the same.
    const gates = { accuracy: 0.75, precision: 0.7, recall: 0.65, f1: 0.7, roc_auc: 0.75 } as const;
    for (const [metric, minimum] of Object.entries(gates) as [keyof typeof gates, number][]) {
      const value = validation![metric]!;
      const rule = promotion.rules.find((candidate) => candidate.rule === `minimum ${metric}`)!;
      expect(rule).toEqual({
        rule: `minimum ${metric}`,
        expected: `>= ${minimum}`,
        actual: expect.closeTo(value, 10) as number,
        interval: validation!.intervals![metric],
        passed: value >= minimum,
      });
    }
    expect(validation!.f1).toBeLessThan(0.7);
    expect(validation!.precision).toBeLessThan(0.7);
    expect(validation!.recall).toBeGreaterThan(0.65);
    expect(promotion.reason).toContain(`minimum f1 (expected >= 0.7, got ${validation!.f1!.toFixed(4)})`);
    expect(promotion.reason).not.toContain('roc_auc');
    expect(validation!.roc_auc).toBeGreaterThan(0.82);
  });

  test('does not stage what misses the gates, though it loads, predicts odd rows and keeps to every other limit', () => {
    const { tests, challenger } = training;
    expect(tests).toMatchObject({ challenger, passed: false, staging: null });
    expect(tests!.tests.filter(({ passed }) => !passed).map(({ test }) => test)).toEqual(['performance']);
    expect(tests!.tests).toHaveLength(8);
    expect(tests!.reason).toContain('nothing is in staging');
  });
});
