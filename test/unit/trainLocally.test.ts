import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AlgorithmResult, ModelTrainingCompleted, Progress } from '../../src/contracts/index.js';
import type { EnginePool } from '../../src/ml/engines/pool.js';
import { PerdureError } from '../../src/errors.js';
import { codeCommit } from '../../src/registry/codeCommit.js';
import { aliasKey, latestKey, readPointer } from '../../src/registry/pointers.js';
import { CHAMPION } from '../../src/registry/aliases.js';
import { listVersions } from '../../src/registry/versionIndex.js';
import { readVersion, readVersionFile, versionKey } from '../../src/registry/versions.js';
import { countedRows } from '../../src/monitoring/profile.js';
import { trainLocally } from '../../src/stages/trainLocally.js';
import { scalerOf } from '../support/scaler.js';
import {
  AFTER_ALL,
  createTinyWorld,
  MONTHS,
  ROWS_A_MONTH,
  TINY,
  tinyEngines,
  type TinyWorld,
} from '../support/tinyPipeline.js';

const engines = tinyEngines();
let world: TinyWorld;
afterEach(() => world.close());
afterAll(() => engines.close());

async function train(options: { algorithms?: string[]; again?: boolean; asOf?: string; signal?: AbortSignal } = {}) {
  const news: { steps: string[]; progress: Progress[]; algorithms: Record<string, AlgorithmResult> } = {
    steps: [],
    progress: [],
    algorithms: {},
  };
  const result = await trainLocally(
    { pipeline: TINY, asOf: options.asOf ?? AFTER_ALL, algorithms: options.algorithms, again: options.again },
    {
      runStage: world.runStage,
      signal: options.signal ?? new AbortController().signal,
      onStep: (step) => news.steps.push(step),
      onProgress: (progress) => news.progress.push(progress),
      onAlgorithm: (name, trained) => (news.algorithms[name] = trained),
    },
  );
  return { result, news };
}

async function trainToTheEnd(options: Parameters<typeof train>[0] = {}): Promise<ModelTrainingCompleted> {
  const { result } = await train(options);
  if (result.status === 'skipped') throw new Error(result.reason);
  return result;
}

async function registryKeys(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of world.stores.modelRegistry.list('model_registry/')) keys.push(key);
  return keys;
}

describe('training with the real engine', () => {
  beforeEach(async () => {
    world = await createTinyWorld(engines);
    await world.writeGold(MONTHS);
  });

  test('trains every enabled algorithm, registers each and promotes the best', async () => {
    const { result, news } = await train();
    if (result.status === 'skipped') throw new Error(result.reason);
    expect(result.status).toBe('completed');
    expect(Object.keys(result.algorithms)).toEqual(['logistic_regression', 'xgboost']);
    expect(news.algorithms).toEqual(result.algorithms);
    expect(news.progress.filter(({ what, done, total }) => what === 'candidates' && done === total)).toHaveLength(2);

    for (const trained of Object.values(result.algorithms)) {
      if (trained.status !== 'completed') throw new Error(trained.reason);
      expect(trained.search).toEqual({ candidates: 4, failed: 0, foldsEvaluated: 12, foldsPlanned: 12 });
      expect(trained.cv_score).toBeGreaterThan(0.7);
      expect(trained.oot!.roc_auc).toBeGreaterThan(0.7);
    }
    const { scores } = result.comparison;
    expect(scores[result.champion!.algorithm]).toBe(Math.max(...Object.values(scores)));
    expect(await readPointer(world.stores.modelRegistry, aliasKey(CHAMPION))).toMatchObject(result.champion!);
  });

  test('a version explains itself', async () => {
    const { algorithms, dataset } = await trainToTheEnd({ algorithms: ['xgboost'] });
    const trained = algorithms.xgboost!;
    if (trained.status !== 'completed') throw new Error(trained.reason);
    const registry = world.stores.modelRegistry;
    const ref = { algorithm: 'xgboost', version: trained.version };

    const metadata = (await readVersion(registry, ref))!;
    const { configHash } = await world.pipeline();
    expect(metadata).toMatchObject({
      model_name: 'xgboost',
      version: trained.version,
      temporal_splits: { train: { start_date: '2000-01-01', end_date: '2001-06-30' } },
      feature_count: 3,
      training_samples: 18 * ROWS_A_MONTH,
      test_samples: 3 * ROWS_A_MONTH,
      oot_samples: 3 * ROWS_A_MONTH,
      performance: { test: trained.test, oot: trained.oot },
      best_params: trained.best_params,
      cv_score: trained.cv_score,
      lineage: {
        pipeline: TINY,
        environment: 'dev',
        config_hash: configHash,
        engine: 'libxgboost 3.2.0',
        seed: 42,
        dataset: { id: dataset.id, checksum: dataset.checksum },
      },
    });
    expect(metadata.lineage.code_commit).toBe(await codeCommit());
    expect(metadata.candidates).toHaveLength(4);
    expect(Object.keys(metadata.lineage.inputs)).toEqual(MONTHS);

    const preprocessing = await readVersionFile(registry, ref, 'preprocessing.json');
    expect(preprocessing.features).toEqual(['x1', 'x2', 'flag']);
    expect(Object.keys(scalerOf(preprocessing))).toEqual(['x1', 'x2']);
    const profile = await readVersionFile(registry, ref, 'profile.json');
    expect(Object.keys(profile.columns).sort()).toEqual(['flag', 'x1', 'x2']);
    expect(profile.rows).toBe(18 * ROWS_A_MONTH);
    expect(countedRows(profile.score)).toBe(3 * ROWS_A_MONTH);

    expect((await listVersions(registry, 'xgboost')).map(({ version }) => version)).toEqual([trained.version]);
    expect(await readPointer(registry, latestKey('xgboost'))).toMatchObject(ref);
  });

  test('the same inputs and seed give the same bytes', async () => {
    const checksums = async () => {
      const { algorithms } = await trainToTheEnd({ again: true });
      const models = Object.entries(algorithms).map(async ([algorithm, trained]) => {
        if (trained.status !== 'completed') throw new Error(trained.reason);
        return (await readVersion(world.stores.modelRegistry, { algorithm, version: trained.version }))!.lineage
          .model_checksum;
      });
      return Promise.all(models);
    };
    const first = await checksums();
    expect(await checksums()).toEqual(first);
    expect(await listVersions(world.stores.modelRegistry, 'xgboost')).toHaveLength(2);
  });

  test('a candidate that the engine refuses leaves the search; the others go on', async () => {
    world.configure((config) => (config.algorithms.xgboost.param_distributions.max_depth = [2, 2 ** 31]));
    const { algorithms } = await trainToTheEnd({ algorithms: ['xgboost'] });
    const trained = algorithms.xgboost!;
    if (trained.status !== 'completed') throw new Error(trained.reason);
    expect(trained.search.failed).toBeGreaterThan(0);
    expect(trained.search.failed).toBeLessThan(4);
    const { candidates } = (await readVersion(world.stores.modelRegistry, {
      algorithm: 'xgboost',
      version: trained.version,
    }))!;
    expect(candidates.filter(({ dropped }) => dropped?.includes('max_depth'))).toHaveLength(trained.search.failed);
  });

  test('an algorithm that fails leaves the others registered, and nothing of itself', async () => {
    world.configure((config) => (config.algorithms.xgboost.param_distributions.max_depth = [2 ** 31]));
    const result = await trainToTheEnd();
    expect(result.status).toBe('partial');
    expect(result.champion?.algorithm).toBe('logistic_regression');
    expect(result.algorithms.xgboost).toMatchObject({ status: 'failed', type: 'EngineFailed' });
    expect((await registryKeys()).filter((key) => key.includes('/xgboost/'))).toEqual([]);
  });

  test('racing spares folds and finds a winner as good', async () => {
    const full = await trainToTheEnd({ algorithms: ['xgboost'] });
    world.configure((config) => {
      config.search.racing = true;
    });
    const raced = await trainToTheEnd({ algorithms: ['xgboost'] });
    const [a, b] = [full.algorithms.xgboost!, raced.algorithms.xgboost!];
    if (a.status !== 'completed' || b.status !== 'completed') throw new Error('failed');
    expect(b.search.foldsEvaluated).toBeLessThanOrEqual(a.search.foldsEvaluated);
    expect(b.cv_score).toBeGreaterThan(a.cv_score! - 0.001);
  });

  test('goes by one configuration, whatever is changed meanwhile, and its versions name it', async () => {
    world.configure((config) => (config.training_config.hyperparameter_tuning = false));
    const result = await trainLocally(
      { pipeline: TINY, asOf: AFTER_ALL },
      {
        runStage: world.runStage,
        signal: new AbortController().signal,
        onStep: () => {},
        onProgress: () => {},
        // After the first of two algorithms.
        onAlgorithm: () =>
          world.configure(
            (config) => (
              (config.training_config.hyperparameter_tuning = false),
              (config.model_config.random_state = 7)
            ),
          ),
      },
    );
    if (result.status === 'skipped') throw new Error(result.reason);
    const versions = Object.entries(result.algorithms).map(async ([algorithm, trained]) => {
      if (trained.status !== 'completed') throw new Error(trained.reason);
      const { seed, config_version } = (await readVersion(world.stores.modelRegistry, {
        algorithm,
        version: trained.version,
      }))!.lineage;
      return [seed, config_version];
    });
    expect(await Promise.all(versions)).toEqual([
      [42, result.config],
      [42, result.config],
    ]);
    expect(existsSync(fileURLToPath(world.stores.datamart.uri(`conf/versions/${result.config}.json`)))).toBe(true);
  });

  test('without gold it skips', async () => {
    world.close();
    world = await createTinyWorld(engines);
    const { result } = await train();
    expect(result).toEqual({
      status: 'skipped',
      reason: 'The feature store and the label store are empty: run data processing first.',
    });
  });

  test('a stopped training leaves nothing behind', async () => {
    const stop = new AbortController();
    const running = trainLocally(
      { pipeline: TINY, asOf: AFTER_ALL },
      {
        runStage: world.runStage,
        signal: stop.signal,
        onStep: () => {},
        onProgress: ({ what }) => what === 'candidates' && stop.abort(new Error('stopped by hand')),
        onAlgorithm: () => {},
      },
    );
    await expect(running).rejects.toThrow('stopped by hand');
    expect(await registryKeys()).toEqual([]);
  });
});

describe('when the engine dies', () => {
  const crash = new PerdureError('EngineCrashed', 'The engine process of a call to predict was killed (SIGKILL).');

  test('after the refit, no half version stays in the registry', async () => {
    world = await createTinyWorld({ ...engines, predict: () => Promise.reject(crash) });
    await world.writeGold(MONTHS);
    await expect(train({ algorithms: ['xgboost'] })).rejects.toThrow(
      `No algorithm could be trained. xgboost: ${crash.message}`,
    );
    expect(await registryKeys()).toEqual([]);
  });

  test('a version is not visible before its last file is there', async () => {
    const seen: string[][] = [];
    const watched: EnginePool = {
      ...engines,
      // The engine's version is asked for the metadata, the last file of a version.
      version: async (estimator) => {
        seen.push(
          await registryKeys(),
          (await listVersions(world.stores.modelRegistry, 'xgboost')).map(({ version }) => version),
        );
        return engines.version(estimator);
      },
    };
    world = await createTinyWorld(watched);
    await world.writeGold(MONTHS);
    const { algorithms } = await trainToTheEnd({ algorithms: ['xgboost'] });
    const trained = algorithms.xgboost!;
    if (trained.status !== 'completed') throw new Error(trained.reason);
    const file = (name: Parameters<typeof versionKey>[1]) =>
      versionKey({ algorithm: 'xgboost', version: trained.version }, name);
    expect(seen[0]).toEqual([
      file('background.json'),
      file('curves.json'),
      file('importance.json'),
      file('model.ubj'),
      file('performance.json'),
      file('preprocessing.json'),
      file('profile.json'),
      file('reference_scores.parquet'),
      file('signature.json'),
      file('threshold.json'),
      file('trained_rows.parquet'),
    ]);
    expect(seen[1]).toEqual([]);
  });
});
