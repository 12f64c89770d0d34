import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeResults } from '../../src/cli/resultTables.js';
import type { AlgorithmTrained, ModelTrainingCompleted } from '../../src/contracts/index.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { readVersionFile } from '../../src/registry/versions.js';
import { isHeldOut } from '../support/heldOut.js';
import { createShortPipeline, type ShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

describe('a version whose threshold is chosen on validation rows', () => {
  const folder = temporaryFolder(afterAll);
  const engines = tinyEngines();
  afterAll(() => engines.close());

  /** One row in eight is positive, which a number tells somewhat. */
  const random = new Mt19937(5);
  const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
  const rows = Array.from({ length: 800 }, (_, i) => {
    const positive = i % 8 === 0;
    return {
      id: `r-${i}`,
      x: Math.round((uniform() + (positive ? 0.35 : 0)) * 1000) / 1000,
      y: positive ? 'yes' : 'no',
    };
  });
  const csv = ['id,x,y', ...rows.map(({ id, x, y }) => `${id},${x},${y}`)].join('\n') + '\n';
  const definition = { source: 'rows.csv', key: 'id', label: { column: 'y', positive: 'yes' } };
  const config = {
    evaluation: { threshold: { maximize: 'f1' } },
    promotion_gate: { minimums: { recall: 0.99, roc_auc: 0.6 } },
  };

  let pipeline: ShortPipeline;
  let training: ModelTrainingCompleted;
  let trained: AlgorithmTrained;
  beforeAll(async () => {
    pipeline = await createShortPipeline(engines, folder, definition, config);
    await pipeline.process(csv);
    training = await pipeline.train(['logistic_regression']);
    trained = training.algorithms.logistic_regression as AlgorithmTrained;
  });

  test('keeps it, and is evaluated and put before the gate at it', async () => {
    const { value } = trained.threshold!;
    const ref = { algorithm: 'logistic_regression', version: trained.version };
    expect(await readVersionFile(pipeline.stores.modelRegistry, ref, 'threshold.json')).toEqual({
      value,
      rule: 'highest f1',
      split: 'validation',
      met: true,
    });
    expect(trained.validation!.threshold).toBe(value);
    expect(trained.test!.threshold).toBe(value);
    expect(training.promotion.metrics.challenger).toMatchObject({ threshold: value, f1: trained.validation!.f1 });
    // At .5 hardly a row is positive where one in eight is.
    expect(value).toBeLessThan(0.4);
    expect(trained.validation!.f1).toBeGreaterThan(0.3);
  });

  test('is told with the results', () => {
    const text = describeResults({ training });
    expect(text).toContain(
      `Decision threshold: logistic_regression ${trained.threshold!.value.toFixed(4)} (highest f1 in the validation split)`,
    );
  });

  test('has every gate told with what was found, its interval, the limit and the verdict', () => {
    const { recall, roc_auc, intervals } = trained.validation!;
    const shown = ([low, high]: [number, number]) => `${low.toFixed(4)} to ${high.toFixed(4)}`;
    const lines = describeResults({ training }).split('\n');
    for (const [metric, value, limit, verdict] of [
      ['recall', recall, '>= 0.99', 'FAILED'],
      ['roc_auc', roc_auc, '>= 0.6', 'passed'],
    ] as const) {
      const row = lines.find((line) => line.startsWith(metric))!;
      expect(row.split(/  +/)).toEqual([metric, value!.toFixed(4), shown(intervals![metric]!), limit, verdict]);
    }
    // The percentile interval holds the value, and is as narrow as so many rows make it.
    const [low, high] = intervals!.roc_auc!;
    expect(low).toBeLessThan(roc_auc!);
    expect(high).toBeGreaterThan(roc_auc!);
    expect(high - low).toBeLessThan(0.4);
    expect(training.algorithms.logistic_regression).not.toHaveProperty('train');
    expect(lines.join()).toContain(
      `test.roc_auc of logistic_regression lies from ${shown(trained.test!.intervals!.roc_auc!)}`,
    );
  });

  test('predicts and is monitored by it, whatever the config says later', async () => {
    writeFileSync(
      join(pipeline.folder, 'model_config.dev.json'),
      JSON.stringify({ inference_config: { prediction_threshold: 0.9 } }),
    );
    const predicted = await pipeline.predict('logistic_regression');
    expect(predicted).toHaveLength(rows.length);
    for (const { probability, label } of predicted)
      expect(label).toBe((probability as number) >= trained.threshold!.value ? 1 : 0);
    const { performance } = await pipeline.monitor({ algorithm: 'logistic_regression', version: trained.version });
    // Counted here, row by row.
    const others = predicted.filter(({ id }) => isHeldOut(id as string));
    const caught = others.filter(({ id, label }) => label === 1 && rows[Number((id as string).slice(2))]!.y === 'yes');
    const positives = others.filter(({ id }) => rows[Number((id as string).slice(2))]!.y === 'yes');
    expect(performance).toMatchObject({
      status: 'measured',
      metrics: { n: others.length, threshold: trained.threshold!.value, recall: caught.length / positives.length },
    });
  });

  test('needs validation rows, which is said before anything is trained', async () => {
    const other = await createShortPipeline(
      engines,
      folder,
      { ...definition, split: { by: 'random', test: 0.3 } },
      config,
    );
    await other.process(csv);
    await expect(other.train(['logistic_regression'])).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message:
        'evaluation.threshold chooses in the split validation, and there is none (there are train, test); name its share or its days in the split, or set inference_config.prediction_threshold and remove the rule.',
    });
  });
});
