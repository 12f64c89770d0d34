import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Params, Progress, TaskSpec } from '../../src/contracts/index.js';
import { ZERO_OR_ONE } from '../../src/contracts/task.js';
import { createEnginePool } from '../../src/ml/engines/hostPool.js';
import type { FitRequest, MatrixFile } from '../../src/ml/engines/pool.js';
import type { Script } from '../../src/ml/estimators/estimator.js';
import { sha256 } from '../../src/platform/storage/checksum.js';
import { writeColumns } from '../../src/platform/files/parquet.js';
import { hostsOf } from '../support/engineHosts.js';
import { centroids, withParquet } from '../support/scripts.js';
import { perdure } from '../support/perdure.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { until } from '../support/until.js';

const folder = temporaryFolder(afterAll);
const ROWS = 600;
const CLASSES: TaskSpec = { task: 'multiclass', classes: ['A', 'B', 'C'] };
const train: MatrixFile = {
  path: join(folder, 'train.parquet'),
  checksum: 'scripts',
  features: ['a', 'b'],
  label: 'label',
  rows: ROWS,
};
const never = new AbortController().signal;
process.env.PERDURE_CACHE = join(folder, 'cache');
const pool = createEnginePool({ hosts: 1, memory: 300 * 2 ** 20 });
afterAll(() => pool.close());

const a = Float32Array.from({ length: ROWS }, (_, i) => Math.sin(i));
const b = Float32Array.from({ length: ROWS }, (_, i) => (i % 7 === 0 ? NaN : Math.cos(i * i)));
beforeAll(() => writeColumns(train.path, { a, b, label: Int8Array.from(a, (value) => (value > 0.2 ? 1 : 0)) }));

let fits = 0;
async function fit(params: Params = {}, change: Partial<Script> = {}, task: TaskSpec = ZERO_OR_ONE): Promise<string> {
  const modelPath = join(folder, `model-${++fits}.tar`);
  await pool.fit(request(params, change, task, modelPath), never);
  return modelPath;
}

function request(params: Params, change: Partial<Script>, task: TaskSpec, modelPath: string): FitRequest {
  const script = centroids(mkdtempSync(join(folder, 'script-')), change);
  return { train, task, estimator: 'script', script, params: withParquet(params), seed: 3, modelPath };
}

const data = { path: train.path, features: train.features };
const predict = (modelPath: string, task: TaskSpec = ZERO_OR_ONE) => pool.predict({ modelPath, task, data }, never);

/** A file of a model's archive, as any tar program has it. */
const kept = (modelPath: string, file: string) => execFileSync('tar', ['-xOf', modelPath, file]).toString();

describe('a script', () => {
  test('trains, is kept as one archive, and predicts from it', async () => {
    const modelPath = await fit();
    expect(execFileSync('tar', ['-tf', modelPath]).toString().trim().split('\n')).toEqual([
      'metrics.jsonl',
      'model/model.json',
      'perdure.json',
      'script/centroids.mjs',
    ]);
    expect(JSON.parse(kept(modelPath, 'model/model.json'))).toMatchObject({
      task: 'binary',
      classes: ['0', '1'],
      seed: 3,
      features: ['a', 'b'],
      label: 'label',
      categoricals: [],
      rows: ROWS,
      held: 0,
    });
    const { values, width } = await predict(modelPath);
    expect(width).toBe(1);
    const [below, above] = [0, 1].map((label) => a.filter((value) => Number(value > 0.2) === label));
    const mean = (numbers: Float32Array) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
    // The first row lacks b, which counts as 0; the means of b are all but equal.
    const near = [below!, above!].map((numbers) => Math.exp(-(mean(numbers) ** 2)));
    expect(values[0]).toBeCloseTo(near[1]! / (near[0]! + near[1]!), 1);
    expect(values.filter((value, row) => value > 0.5 === a[row]! > 0.2).length).toBeGreaterThan(0.9 * ROWS);
  });

  test('makes the same bytes of the same rows, and others of others', async () => {
    const [first, again, other] = [await fit(), await fit(), await fit({ C: 1 })];
    expect(readFileSync(first)).toEqual(readFileSync(again));
    expect(readFileSync(first)).not.toEqual(readFileSync(other));
  });

  test('predicts as it was when it was trained, whatever becomes of its folder', async () => {
    const asked = request({}, {}, ZERO_OR_ONE, join(folder, 'kept.tar'));
    await pool.fit(asked, never);
    const before = await predict(asked.modelPath);
    writeFileSync(join(asked.script!.folder, 'centroids.mjs'), 'process.exit(1);');
    await fit();
    expect(await predict(asked.modelPath)).toEqual(before);
  });

  test('has a column for each of several classes, and one for a regression', async () => {
    const classes = await fit({}, {}, { task: 'multiclass', classes: ['A', 'B'] });
    expect((await predict(classes, { task: 'multiclass', classes: ['A', 'B'] })).width).toBe(2);
    const value: TaskSpec = { task: 'regression', objective: 'squared_error' };
    const { values } = await predict(await fit({}, {}, value), value);
    expect(values[0]).toBeCloseTo(a.filter((one) => one > 0.2).length / ROWS, 12);
  });

  test('is evaluated on folds that it has not seen', async () => {
    const { script } = request({}, {}, ZERO_OR_ONE, '');
    const asked = { train, task: ZERO_OR_ONE, estimator: 'script', script, params: withParquet(), seed: 3 } as const;
    const evaluations = await pool.evaluate({ ...asked, folds: [0, 1], cvFolds: 3, scorings: ['roc_auc'] }, never);
    expect(evaluations.map(({ scores }) => scores[0]!.score > 0.9)).toEqual([true, true]);
    const [fold] = await pool.crossPredict({ ...asked, folds: [1], cvFolds: 3 }, never);
    expect(fold!.labels.length).toBe(ROWS / 3);
    expect(fold!.output.values.length).toBe(ROWS / 3);
  });

  test('gets a share of the rows apart where it asks for that', async () => {
    const model = JSON.parse(kept(await fit({}, { validation_share: 0.25 }), 'model/model.json')) as object;
    expect(model).toMatchObject({ rows: ROWS * 0.75, held: ROWS * 0.25 });
  });

  test('has no secret of the worker in its environment', async () => {
    process.env.PERDURE_TEST_SECRET = 'hidden';
    const script = centroids(mkdtempSync(join(folder, 'script-')), { command: ['node', 'environment.mjs'] });
    writeFileSync(
      join(script.folder, 'environment.mjs'),
      `import { writeFileSync } from 'node:fs';
       writeFileSync(process.argv[process.argv.indexOf('--output') + 1] + '/environment.json', JSON.stringify(process.env));`,
    );
    const modelPath = join(folder, 'environment.tar');
    await pool.fit({ train, task: ZERO_OR_ONE, estimator: 'script', script, params: {}, seed: 1, modelPath }, never);
    const environment = JSON.parse(kept(modelPath, 'model/environment.json')) as Record<string, string>;
    delete process.env.PERDURE_TEST_SECRET;
    expect(environment).toMatchObject({ OMP_NUM_THREADS: '1', HOME: process.env.HOME });
    expect(Object.keys(environment).filter((name) => /PERDURE|AWS|SECRET|TOKEN/.test(name))).toEqual([]);
  });
});

describe('a script that misbehaves', () => {
  /** A model that predicts as a file says. */
  const control = join(folder, 'control');
  let told: Promise<string> | undefined;

  test.each<[string, Params, string, string]>([
    [
      'writes no model',
      { behaviour: 'no_model' },
      'EngineFailed',
      'The script centroids wrote no model; have "train" write its files into the folder that --output names.',
    ],
    [
      'fails',
      { behaviour: 'fails' },
      'EngineFailed',
      'The script centroids ended with exit code 3 and said "ValueError: the learning rate is -1"; correct it.',
    ],
    [
      'never ends',
      { behaviour: 'endless' },
      'EngineFailed',
      'The script centroids was ended as it had not finished training after 2 s; make it faster, or raise its "timeout_seconds".',
    ],
    [
      'takes all memory',
      { behaviour: 'hungry' },
      'EngineCrashed',
      'The script centroids was ended as it had more than its 315 MB of memory; give the worker more memory, or have the script take less.',
    ],
  ])('%s: one sentence', async (_, params, type, message) => {
    await expect(fit(params, { timeout_seconds: params.behaviour === 'endless' ? 2 : 60 })).rejects.toMatchObject({
      type,
      message,
      retryable: type === 'EngineCrashed',
    });
  });

  test.each<[what: string, behaviour: string, sentence: string]>([
    ['NaN', 'nan', 'predicted NaN of row 1, and a probability from 0 to 1 is expected; correct it.'],
    [
      'a number that is no probability',
      'beyond',
      'predicted 7 of row 1, and a probability from 0 to 1 is expected; correct it.',
    ],
    ['too few rows', 'short', 'predicted 599 rows of 600; have it write one for each row that it is given.'],
    ['too many columns', 'wide', 'predicted 2 columns, and one is expected of a binary task; see docs/scripts.md.'],
    [
      'nothing',
      'silent',
      'answered, and wrote no predictions; have "predict" write them to the path that "output" names.',
    ],
    [
      'only its end',
      'leaves',
      'ended without an answer; have "predict" read a line of stdin after the other, and answer each.',
    ],
    ['an error', 'fails', 'ended with exit code 3 and said "ValueError: the learning rate is -1"; correct it.'],
    [
      'nothing in time',
      'endless',
      'was ended as it had not predicted after 5 s; make it faster, or raise its "timeout_seconds".',
    ],
  ])('predicts %s: one sentence', async (_, behaviour, sentence) => {
    writeFileSync(control, behaviour);
    const modelPath = await (told ??= fit({ predicting: control }, { timeout_seconds: 5 }));
    await expect(predict(modelPath)).rejects.toMatchObject({
      type: 'EngineFailed',
      message: `The script centroids ${sentence}`,
    });
  });

  test('is a program among its own files: it is run, though no copy of a configuration keeps that it may be', async () => {
    const own = centroids(mkdtempSync(join(folder, 'own-')));
    writeFileSync(join(own.folder, 'train.sh'), '#!/bin/sh\nexec node centroids.mjs "$@"\n', { mode: 0o600 });
    const modelPath = await fit({}, { folder: own.folder, command: ['./train.sh'] });
    expect((await predict(modelPath)).values.length).toBe(ROWS);
  });

  test('prints garbage: its model is as good', async () => {
    const modelPath = await fit({ behaviour: 'garbage' });
    expect((await predict(modelPath)).values.length).toBe(ROWS);
  });

  test('leaves processes behind, even in a session of their own: they are ended', async () => {
    const left = Number(kept(await fit({ behaviour: 'forks' }), 'model/left.pid'));
    await until(() => !isRunning(left));
  });

  test('is not there, or needs a program that is not there', async () => {
    await expect(fit({}, { command: ['no-such-program'] })).rejects.toMatchObject({
      type: 'EngineMissing',
      message:
        'There is no no-such-program on PATH, which the script centroids runs with; install it, or correct "command".',
    });
    await expect(fit({}, { command: ['./train.sh'] })).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: 'There is no ./train.sh among the files of the script centroids; put it there, or correct "command".',
    });
    await expect(fit({}, { command: ['python3', '-c', 'import no_such_package.part'] })).rejects.toMatchObject({
      type: 'EngineMissing',
      message: expect.stringMatching(
        /^The script centroids needs the Python module no_such_package, which is not installed; install it for .*python3, or pin it in the script's requirements\.txt\.$/,
      ) as string,
    });
    // What is wrong with a script that has all its packages is no absence.
    await expect(fit({}, { command: ['python3', '-c', 'from json import nothing'] })).rejects.toMatchObject({
      type: 'EngineFailed',
    });
    await expect(fit({}, { folder: join(folder, 'nowhere') })).rejects.toMatchObject({ type: 'ConfigInvalid' });
  });
});

describe('what a script started ends', () => {
  test('where the call is cancelled', async () => {
    const controller = new AbortController();
    const asked = request({ behaviour: 'endless' }, {}, ZERO_OR_ONE, join(folder, 'cancelled.tar'));
    const fitted = pool.fit(asked, controller.signal);
    const pids = await scriptProcesses();
    const reason = new Error('no longer wanted');
    controller.abort(reason);
    await expect(fitted).rejects.toBe(reason);
    await until(() => pids.every((pid) => !isRunning(pid)));
  });

  test('where its host is killed, and its files with it', async () => {
    const control = join(folder, 'endless');
    writeFileSync(control, 'endless');
    const modelPath = await fit({ predicting: control });
    const predicted = predict(modelPath);
    const [host] = hostsOf(process.pid);
    const pids = await scriptProcesses();
    process.kill(host!, 'SIGKILL');
    await expect(predicted).rejects.toMatchObject({ type: 'EngineCrashed' });
    await until(() => pids.every((pid) => !isRunning(pid)));
    await until(() => !readdirSync(tmpdir()).some((name) => name.startsWith(`perdure-script-${host}-`)));
  });
});

/** Numbers of the processes that run the script, once there are some. */
async function scriptProcesses(): Promise<number[]> {
  const [host] = hostsOf(process.pid);
  let pids: number[] = [];
  await until(() => {
    pids = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => commandLine(pid).includes(`perdure-script-${host}-`) && !commandLine(pid).includes('guard.js'))
      .map(Number);
    return pids.length > 0;
  });
  return pids;
}

/** One that ended may stand in the list until its parent asks for it. */
function isRunning(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !/\) Z /.test(readFileSync(stat, 'utf8'));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

test('a training that was killed goes on from its checkpoint, and one that ended leaves none', async () => {
  const asked = request({ behaviour: 'resumes', salt: Date.now() }, {}, ZERO_OR_ONE, join(folder, 'resumed.tar'));
  const resumed = () => (JSON.parse(kept(asked.modelPath, 'model/model.json')) as { resumed: boolean }).resumed;
  const steps: Progress[] = [];
  const before = checkpoints();
  const controller = new AbortController();
  const cancelled = pool.fit(asked, controller.signal);
  await until(() => checkpoints().some((path) => existsSync(join(path, 'begun'))));
  controller.abort(new Error('no longer wanted'));
  await expect(cancelled).rejects.toThrow('no longer wanted');
  await pool.fit(asked, never, (progress) => steps.push(progress));
  expect(resumed()).toBe(true);
  expect(steps).toEqual([{ what: 'steps of the script', done: 1, total: 1 }]);
  expect(JSON.parse(kept(asked.modelPath, 'metrics.jsonl'))).toEqual({ step: 1, metrics: { rows: ROWS } });
  // Those of trainings before that were killed as well wait for their like.
  expect(checkpoints()).toEqual(before);
});

/** Folders of trainings that may go on, in a cache of this file's own. */
function checkpoints(): string[] {
  const root = join(process.env.PERDURE_CACHE!, 'training-checkpoints');
  return existsSync(root) ? readdirSync(root).map((name) => join(root, name)) : [];
}

describe('the version of a script', () => {
  test('changes with its files, its command and its packages, and with nothing else', async () => {
    const script = centroids(mkdtempSync(join(folder, 'script-')));
    const version = (change: Partial<Script> = {}) => pool.version('script', { ...script, ...change });
    const first = await version();
    expect(first).toMatch(/^script centroids [0-9a-f]{16}$/);
    mkdirSync(join(script.folder, '__pycache__'));
    writeFileSync(join(script.folder, '__pycache__', 'x.pyc'), 'compiled');
    expect(await version({ timeout_seconds: 5 })).toBe(first);
    expect(await version({ command: ['node', 'centroids.mjs', '--fast'] })).not.toBe(first);
    writeFileSync(join(script.folder, 'requirements.txt'), `catboost==1.2.8 \\\n    --hash=sha256:${sha256('')}\n`);
    expect(await version()).toMatch(/^script centroids [0-9a-f]{16}, Python [\d.]+, catboost 1\.2\.8$/);
  });
});

test('classes of a model are those that it was trained for', async () => {
  const two = await fit({}, {}, { task: 'multiclass', classes: ['A', 'B'] });
  await expect(predict(two, CLASSES)).rejects.toMatchObject({ type: 'InputInvalid' });
});

test('perdure script check tells what a script keeps of the contract', async () => {
  const { folder: sources } = centroids(mkdtempSync(join(folder, 'script-')));
  const check = async (params: Params) => {
    const args = ['script', 'check', join(sources, 'centroids.mjs'), '--json'];
    const { code, stdout } = await perdure(folder, [...args, '--params', JSON.stringify(withParquet(params))]);
    const { scripts } = JSON.parse(stdout) as { scripts: Record<string, { passed: boolean | null; detail: string }[]> };
    return { code, checks: scripts['centroids.mjs']! };
  };
  const good = await check({});
  expect(good.checks.map(({ passed }) => passed)).toEqual(Array(8).fill(true));
  expect(good.code).toBe(0);
  const bad = await check({ behaviour: 'no_model' });
  expect(bad.checks.map(({ passed }) => passed)).toEqual([true, false, null, null, null, null, null, null]);
  expect(bad.checks[1]!.detail).toMatch(/^The script centroids wrote no model/);
  expect(bad.code).toBe(1);
});
