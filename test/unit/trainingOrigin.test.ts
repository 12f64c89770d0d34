import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadPipeline, type Pipeline } from '../../src/config/load.js';
import { ownPackage, packageFolder } from '../../src/package.js';
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
    ['storage', ({ config }) => (config.storage.datamart_bucket = 'elsewhere')],
    ['the steward', ({ config }) => (config.steward.cooldown_hours = 3)],
    ['schedules', ({ config }) => (config.schedules = { training: {} as never })],
    ['prices', ({ config }) => (config.prices = { currency: 'EUR', per_vcpu_hour: 1, per_gb_hour: 1 })],
    ['the least number of partitions', ({ config }) => (config.training_config.min_partitions = 3)],
    ['how long an algorithm may take', ({ config }) => (config.algorithms.xgboost!.timeout_hours = 3)],
    ['the title', ({ definition }) => (definition.title = 'Loans of 2000')],
    ['where the rows come from', ({ definition }) => (definition.source.file = 'others.csv')],
    ['the online store', ({ definition }) => (definition.online_store = {} as never)],
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
    ['list of features', ({ definition }) => (definition.features = [{ name: 'age', type: 'numeric', scale: true }])],
    ['source of labels', ({ definition }) => (definition.labelSource = { column: 'default' } as never)],
    ['task', ({ definition }) => (definition.task = 'multiclass')],
    ['objective', ({ definition }) => (definition.objective = 'poisson')],
    ['split', ({ definition }) => (definition.split = { by: 'random', test: 0.3, seed: 0 })],
    ['transform', ({ definition }) => (definition.transforms = [])],
    ['key', ({ definition }) => (definition.keys = ['id', 'branch'])],
    ['entity', ({ definition }) => (definition.entity = 'branch')],
    ['partition', ({ definition }) => (definition.partition.by = 'year')],
    ['search', ({ config }) => (config.search.scoring = 'accuracy')],
    ['evaluation', ({ config }) => (config.evaluation.min_slice_rows = 7)],
    ['tuning', ({ config }) => (config.training_config.hyperparameter_tuning = true)],
    ['selection of features', ({ config }) => (config.training_config.feature_selection = false)],
    ['estimator', ({ config }) => (config.algorithms.xgboost!.estimator = 'lightgbm')],
    ['script', ({ config }) => (config.algorithms.xgboost!.script = { folder: 'mine' } as never)],
    ['distribution', ({ config }) => (config.algorithms.xgboost!.param_distributions = { max_depth: [3] })],
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

test('of a training is taken down what it was made from, in digests where that is much', async () => {
  const sha256 = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex');
  expect(await origin()).toEqual({
    inputs_digest: sha256(INPUTS.partitions),
    settings_digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    code_commit: await codeCommit(),
    package_version: ownPackage().version,
    engine: 'libxgboost',
    seed: 42,
  });
});

test('rows without days have no end, so that no day changes what is made of them', async () => {
  const withoutDays = ({ definition }: Pipeline) => {
    definition.partition = { by: 'none', column: undefined } as never;
    definition.split = { by: 'random', test: 0.2, seed: 0 };
  };
  const later = { as_of: '2001-01-01', labelled_to: '2000-01-01' };
  expect(isSameOrigin(await origin(withoutDays, later), await origin(withoutDays))).toBe(true);
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
