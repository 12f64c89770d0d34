import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AlgorithmTrained, ModelTrainingCompleted } from '../../src/contracts/index.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { newVersionDocument, versionKey } from '../../src/registry/versions.js';
import { createShortPipeline, type ShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());

/** 1,200 rows, one in ten of which is positive and one in five of a third grade; a number tells either somewhat. */
const random = new Mt19937(11);
const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
const rows = Array.from({ length: 1_200 }, (_, i) => {
  const positive = i % 10 === 0;
  const grade = i % 5 === 0 ? 'c' : i % 2 === 0 ? 'a' : 'b';
  const x = uniform() + (positive ? 0.4 : 0) + (grade === 'c' ? 0.3 : 0);
  return { id: `r-${i}`, x: Math.round(x * 1000) / 1000, y: positive ? 'yes' : 'no', grade };
});
const csv = ['id,x,y,grade', ...rows.map(({ id, x, y, grade }) => `${id},${x},${y},${grade}`)].join('\n') + '\n';
const BINARY = { source: 'rows.csv', key: 'id', label: { column: 'y', positive: 'yes' }, drop: ['grade'] };
const GRADES = { source: 'rows.csv', key: 'id', label: 'grade', task: 'multiclass', drop: ['y'] };
const WEIGHTED = { training_config: { class_weight: 'balanced' } };
const ALGORITHMS = ['logistic_regression', 'xgboost'];

async function trained(definition: object, config: object, algorithms = ALGORITHMS) {
  const pipeline = await createShortPipeline(engines, folder, definition, config);
  await pipeline.process(csv);
  return { pipeline, training: await pipeline.train(algorithms) };
}
const versionOf = ({ algorithms }: ModelTrainingCompleted, algorithm: string) => {
  const version = algorithms[algorithm]!;
  if (version.status !== 'completed') throw new Error(version.reason);
  return version;
};
const calibratorOf = ({ stores }: ShortPipeline, algorithm: string, { version }: AlgorithmTrained) =>
  newVersionDocument(stores.modelRegistry, { algorithm, version }, 'calibrator.json');
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('a model of weighted classes', () => {
  let calibrated: Awaited<ReturnType<typeof trained>>;
  let plain: Awaited<ReturnType<typeof trained>>;
  beforeAll(async () => {
    calibrated = await trained(BINARY, WEIGHTED);
    plain = await trained(BINARY, { ...WEIGHTED, evaluation: { calibration: 'none' } });
  });

  test.each(ALGORITHMS)('orders the rows as before, nearer to what they are: %s', async (algorithm) => {
    const [with_, without] = [versionOf(calibrated.training, algorithm), versionOf(plain.training, algorithm)];
    for (const split of ['validation', 'test'] as const) {
      expect(with_[split]!.roc_auc).toBe(without[split]!.roc_auc);
      expect(with_[split]!.average_precision).toBe(without[split]!.average_precision);
      expect(with_[split]!.brier_score).toBeLessThan(without[split]!.brier_score! * 0.7);
    }
    expect(await calibratorOf(plain.pipeline, algorithm, without)).toBeUndefined();
  });

  test('predicts probabilities of the data', async () => {
    const probabilities = async ({ pipeline }: typeof plain) =>
      (await pipeline.predict('logistic_regression')).map(({ probability }) => probability as number);
    expect(mean(await probabilities(plain))).toBeGreaterThan(0.2);
    expect(Math.abs(mean(await probabilities(calibrated)) - 0.1)).toBeLessThan(0.03);
  });

  test('is fitted on rows that the models of the folds have not seen, each once', async () => {
    const calibrator = await calibratorOf(calibrated.pipeline, 'xgboost', versionOf(calibrated.training, 'xgboost'));
    expect(calibrator!.rows).toBe(calibrated.training.dataset.rows.train);
    expect(calibrator!.brier_score.after).toBeLessThan(calibrator!.brier_score.before);
  });

  test('stands before the gate and is monitored as it was evaluated', async () => {
    const { pipeline, training } = calibrated;
    const best = versionOf(training, training.challenger.algorithm);
    expect(training.promotion.metrics.challenger.brier_score).toBeCloseTo(best.validation!.brier_score!, 12);
    const evaluated = versionOf(training, 'logistic_regression');
    const model = { algorithm: 'logistic_regression', version: evaluated.version };
    const { performance } = await pipeline.monitor(model);
    if (performance.status === 'skipped') throw new Error(performance.reason);
    const held = evaluated.validation!.n + evaluated.test!.n;
    expect(performance.metrics.n).toBe(held);
    expect(performance.metrics.brier_score).toBeCloseTo(
      (evaluated.validation!.brier_score! * evaluated.validation!.n +
        evaluated.test!.brier_score! * evaluated.test!.n) /
        held,
      10,
    );
  });

  test('that lost its calibrator predicts nothing', async () => {
    const { pipeline, training } = calibrated;
    const ref = { algorithm: 'xgboost', version: versionOf(training, 'xgboost').version };
    rmSync(fileURLToPath(pipeline.stores.modelRegistry.uri(versionKey(ref, 'calibrator.json'))));
    await expect(pipeline.predict('xgboost')).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: expect.stringContaining('calibrator.json') as string,
    });
  });
});

test('without weights a model is calibrated where the config asks for it', async () => {
  const { pipeline, training } = await trained(BINARY, {}, ['xgboost']);
  expect(await calibratorOf(pipeline, 'xgboost', versionOf(training, 'xgboost'))).toBeUndefined();
  const asked = await trained(BINARY, { evaluation: { calibration: 'isotonic' } }, ['xgboost']);
  const calibrator = await calibratorOf(asked.pipeline, 'xgboost', versionOf(asked.training, 'xgboost'));
  expect(calibrator!.curves.map(({ method }) => method)).toEqual(['isotonic']);
});

test('several classes have a curve each, and probabilities that add up to 1', async () => {
  const { pipeline, training } = await trained(GRADES, WEIGHTED, ['xgboost']);
  const version = versionOf(training, 'xgboost');
  const calibrator = await calibratorOf(pipeline, 'xgboost', version);
  expect(calibrator!.curves).toHaveLength(3);
  const predicted = await pipeline.predict('xgboost');
  for (const { probability_a, probability_b, probability_c } of predicted)
    expect((probability_a as number) + (probability_b as number) + (probability_c as number)).toBeCloseTo(1, 10);
  expect(Math.abs(mean(predicted.map(({ probability_c }) => probability_c as number)) - 0.2)).toBeLessThan(0.05);
});

test('folds follow the groups of a split, without a search as well', async () => {
  const grouped = csv
    .replaceAll(/^r-(\d+),/gm, (_, i: string) => `r-${i},g${Number(i) % 60},`)
    .replace('id,', 'id,who,');
  const pipeline = await createShortPipeline(
    engines,
    folder,
    { ...BINARY, split: { by: 'group', column: 'who', validation: 0.2, test: 0.2 } },
    WEIGHTED,
  );
  await pipeline.process(grouped);
  const training = await pipeline.train(['xgboost']);
  const calibrator = await calibratorOf(pipeline, 'xgboost', versionOf(training, 'xgboost'));
  expect(calibrator!.rows).toBe(training.dataset.rows.train);
});
