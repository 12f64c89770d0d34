import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadPipeline } from '../../src/config/load.js';
import { packageFolder } from '../../src/package.js';
import type { TaskMetrics, VersionRef } from '../../src/contracts/index.js';
import { generateCsv } from '../../src/data/synthetic.js';
import { listens } from '../../src/platform/temporal/processes.js';
import { runningStack } from '../../src/platform/temporal/stack.js';
import { documentsLeft } from '../support/documentsLeft.js';
import { perdure, startPerdure, type Outcome } from '../support/perdure.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const PIPELINE = 'readmission';
/** 120 a month over the last two of the pipeline's ten years, so that the layers take less of the time. */
const YEARS = { first: 2007, days: 731, partitions: 24 };
const ROWS = 4 * YEARS.days;

/** What `--json` promises for a run. */
interface RunJson {
  run: { workflow_id: string; run_id: string; url: string };
  processing: { status: string; rows: number; partitions: number };
  training: {
    status: string;
    champion: VersionRef;
    algorithms: Record<
      string,
      { status: string; version: string; best_params: object; cv_score: number; test: TaskMetrics; oot: TaskMetrics }
    >;
  };
  inference: { status: string; rows: number; uri: string };
  monitoring: { status: string; drift: boolean; retrain: boolean; psi: Record<string, number> };
}

// The folder and its store are shared: each test goes on where the one before it left them.
const folder = temporaryFolder(afterAll);
const env = { PERDURE_CONF: join(folder, 'conf') };

beforeAll(async () => {
  cpSync(join(packageFolder(), 'conf'), env.PERDURE_CONF, { recursive: true });
  const path = join(env.PERDURE_CONF, 'pipelines', PIPELINE, 'model_config.dev.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as {
    training_config: Record<string, unknown>;
    temporal_splits: object;
  };
  config.temporal_splits = {
    train: { start_date: '2007-01-01', end_date: '2007-12-31' },
    test: { start_date: '2008-01-01', end_date: '2008-06-30' },
    oot: { start_date: '2008-07-01', end_date: '2008-12-31' },
  };
  config.training_config.hyperparameter_tuning = false;
  config.training_config.enabled_algorithms = { logistic_regression: true, random_forest: false, xgboost: true };
  writeFileSync(path, JSON.stringify(config));
  // Which day a row is of, its position says.
  const bronze = join(env.PERDURE_CONF, 'pipelines', PIPELINE, 'bronze.sql');
  const sql = readFileSync(bronze, 'utf8')
    .replace("DATE '1999-01-01'", `DATE '${YEARS.first}-01-01'`)
    .replace('% 3653', `% ${YEARS.days}`);
  writeFileSync(bronze, sql);
  await generateCsv(await loadPipeline(PIPELINE), join(folder, 'small.csv'), { rows: ROWS });
});

function call(args: string[]): Promise<Outcome> {
  return perdure(folder, args, env);
}

async function json<T>(args: string[], exitCode = 0): Promise<T> {
  const { code, stdout, stderr } = await call([...args, '--json']);
  expect(code, stderr).toBe(exitCode);
  return JSON.parse(stdout) as T;
}

let first: RunJson;

describe('a lifecycle from the command line', () => {
  test('answers with one JSON object, tells its progress on stderr, and keeps its history', async () => {
    const { code, stdout, stderr } = await call(['run', PIPELINE, '--csv', 'small.csv', '--json']);
    expect(code, stderr).toBe(0);
    first = JSON.parse(stdout) as RunJson;

    expect(first.processing).toMatchObject({ status: 'completed', rows: ROWS, partitions: YEARS.partitions });
    expect(Object.keys(first.training.algorithms)).toEqual(['logistic_regression', 'xgboost']);
    for (const algorithm of Object.values(first.training.algorithms)) {
      expect(algorithm).toMatchObject({ status: 'completed', version: expect.stringMatching(/^v\d{8}_\d{6}_/) });
      expect([algorithm.cv_score, algorithm.test.roc_auc, algorithm.oot.recall].every(Number.isFinite)).toBe(true);
    }
    expect(first.training.algorithms[first.training.champion.algorithm]?.version).toBe(first.training.champion.version);
    expect(existsSync(fileURLToPath(first.inference.uri))).toBe(true);
    expect(first.inference.rows).toBeGreaterThan(0);
    expect(first.monitoring).toMatchObject({
      status: 'completed',
      drift: expect.any(Boolean),
      retrain: expect.any(Boolean),
    });
    expect(Object.keys(first.monitoring.psi)).toHaveLength(14);

    // All that was left in the store and in the state folder is a document of a known kind, with its format.
    const left = await documentsLeft(join(folder, '.perdure'));
    expect(left.length).toBeGreaterThan(20);
    for (const { file, format, kinds } of left)
      expect([file, typeof format, kinds.length > 0]).toEqual([file, 'number', true]);

    expect(first.run.url).toContain(first.run.workflow_id);
    expect(stderr).toContain(`Run: ${first.run.url}\n`);
    expect(stderr).toContain('Train models: ');
    expect(stderr).toContain(`"perdure up" shows it at ${first.run.url}\n`);
  });

  test('leaves no server behind', async () => {
    expect(await runningStack(join(folder, '.perdure'))).toBeUndefined();
  });

  test('without --csv goes on with the same data, and does nothing twice', async () => {
    const { processing } = await json<RunJson>(['process', PIPELINE], 3);
    expect(processing).toMatchObject({ status: 'skipped', rows: ROWS, partitions: YEARS.partitions });
  });

  test('is what status and models tell of', async () => {
    const { runs, pipelines } = await json<{
      runs: { workflow_id: string; status: string }[];
      pipelines: Record<string, object>;
    }>(['status', PIPELINE]);
    expect(runs.map(({ status }) => status)).toEqual(['COMPLETED', 'COMPLETED']);
    expect(runs.at(-1)?.workflow_id).toBe(first.run.workflow_id);
    expect(pipelines[PIPELINE]).toMatchObject({
      partitions: YEARS.partitions,
      rows: ROWS,
      champion: first.training.champion,
      predictions: { rows: first.inference.rows, files: 1 },
      report: { retrain: first.monitoring.retrain },
    });

    const { versions, aliases } = await json<{
      versions: { algorithm: string; aliases: string[]; latest: boolean }[];
      aliases: object;
    }>(['models', 'list', PIPELINE]);
    expect(aliases).toEqual({
      champion: first.training.champion,
      challenger: first.training.champion,
      staging: first.training.champion,
      production: null,
    });
    expect(versions.find(({ algorithm }) => algorithm === first.training.champion.algorithm)).toMatchObject({
      aliases: ['champion', 'challenger', 'staging'],
      latest: true,
      tests_passed: true,
    });
    expect(versions.map(({ algorithm }) => algorithm)).toEqual(['logistic_regression', 'xgboost']);
    const champion = await json<object>(['models', 'show', PIPELINE]);
    expect(champion).toMatchObject({
      ...first.training.champion,
      performance: { test: first.training.algorithms[first.training.champion.algorithm]?.test },
    });
  });

  test('trains without Temporal too, and to the same model', async () => {
    const { training } = await json<RunJson>(['train', PIPELINE, '--local', '--again', '--algorithm', 'xgboost']);
    expect(Object.keys(training.algorithms)).toEqual(['xgboost']);
    const { best_params, cv_score, test, oot } = training.algorithms.xgboost!;
    expect(first.training.algorithms.xgboost).toMatchObject({ best_params, cv_score, test, oot });
  });

  test('that is interrupted is cancelled, takes its server along, and says so', async () => {
    const run = startPerdure(folder, ['run', PIPELINE, '--json'], env);
    await run.says('Run: ');
    run.process.kill('SIGINT');
    const { code, stdout, stderr } = await run.outcome;
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ error: { type: 'Interrupted' } });
    expect(stderr).toContain('perdure: The run was cancelled');
    expect(await runningStack(join(folder, '.perdure'))).toBeUndefined();

    const { runs } = await json<{ runs: { status: string }[] }>(['status', PIPELINE]);
    expect(runs[0]?.status).toBe('CANCELLED');
  });
});

test('perdure up serves the commands of its folder until it is interrupted', async () => {
  const up = startPerdure(folder, ['up'], env);
  await up.says('Three workers are at work.');
  const running = await runningStack(join(folder, '.perdure'));
  expect(running?.pid).toBe(up.process.pid);

  // Nothing is to do, as every row has its prediction.
  const { code, stdout, stderr } = await call(['predict', PIPELINE, '--json']);
  expect(code, stderr).toBe(3);
  expect((JSON.parse(stdout) as RunJson).inference).toMatchObject({ status: 'skipped', rows: 0, uri: null });
  expect(stderr).toContain(`Temporal: ${running?.target.address}`);

  // A training closes with a table that marks the champion.
  const { algorithm } = first.training.champion;
  const trained = await call(['train', PIPELINE, '--again', '--algorithm', algorithm]);
  expect(trained.code, trained.stderr).toBe(0);
  expect(trained.stdout).toMatch(new RegExp(`^${algorithm} \\*( +0\\.\\d{4}){7}$`, 'm'));
  expect(trained.stdout).toContain('* champion, chosen by oot.roc_auc; the test columns had no part in the choice');

  const second = await call(['up']);
  expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining(`process ${up.process.pid}`) });

  up.process.kill('SIGINT');
  expect((await up.outcome).code).toBe(0);
  expect(await listens(running?.target.address ?? '')).toBe(false);
});
