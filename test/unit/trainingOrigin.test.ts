import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadPipeline, type Pipeline } from '../../src/config/load.js';
import { packageFolder } from '../../src/package.js';
import { codeCommit } from '../../src/registry/codeCommit.js';
import { isSameOrigin, originOf, type Inputs } from '../../src/registry/origin.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const conf = temporaryFolder(afterAll);
const folder = join(conf, 'pipelines', 'loans');
mkdirSync(folder, { recursive: true });
writeFileSync(
  join(folder, 'pipeline.json'),
  JSON.stringify({ source: 'loans.csv', time: 'day', key: 'id', label: 'paid' }),
);
const pipeline = await loadPipeline('loans', { PERDURE_CONF: conf });

const INPUTS = {
  partitions: { '2000_01': { features: 'a' }, '2000_02': { features: 'b' } },
  labelled_to: '2000-03-15',
  as_of: '2000-03-20',
} as unknown as Inputs;

/** Where a training comes from, with some settings otherwise. */
const origin = (change: (of: Pipeline) => void = () => {}, inputs: Partial<Inputs> = {}, engine = 'libxgboost') => {
  const changed = structuredClone({ definition: pipeline.definition, config: pipeline.config });
  const of = { ...pipeline, ...changed };
  change(of);
  return originOf(of, 'xgboost', { ...INPUTS, ...inputs }, engine);
};
const isSame = async (...otherwise: Parameters<typeof origin>) =>
  isSameOrigin(await origin(...otherwise), await origin());

describe('two trainings make the same model', () => {
  test.each<[string, (of: Pipeline) => void]>([
    ['alerts', ({ config }) => (config.alerts.accuracy_drop = 0.5)],
    ['where a phase works', ({ config }) => (config.compute.training = 'ecs')],
    ['what monitoring looks at', ({ config }) => (config.monitoring_config.window_days = 3)],
    ['how many rows are scored at once', ({ config }) => (config.inference_config.batch_size = 3)],
    ['another algorithm', ({ config }) => (config.algorithms.lightgbm!.params = { num_leaves: 3 })],
    ['which algorithms are trained beside it', ({ config }) => (config.training_config.algorithms = ['xgboost'])],
  ])('whatever is said of %s', async (_, change) => {
    expect(await isSame(change)).toBe(true);
  });

  test('whatever day it is, once the labels of all rows are known', async () => {
    expect(await isSame(undefined, { as_of: '2001-01-01', labelled_to: '2000-12-01' })).toBe(true);
  });
});

describe('they make another one', () => {
  test.each<[string, (of: Pipeline) => void]>([
    ['threshold', ({ config }) => (config.inference_config.prediction_threshold = 0.3)],
    ['maturity of labels', ({ config }) => (config.monitoring_config.label_maturity_days = 3)],
    ['weight of classes', ({ config }) => (config.training_config.class_weight = 'balanced')],
    ['parameter', ({ config }) => (config.algorithms.xgboost!.params = { max_depth: 3 })],
    ['seed', ({ config }) => (config.model_config.random_state = 7)],
    ['gate', ({ config }) => (config.promotion_gate.min_samples = 7)],
    ['label', ({ definition }) => (definition.label = 'default')],
    ['dropped column', ({ definition }) => (definition.drop = ['age'])],
  ])('by another %s', async (_, change) => {
    expect(await isSame(change)).toBe(false);
  });

  test('by other data, fewer labels, or another engine', async () => {
    const more = { partitions: { ...INPUTS.partitions, '2000_03': { features: 'c' } } } as unknown as Inputs;
    expect(await isSame(undefined, more)).toBe(false);
    // Of the days of the second month some are not labelled yet.
    expect(await isSame(undefined, { labelled_to: '2000-02-10' })).toBe(false);
    expect(await isSame(undefined, {}, 'lib_lightgbm')).toBe(false);
  });
});

describe('the commit of the code', () => {
  test('is that of the checkout, where there is one', async () => {
    const checkout = existsSync(join(packageFolder(), '.git'));
    expect(await codeCommit({ PATH: process.env.PATH })).toEqual(
      checkout ? expect.stringMatching(/^[0-9a-f]{40}$/) : null,
    );
  });

  test('is what PERDURE_COMMIT says where git can not tell, else unknown', async () => {
    expect(await codeCommit({ PATH: '', PERDURE_COMMIT: 'c0ffee' })).toBe('c0ffee');
    expect(await codeCommit({ PATH: '' })).toBeNull();
  });
});
