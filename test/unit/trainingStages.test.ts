import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  gridCell,
  MAX_EVALUATIONS,
  type AlgorithmInput,
  type DatasetRef,
  type SearchPlan,
} from '../../src/contracts/index.js';
import { datasetKey, datasetMetadata } from '../../src/data/dataset.js';
import { messageOf } from '../../src/errors.js';
import { listVersions } from '../../src/registry/versionIndex.js';
import { versionId, versionKey, versionMetadata } from '../../src/registry/versions.js';
import { checkGoldDataExists } from '../../src/stages/checkGoldDataExists.js';
import { checkModelConfig } from '../../src/stages/checkModelConfig.js';
import { checkSufficientTrainingData } from '../../src/stages/checkSufficientTrainingData.js';
import { discardVersion } from '../../src/stages/discardVersion.js';
import { planSearch } from '../../src/stages/planSearch.js';
import { writeJson } from '../support/anyDocument.js';
import { datasetMetadataOf, versionMetadataOf } from '../support/wholeDocuments.js';
import { createTinyWorld, MONTHS, NO_ENGINES, runRef, TINY, type TinyWorld } from '../support/tinyWorld.js';

let world: TinyWorld;
beforeEach(async () => {
  world = await createTinyWorld(NO_ENGINES);
});
afterEach(() => world.close());

const input = { pipeline: TINY, run: runRef('a') };

describe('prerequisites of training', () => {
  test('a valid config says which algorithms train, and for how long they may', async () => {
    world.configure((config) => (config.training_config.enabled_algorithms.logistic_regression = false));
    expect(await world.perform(checkModelConfig, input)).toEqual({
      status: 'ready',
      algorithms: [{ name: 'xgboost', timeoutSeconds: 3 * 3600 }],
    });
    expect(await world.perform(checkModelConfig, { ...input, algorithms: ['logistic_regression'] })).toEqual({
      status: 'ready',
      algorithms: [{ name: 'logistic_regression', timeoutSeconds: 2 * 3600 }],
    });
  });

  test('an invalid config fails with all its faults', async () => {
    world.configure((config) => {
      config.model_config.cv_folds = 1;
      config.inference_config.prediction_threshold = 2;
    });
    await expect(world.perform(checkModelConfig, input)).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(
        /2 faults[^]*model_config\.cv_folds[^]*inference_config\.prediction_threshold/,
      ) as string,
    });
  });

  test('a search that Temporal has no room for is refused before any work', async () => {
    const faults = (change: Parameters<typeof world.configure>[0]) => {
      world.configure(change);
      return world.perform(checkModelConfig, input).then(() => 'none', messageOf);
    };
    const oneOf = (values: number) => Array.from({ length: values }, (_, i) => i + 1);
    const largest = ({ model_config }: { model_config: { n_iter_search: number } }) =>
      void (model_config.n_iter_search = MAX_EVALUATIONS);
    expect(await faults(largest)).toBe('none');
    expect(await faults(({ model_config }) => (model_config.n_iter_search = MAX_EVALUATIONS + 1))).toContain(
      'model_config.n_iter_search',
    );
    expect(
      await faults(({ algorithms }) => (algorithms.xgboost.param_distributions.max_depth = oneOf(40_000))),
    ).toContain('at most 128 KiB of values');
    const eight = Object.fromEntries(
      [
        'max_depth',
        'max_leaves',
        'n_estimators',
        'max_delta_step',
        'gamma',
        'reg_alpha',
        'reg_lambda',
        'min_child_weight',
      ].map((name) => [name, oneOf(100)]),
    );
    expect(
      await faults(({ algorithms }) => Object.assign(algorithms.xgboost, { param_distributions: eight })),
    ).toContain('fewer than 2^53 combinations');
  });

  test('no algorithm enabled skips; an unknown one is an error', async () => {
    world.configure(
      (config) => (config.training_config.enabled_algorithms = { logistic_regression: false, xgboost: false }),
    );
    expect(await world.perform(checkModelConfig, input)).toEqual({
      status: 'skipped',
      reason: 'No algorithm is enabled: set one to true in training_config.enabled_algorithms.',
    });
    await expect(world.perform(checkModelConfig, { ...input, algorithms: ['catboost'] })).rejects.toMatchObject({
      type: 'NotFound',
      message: 'There is no algorithm "catboost"; this pipeline has logistic_regression, xgboost.',
    });
  });

  test('empty gold skips, and so do too few partitions', async () => {
    expect(await world.perform(checkGoldDataExists, input)).toEqual({
      status: 'skipped',
      reason: 'The feature store and the label store are empty: run data processing first.',
    });
    await world.writeGold(MONTHS.slice(0, 9));
    expect(await world.perform(checkGoldDataExists, input)).toEqual({ status: 'ready' });
    expect(await world.perform(checkSufficientTrainingData, input)).toEqual({
      status: 'skipped',
      reason:
        'The feature store has 9 of the 10 partitions that training asks for: process more data, or lower training_config.min_partitions.',
    });
    await world.writeGold(MONTHS.slice(9, 10));
    expect(await world.perform(checkSufficientTrainingData, input)).toEqual({ status: 'ready' });
  });
});

describe('the plan of a search', () => {
  const planFor = async (algorithm: string) =>
    world.perform(planSearch, { ...input, algorithm, dataset: await storeDataset(world) });
  const candidatesOf = ({ grid, cells, order }: SearchPlan) =>
    order.map((index) => ({ index, params: gridCell(grid, cells[index]!) }));

  test('class_weight "balanced" fixes balancing instead of searching it', async () => {
    const logistic = candidatesOf(await planFor('logistic_regression'));
    expect(logistic).toHaveLength(4);
    expect(logistic.every(({ params }) => params.class_weight === 'balanced')).toBe(true);
    const boosted = candidatesOf(await planFor('xgboost'));
    expect(boosted).toHaveLength(4);
    expect(boosted.every(({ params }) => params.scale_pos_weight === 8)).toBe(true);
    expect(new Set(boosted.map(({ params }) => JSON.stringify(params))).size).toBe(4);
  });

  test('the candidates that take longest come first, under the indexes that sampling gave them', async () => {
    world.configure((config) => {
      config.algorithms.xgboost.param_distributions = {
        n_estimators: [10, 200],
        max_depth: [2, 9],
        learning_rate: [0.3],
        scale_pos_weight: [1],
      };
      config.training_config.class_weight = null;
    });
    const candidates = candidatesOf(await planFor('xgboost'));
    const sizes = candidates.map(({ params }) => Number(params.n_estimators) * Number(params.max_depth));
    expect(sizes).toEqual([1800, 400, 90, 20]);
    expect(candidates.map(({ index }) => index).sort()).toEqual([0, 1, 2, 3]);
  });

  test('without it the weights are searched, "balanced" being negatives over positives of the train split', async () => {
    world.configure((config) => {
      config.training_config.class_weight = null;
      config.model_config.n_iter_search = 16;
    });
    const candidates = candidatesOf(await planFor('xgboost'));
    expect(new Set(candidates.map(({ params }) => params.scale_pos_weight))).toEqual(new Set([1, 8]));
  });

  test('with tuning off there is the one candidate of the config', async () => {
    world.configure((config) => (config.training_config.hyperparameter_tuning = false));
    expect(candidatesOf(await planFor('xgboost'))).toEqual([
      { index: 0, params: { max_depth: 2, n_estimators: 10, learning_rate: 0.3, scale_pos_weight: 8 } },
    ]);
  });

  test('racing looks after every fold', async () => {
    expect((await planFor('xgboost')).rungs).toEqual([[0, 1, 2]]);
    world.configure((config) => (config.search.racing = true));
    expect((await planFor('xgboost')).rungs).toEqual([[0], [1], [2]]);
  });

  test('a dataset that was changed after preprocessing is refused', async () => {
    const dataset = await storeDataset(world);
    await writeJson(world.stores.datamart, datasetKey(dataset.id, 'metadata.json'), {});
    const asked: AlgorithmInput = { ...input, algorithm: 'xgboost', dataset };
    await expect(world.perform(planSearch, asked)).rejects.toMatchObject({ type: 'ObjectCorrupt' });
  });
});

describe('discarding', () => {
  const ref = { algorithm: 'xgboost', version: versionId(input.run) };
  const keys = async () => {
    const found: string[] = [];
    for await (const { key } of world.stores.modelRegistry.list('model_registry/')) found.push(key);
    return found;
  };

  test('removes an unfinished version, and only that', async () => {
    await world.stores.modelRegistry.put(versionKey(ref, 'model.ubj'), 'a model');
    await world.stores.modelRegistry.put(versionKey({ ...ref, version: 'v1' }, 'model.ubj'), 'another');
    await world.perform(discardVersion, { ...input, algorithm: 'xgboost' });
    expect(await keys()).toEqual([versionKey({ ...ref, version: 'v1' }, 'model.ubj')]);
  });

  test('leaves a registered version alone, and lists it where its run was stopped before that', async () => {
    const { modelRegistry } = world.stores;
    await modelRegistry.put(versionKey(ref, 'model.ubj'), 'a model');
    await versionMetadata.write(modelRegistry, versionKey(ref, 'metadata.json'), versionMetadataOf(ref));
    await world.perform(discardVersion, { ...input, algorithm: 'xgboost' });
    expect(await keys()).toEqual(
      expect.arrayContaining([versionKey(ref, 'model.ubj'), versionKey(ref, 'metadata.json')]),
    );
    expect(await listVersions(modelRegistry, ref.algorithm)).toMatchObject([ref]);
  });
});

async function storeDataset({ stores: { datamart } }: TinyWorld): Promise<DatasetRef> {
  const id = 'train_data_20020301_120000_a';
  const splits = { train: { rows: 90, classes: [80, 10], unlabelled: 0, checksum: '' } };
  const written = await datasetMetadata.write(
    datamart,
    datasetKey(id, 'metadata.json'),
    datasetMetadataOf(id, { splits }),
  );
  return { id, ...written, rows: { train: 90, test: 0, oot: 0 } };
}
