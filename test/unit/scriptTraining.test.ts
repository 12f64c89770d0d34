import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelTrainingCompleted, ModelTrainingResult, VersionRef } from '../../src/contracts/index.js';
import { readVersionFile, readVersionFileIfAny, requireVersion } from '../../src/registry/versions.js';
import { findUnchanged } from '../../src/stages/findUnchanged.js';
import { modelFiles } from '../../src/platform/tracking/modelFiles.js';
import { predict } from '../../src/stages/predict.js';
import { resolveModel } from '../../src/stages/resolveModel.js';
import { trainLocally } from '../../src/stages/trainLocally.js';
import { describeResults } from '../../src/cli/resultTables.js';
import { completed, presumingTested } from '../support/training.js';
import { CENTROIDS, centroids, PARQUET } from '../support/scripts.js';
import {
  AFTER_ALL,
  createTinyWorld,
  MONTHS,
  runRef,
  TINY,
  tinyEngines,
  type TinyWorld,
} from '../support/tinyPipeline.js';

const engines = tinyEngines();
let world: TinyWorld;

beforeAll(async () => {
  world = await createTinyWorld(engines);
  centroids(join(process.env.PERDURE_CONF!, 'pipelines', TINY));
  await world.writeGold(MONTHS);
  configure();
});
afterAll(async () => {
  world.close();
  await engines.close();
});

/** The pipeline with a script as its only algorithm that trains. */
function configure(change: Parameters<TinyWorld['configure']>[0] = () => {}): void {
  world.configure((config) => {
    config.model_config.cv_folds = 2;
    config.model_config.n_iter_search = 2;
    config.evaluation.calibration = 'sigmoid';
    config.training_config.algorithms.push('centroids');
    config.training_config.enabled_algorithms = { logistic_regression: false, xgboost: false };
    Object.assign(config.algorithms, { centroids: CENTROIDS });
    change(config);
  });
}

/** @param tested whether the model tests measure it, which run the script once for each row */
async function train(tested = false): Promise<ModelTrainingResult> {
  return trainLocally(
    { pipeline: TINY, asOf: AFTER_ALL },
    {
      runStage: tested ? world.runStage : presumingTested(world.runStage),
      signal: new AbortController().signal,
      onStep: () => {},
      onProgress: () => {},
      onAlgorithm: () => {},
    },
  );
}

const scriptFile = () => join(process.env.PERDURE_CONF!, 'pipelines', TINY, 'centroids', 'centroids.mjs');

describe('a pipeline with a script', () => {
  let trained: ModelTrainingCompleted;
  let version: VersionRef;
  beforeAll(async () => {
    const result = await train(true);
    if (result.status === 'skipped') throw new Error(result.reason);
    trained = result;
    version = result.champion!;
  });

  test('trains it, tests it and makes it champion', async () => {
    expect(trained.algorithms).toMatchObject({ centroids: { status: 'completed' } });
    expect(version.algorithm).toBe('centroids');
    expect(trained.tests).toMatchObject({ passed: true });
    const { modelRegistry } = world.stores;
    const metadata = await requireVersion(modelRegistry, version);
    expect(metadata.model_file).toBe('model.tar');
    expect(metadata.lineage.engine).toMatch(/^script centroids [0-9a-f]{16}$/);
    expect(metadata.candidates.map(({ params }) => params.shrinkage).sort()).toEqual([0, 0.5]);
    expect(await readVersionFileIfAny(modelRegistry, metadata, 'calibrator.json')).toMatchObject({ rows: 1080 });
  });

  test('tells how important features are by permutation, and why not by SHAP values and gain', async () => {
    const { shap, gain, permutation, features } = await readVersionFile(
      world.stores.modelRegistry,
      version,
      'importance.json',
    );
    expect(shap).toEqual({ not_measured: 'A script says no SHAP values.' });
    expect(gain).toEqual({ not_measured: 'A script says nothing of splits whose gain could be counted.' });
    expect(permutation).toMatchObject({ metric: 'roc_auc', repeats: 5 });
    expect(features[0]).toMatchObject({ feature: 'x1', shap: null, gain: null });
  });

  test('predicts, and says why there are no reasons', async () => {
    configure((config) => Object.assign(config.inference_config, { reasons: 2 }));
    const asked = { pipeline: TINY, run: runRef('predicted'), asOf: AFTER_ALL };
    const resolved = await world.perform(resolveModel, asked);
    if (resolved.status === 'skipped') throw new Error(resolved.reason);
    const predicted = await world.perform(predict, { ...asked, model: resolved.model });
    configure();
    expect(predicted).toMatchObject({ rows: 180, unexplained: 'A script says no SHAP values.' });
  });

  test('is logged in MLflow without a python_function, and why', async () => {
    const { modelRegistry } = world.stores;
    const metadata = await requireVersion(modelRegistry, version);
    const about = { modelId: 'm-1', runId: 'r-1', createdAt: '2002-03-01T12:00:00.000Z' };
    const files = await modelFiles(modelRegistry, await world.pipeline(), metadata, about);
    expect(files.map(({ path }) => path)).toEqual([
      'data/model.tar',
      'data/preprocessing.json',
      'data/calibrator.json',
      'data/decision.json',
      'MLmodel',
    ]);
    const { content } = files.at(-1)!;
    expect(JSON.parse('text' in content ? content.text : '')).toMatchObject({
      flavors: { perdure_script: { data: 'data' } },
      metadata: { algorithm: 'centroids', no_python_function: expect.stringContaining('data/model.tar') as string },
    });
  });

  test('is as it was until its files change', async () => {
    const unchanged = () =>
      world.perform(findUnchanged, {
        pipeline: TINY,
        run: runRef('later'),
        asOf: AFTER_ALL,
        algorithms: ['centroids'],
      });
    expect(await unchanged()).toEqual({ unchanged: [version] });
    const before = readFileSync(scriptFile());
    appendFileSync(scriptFile(), '// another version');
    expect(await unchanged()).toEqual({ unchanged: [] });
    writeFileSync(scriptFile(), before);
  });

  test('whose files are not in its folder is refused when the configuration is read', async () => {
    configure((config) =>
      Object.assign((config.algorithms as Record<string, object>).centroids!, {
        script: { folder: 'nowhere', command: ['node', 'centroids.mjs'] },
      }),
    );
    await expect(world.pipeline()).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(
        /^The algorithm "centroids" is the script nowhere, and there is no folder .*tiny\/nowhere; put its files there, or correct "script\.folder"\.$/,
      ) as string,
    });
    configure();
  });

  test('that can not run fails alone', async () => {
    configure((config) => {
      config.training_config.enabled_algorithms.logistic_regression = true;
      config.training_config.hyperparameter_tuning = false;
      config.evaluation.calibration = 'none';
      Object.assign(config.algorithms, {
        centroids: {
          ...(config.algorithms as Record<string, object>).centroids,
          script: { folder: 'centroids', command: ['no-such-program'] },
        },
      });
    });
    const result = await train();
    configure();
    expect(result).toMatchObject({
      status: 'partial',
      algorithms: {
        logistic_regression: { status: 'completed' },
        centroids: {
          status: 'failed',
          reason: expect.stringContaining('There is no no-such-program on PATH') as string,
        },
      },
    });
  });
});

describe('a script that may be left out', () => {
  const REASON =
    'There is no no-such-program on PATH, which the script centroids runs with; install it, or correct "command".';
  /** Beside another algorithm, or alone. */
  const configureOptional = (command: string[], beside: boolean, change: object = {}) =>
    configure((config) => {
      config.training_config.enabled_algorithms.logistic_regression = beside;
      config.evaluation.calibration = 'none';
      Object.assign((config.algorithms as Record<string, object>).centroids!, {
        optional: true,
        script: { folder: 'centroids', command },
        ...change,
      });
    });
  const trainAs = async (...asked: Parameters<typeof configureOptional>) => {
    configureOptional(...asked);
    try {
      return await train();
    } finally {
      configure();
    }
  };

  test('is, where its program is not there: the others carry on, and the result, the registry and the page say why', async () => {
    // Each of its candidates fails alike.
    const result = completed(await trainAs(['no-such-program'], true));
    expect(result.algorithms).toMatchObject({
      logistic_regression: { status: 'completed' },
      centroids: { status: 'skipped', reason: REASON },
    });
    expect(result.challenger.algorithm).toBe('logistic_regression');
    const { modelRegistry, monitoring } = world.stores;
    const promotion = await readVersionFile(modelRegistry, result.challenger, 'promotion.json');
    expect(promotion.left_out).toEqual({ centroids: REASON });
    const page = result.page && 'uri' in result.page ? result.page.uri : '';
    const html = readFileSync(await monitoring.localFile(monitoring.key(page)), 'utf8');
    expect(html.replaceAll('&quot;', '"')).toContain(`centroids was left out: ${REASON}`);
    expect(describeResults({ training: result })).toContain(`centroids was left out: ${REASON}`);
  });

  test('is so where nothing else is to be trained: the run is skipped with both reasons', async () => {
    const result = await trainAs(['no-such-program'], true);
    expect(result).toMatchObject({
      status: 'skipped',
      reason: expect.stringMatching(
        /^Nothing changed since version v\S+ of logistic_regression: .* centroids was left out: There is no no-such-program/,
      ) as string,
    });
  });

  test('fails the run where it is the only one', async () => {
    await expect(trainAs(['no-such-program'], false)).rejects.toThrow(
      `No algorithm could be trained. centroids: ${REASON}`,
    );
  });

  test('fails where it is there and crashes', async () => {
    const broken = { param_distributions: { parquet: [PARQUET], behaviour: ['fails'] } };
    const result = await trainAs(['node', 'centroids.mjs'], true, broken);
    expect(result).toMatchObject({
      status: 'partial',
      algorithms: {
        centroids: {
          status: 'failed',
          reason: expect.stringContaining('The script centroids ended with exit code 3') as string,
        },
      },
    });
  });
});
