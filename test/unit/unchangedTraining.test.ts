import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type {
  DriftResult,
  ModelTrainingResult,
  ObjectRef,
  PerformanceResult,
  WrittenReport,
} from '../../src/contracts/index.js';
import { PerdureError } from '../../src/errors.js';
import type { EnginePool } from '../../src/ml/engines/pool.js';
import { LATEST_REPORT, monitoringReport } from '../../src/monitoring/report.js';
import * as code from '../../src/registry/codeCommit.js';
import { aliasKey, movePointer, readPointer } from '../../src/registry/pointers.js';
import { CHALLENGER, CHAMPION } from '../../src/registry/aliases.js';
import { latestVersion } from '../../src/registry/resolve.js';
import { versionKey, type VersionFile } from '../../src/registry/versions.js';
import { trainLocally } from '../../src/stages/trainLocally.js';
import { writeReport } from '../../src/stages/writeReport.js';
import { writeJson } from '../support/anyDocument.js';
import { listedKeys } from '../support/buckets.js';
import {
  AFTER_ALL,
  createTinyWorld,
  MONTHS,
  runRef,
  TINY,
  tinyEngines,
  type TinyWorld,
} from '../support/tinyPipeline.js';
import { presumingTested } from '../support/training.js';

const engines = tinyEngines();
/** What the engine says its version is; `missing` where it is not installed. */
let engine: string | undefined;
const pool: EnginePool = {
  ...engines,
  version: async (estimator) => {
    if (engine === 'missing') throw new PerdureError('EngineMissing', 'The library is not installed.');
    return engine ?? (await engines.version(estimator));
  },
};
let world: TinyWorld;
/** Version per algorithm of the first training. */
let first: Record<string, string>;

type Configure = Parameters<TinyWorld['configure']>[0];
const quickly: Configure = (config) => (config.training_config.hyperparameter_tuning = false);

beforeAll(async () => {
  world = await createTinyWorld(pool);
  await world.writeGold(MONTHS);
  world.configure(quickly);
  await train();
  first = await newest();
  world.save();
});
beforeEach(() => {
  world.restore();
  world.configure(quickly);
  engine = undefined;
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(async () => {
  world.close();
  await engines.close();
});

async function train(
  asked: { asOf?: string; again?: boolean; algorithms?: string[] } = {},
): Promise<{ result: ModelTrainingResult; steps: string[] }> {
  const steps: string[] = [];
  const result = await trainLocally(
    { pipeline: TINY, asOf: AFTER_ALL, ...asked },
    {
      runStage: presumingTested(world.runStage),
      signal: new AbortController().signal,
      onStep: (step) => steps.push(step),
      onProgress: () => {},
      onAlgorithm: () => {},
    },
  );
  return { result, steps };
}

async function newest(): Promise<Record<string, string>> {
  const versions = ['logistic_regression', 'xgboost'].map(
    async (name) => [name, (await latestVersion(world.stores.modelRegistry, name))!.version] as const,
  );
  return Object.fromEntries(await Promise.all(versions));
}

/** Algorithms whose newest version is another than that of the first training. */
async function trained(): Promise<string[]> {
  const now = await newest();
  return Object.keys(first).filter((name) => now[name] !== first[name]);
}

function fileOf(algorithm: string, file: VersionFile): string {
  return fileURLToPath(world.stores.modelRegistry.uri(versionKey({ algorithm, version: first[algorithm]! }, file)));
}

async function promote(algorithm: string): Promise<void> {
  await movePointer(
    world.stores.modelRegistry,
    aliasKey(CHAMPION),
    { algorithm, version: first[algorithm]! },
    { workflowId: 'by hand', runId: '1' },
    'a test',
  );
}

function champion() {
  return readPointer(world.stores.modelRegistry, aliasKey(CHAMPION));
}

describe('a training that would only make the newest versions again', () => {
  test('is skipped before it preprocesses, says why, and leaves the registry and the datasets as they were', async () => {
    const before = [
      await listedKeys(world.stores.modelRegistry),
      await listedKeys(world.stores.datamart),
      await champion(),
    ];
    const { result, steps } = await train();
    expect(result).toEqual({
      status: 'skipped',
      reason: `Nothing changed since version ${first.xgboost} of logistic_regression, xgboost: data, settings, code and seed are the same, so a training would make the same again (--again, or "again": true, trains all the same).`,
    });
    expect(steps).toEqual(['checking the prerequisites']);
    expect([
      await listedKeys(world.stores.modelRegistry),
      await listedKeys(world.stores.datamart),
      await champion(),
    ]).toEqual(before);
  });

  test('is skipped as well on a later day, as no more labels can become known', async () => {
    expect((await train({ asOf: '2009-07-01' })).result.status).toBe('skipped');
  });

  test('is skipped where settings changed that have no part in a model', async () => {
    world.configure((config) => {
      quickly(config);
      Object.assign(config, {
        alerts: { repeat_after_hours: 5 },
        prices: { currency: 'USD', per_vcpu_hour: 1, per_gb_hour: 1 },
      });
      config.inference_config.batch_size = 51;
      config.algorithms.xgboost.timeout_hours = 4;
    });
    expect((await train()).result.status).toBe('skipped');
  });

  test('is done all the same where it is asked for again', async () => {
    expect((await train({ again: true })).result.status).toBe('completed');
    expect(await trained()).toEqual(['logistic_regression', 'xgboost']);
  });
});

describe('a training is done', () => {
  test.each<[string, () => void | Promise<void>]>([
    ['of another seed', () => world.configure((config) => (quickly(config), (config.model_config.random_state = 43)))],
    [
      'of another setting of the search',
      () => world.configure((config) => (quickly(config), (config.model_config.cv_folds = 4))),
    ],
    [
      'of another window',
      () => world.configure((config) => (quickly(config), (config.temporal_splits.train.start_date = '2000-02-01'))),
    ],
    ['of other data in one partition', () => world.writeGold(['2000_05'], { x1: 'x1 + 0.5' })],
    ['by another engine', () => void (engine = 'libxgboost 3.2.1')],
    [
      'by other code',
      () => void vi.spyOn(code, 'codeCommit').mockResolvedValue('0123456789abcdef0123456789abcdef01234567'),
    ],
  ])('%s', async (_, change) => {
    await change();
    const { result } = await train();
    expect(result).toMatchObject({ status: 'completed' });
    expect(result).not.toHaveProperty('unchanged');
    expect(await trained()).toEqual(['logistic_regression', 'xgboost']);
  });

  test('as of a day when fewer labels were known, and not again at that day', async () => {
    expect((await train({ asOf: '2001-12-31' })).result.status).toBe('completed');
    expect((await train({ asOf: '2001-12-31' })).result.status).toBe('skipped');
    expect((await train()).result.status).toBe('completed');
  });

  test('as of a day when fewer labels were known, of rows that have days and are split by chance', async () => {
    world.configure((config) => {
      quickly(config);
      Object.assign(config, { temporal_splits: undefined });
      config.model_config.champion_metric = 'test.roc_auc';
    });
    expect((await train({ asOf: '2001-12-31' })).result.status).toBe('completed');
    expect((await train({ asOf: '2001-12-31' })).result.status).toBe('skipped');
    expect((await train()).result.status).toBe('completed');
    expect((await train({ asOf: '2009-07-01' })).result.status).toBe('skipped');
  });

  test.each<[string, () => void]>([
    ['a model that was changed', () => writeFileSync(fileOf('xgboost', 'model.ubj'), 'no model')],
    ['a model that is gone', () => rmSync(fileOf('xgboost', 'model.ubj'))],
    ['a damaged file beside the model', () => writeFileSync(fileOf('xgboost', 'preprocessing.json'), '{}')],
    [
      'metadata that are cut',
      () =>
        writeFileSync(
          fileOf('xgboost', 'metadata.json'),
          readFileSync(fileOf('xgboost', 'metadata.json')).subarray(0, 100),
        ),
    ],
    ['metadata that are gone', () => rmSync(fileOf('xgboost', 'metadata.json'))],
  ])('where the newest version has %s', async (_, damage) => {
    // The other algorithm's version is champion, and whole.
    await promote('logistic_regression');
    damage();
    const { result } = await train();
    expect(result).toMatchObject({
      status: 'completed',
      unchanged: [{ algorithm: 'logistic_regression', version: first.logistic_regression }],
    });
    expect((await newest()).xgboost).not.toBe(first.xgboost);
    expect((await train()).result.status).toBe('skipped');
  });

  test('where the champion is an older version that is damaged, as "train again" is what repairs it', async () => {
    const before = (await champion())!;
    expect((await train({ again: true, algorithms: [before.algorithm] })).result.status).toBe('completed');
    await promote(before.algorithm);
    rmSync(fileOf(before.algorithm, 'model.ubj'));
    const { result } = await train({ algorithms: [before.algorithm] });
    expect(result).toMatchObject({ status: 'completed', champion: { version: (await newest())[before.algorithm] } });
  });

  test('where the run that made the newest versions ended before it chose among them', async () => {
    await train({ again: true });
    const {
      stores: { modelRegistry },
    } = world;
    const chosen = (await readPointer(modelRegistry, aliasKey(CHALLENGER)))!;
    const {
      history: [before, ...history],
    } = chosen;
    await writeJson(modelRegistry, aliasKey(CHALLENGER), { ...before, history });
    const unchosen = await newest();
    expect((await train()).result).toMatchObject({ status: 'completed' });
    expect(await newest()).not.toEqual(unchosen);
    expect((await train()).result).toMatchObject({ status: 'skipped' });
  });

  test('where the champion is gone', async () => {
    rmSync(fileURLToPath(world.stores.modelRegistry.uri(aliasKey(CHAMPION))));
    expect((await train()).result.status).toBe('completed');
    expect(await champion()).toBeDefined();
  });
});

describe('monitoring that found something', () => {
  /** Drift, or a performance that dropped: the report goes by what was measured. */
  const drift: DriftResult = {
    ...{ status: 'measured', rows: 200, drifted: ['x1'], score_drifted: false, missing: [] },
    ...{
      psi: { x1: 0.6 },
      expected_psi: { x1: 0.01 },
      p_value: { x1: 0 },
      missing_rate: {},
      training_missing_rate: {},
    },
    ...{ score_psi: 0, score_expected_psi: 0, score_p_value: 1 },
  };
  const performance: PerformanceResult = { status: 'skipped', reason: 'There are 12 labels; 100 are needed.' };

  async function report(asOf = AFTER_ALL, found: DriftResult = drift): Promise<WrittenReport> {
    const { algorithm, version } = (await champion())!;
    return world.perform(writeReport, {
      ...{ pipeline: TINY, run: runRef('m'), asOf, performance, drift: found },
      predictions: { model: { algorithm, version }, rows: 200 },
    });
  }
  const withForest = (optional: boolean) => (config: Parameters<Configure>[0]) => {
    quickly(config);
    const forest = { estimator: 'random_forest', timeout_hours: 1, params: {}, param_distributions: {}, optional };
    config.training_config.algorithms.push('forest');
    Object.assign(config.training_config.enabled_algorithms, { forest: true });
    Object.assign(config.algorithms, { forest });
  };
  const asked = async (asOf?: string) => {
    const { verdict } = await report(asOf);
    return { retrain: verdict.retrain, why: verdict.no_retraining };
  };

  test('asks for no retraining where nothing to learn from has come since, and says so', async () => {
    const { algorithm, version } = (await champion())!;
    const why = `No retraining is asked for, as nothing to learn from has come since ${algorithm} ${version} was trained.`;
    const { verdict, severity, page } = await report();
    expect({ verdict, severity }).toEqual({
      severity: 'severe',
      verdict: {
        ...{ drift: true, performance_drop: null, missing: false, conclusion: 'attention' },
        ...{ retrain: false, no_retraining: why, not_measured: { performance: performance.reason } },
      },
    });
    expect((await monitoringReport.read(world.stores.monitoring, LATEST_REPORT))?.verdict).toEqual(verdict);
    expect(readFileSync(fileURLToPath((page as ObjectRef).uri), 'utf8')).toContain(why);
    expect(await asked('2009-07-01')).toEqual({ retrain: false, why });
  });

  test.each<[string, () => void | Promise<void>]>([
    ['once labelled rows came', () => world.writeGold(['2001_11'], { label: '1 - label' })],
    [
      'where settings changed',
      () => world.configure((config) => (quickly(config), (config.model_config.cv_folds = 4))),
    ],
    ['where one of the algorithms is new', () => world.configure(withForest(false))],
    ['where the engine cannot be looked at', () => void (engine = 'missing')],
  ])('asks for one %s', async (_, change) => {
    expect((await asked()).retrain).toBe(false);
    await change();
    expect(await asked()).toEqual({ retrain: true, why: undefined });
  });

  test('asks for one as of a day when fewer labels were known', async () => {
    expect(await asked('2001-12-31')).toEqual({ retrain: true, why: undefined });
  });

  test('asks for none where only an algorithm is missing that is left out', async () => {
    world.configure(withForest(true));
    expect((await asked()).retrain).toBe(false);
  });

  test('has no reason to tell where nothing was found', async () => {
    const { verdict } = await report(AFTER_ALL, { status: 'skipped', reason: 'Too few.' });
    expect(verdict.retrain).toBe(false);
    expect(verdict).not.toHaveProperty('no_retraining');
  });
});

describe('a training where only some algorithms changed', () => {
  const changeXgboost = () =>
    world.configure(
      (config) => (
        quickly(config),
        (config.algorithms.xgboost.params = { ...config.algorithms.xgboost.params, n_estimators: 1, max_depth: 1 })
      ),
    );

  test('trains those, and the best of all is what stands for champion', async () => {
    await promote('logistic_regression');
    const before = (await champion())!;
    changeXgboost();
    const { result } = await train();
    if (result.status === 'skipped') throw new Error(result.reason);
    expect(Object.keys(result.algorithms)).toEqual(['xgboost']);
    expect(result.unchanged).toEqual([{ algorithm: 'logistic_regression', version: first.logistic_regression }]);
    expect(await trained()).toEqual(['xgboost']);
    expect(Object.keys(result.comparison.scores).sort()).toEqual(['logistic_regression', 'xgboost']);
    const best = Object.entries(result.comparison.scores).sort(([, a], [, b]) => b - a)[0]![0];
    expect(result.challenger.algorithm).toBe(best);
    expect(best).toBe('logistic_regression');
    expect(result).toMatchObject({
      champion: result.challenger,
      promotion: { decision: 'refuse', champion: result.challenger, rules: [] },
    });
    expect(result.promotion.reason).toMatch(
      /^logistic_regression v\S+ stays champion: it is champion already, and still the best oot.roc_auc of /,
    );
    expect(await champion()).toEqual(before);
  });

  test('that fail leave the champion what it is: the others stand, as in the run before', async () => {
    await promote('logistic_regression');
    world.configure(
      (config) => (
        quickly(config),
        (config.algorithms.xgboost.params = { ...config.algorithms.xgboost.params, max_depth: 2 ** 31 })
      ),
    );
    const { result } = await train();
    expect(result).toMatchObject({
      status: 'partial',
      algorithms: { xgboost: { status: 'failed' } },
      unchanged: [{ algorithm: 'logistic_regression' }],
      champion: { algorithm: 'logistic_regression' },
    });
  });

  test('a first model that the gate refused is not trained again and again', async () => {
    const strict: Configure = (config) => (
      quickly(config),
      Object.assign(config, { promotion_gate: { min_samples: 100_000 } })
    );
    world.configure(strict);
    rmSync(fileURLToPath(world.stores.modelRegistry.uri(aliasKey(CHAMPION))));
    expect((await train()).result).toMatchObject({ status: 'completed', champion: null });
    expect(await readPointer(world.stores.modelRegistry, aliasKey(CHALLENGER))).toBeDefined();
    expect((await train()).result.status).toBe('skipped');
  });
});
