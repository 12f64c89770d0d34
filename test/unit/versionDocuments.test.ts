import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ZERO_OR_ONE } from '../../src/contracts/index.js';
import { PerdureError } from '../../src/errors.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { slicesOf } from '../../src/registry/slices.js';
import {
  createUnlessThere,
  createVersionFile,
  readVersion,
  readVersionFile,
  versionKey,
} from '../../src/registry/versions.js';
import { writeJson } from '../support/anyDocument.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { versionMetadataOf } from '../support/wholeDocuments.js';

const ref = { algorithm: 'xgboost', version: 'v1' };

let registry: FolderStore;
beforeEach(() => {
  registry = new FolderStore(temporaryFolder());
});

const pair: [number, number] = [0.7, 0.9];
const slice = { column: 'place', value: 'north' };
const slices = {
  min_rows: 20,
  splits: {
    validation: [{ ...slice, rows: 30, metrics: { n: 30, roc_auc: 0.8 } }],
    test: [{ ...slice, rows: 3, metrics: null }],
  },
  not_measured: 'The rows are not there.',
};
const bins = { kind: 'bins' as const, edges: [0.5], counts: [1, 0, 2], missing: 1 };
/** Of each document everything that it may have. */
const WHOLE = {
  'preprocessing.json': {
    task: ZERO_OR_ONE,
    inputs: [
      { name: 'x', kind: 'number' as const, type: 'numeric' as const },
      { name: 'place', kind: 'category' as const, type: 'categorical' as const },
      { name: 'since', kind: 'date' as const, type: 'numeric' as const },
    ],
    transforms: { columns: [{ column: 'x', kind: 'number' as const, steps: [], outputs: ['x'] }] },
    features: ['x'],
    label: 'y',
  },
  'profile.json': {
    window: { start_date: '2025-01-01', end_date: '2025-06-30' },
    rows: 4,
    columns: { x: bins, place: { kind: 'categories' as const, counts: { north: 3 }, missing: 1 } },
    label: bins,
    score: bins,
  },
  'threshold.json': { value: 0.25, rule: 'best f1', split: 'validation' as const, met: true },
  'slices.json': slices,
  'curves.json': {
    splits: {
      test: {
        residuals: { edges: [-1, 0, 1], counts: [1, 2] },
        calibration: [{ predicted: 0.2, observed: 0.25, rows: 4 }],
        thresholds: [{ threshold: 0.5, precision: null, recall: 0, f1: 0, positive: 0 }],
        scores: [{ class: 'yes', counts: [1, 0] }],
      },
    },
    explanation: {
      split: 'test' as const,
      rows: 200,
      importance: [{ feature: 'x', mean_abs_shap: 0.5 }],
      swarm: [{ feature: 'x', points: [[0.5, null] as [number, null], [-0.5, 1] as [number, number]] }],
    },
  },
  'importance.json': {
    features: [
      { feature: 'x', shap: 0.5, permutation: { mean: 0.1, std: 0.01 }, gain: 3 },
      { feature: 'z', shap: null, permutation: null, gain: null },
    ],
    shap: { split: 'test' as const, rows: 200 },
    permutation: { split: 'test' as const, rows: 200, metric: 'roc_auc', baseline: 0.8, repeats: 5 },
    gain: { total: 3 },
  },
  'background.json': { features: ['x'], values: [0.5] },
  'signature.json': {
    inputs: [
      {
        ...{ name: 'x', type: 'number' as const, missing: 'stays missing', outside: 'is moved to the nearer bound' },
        ...{ range: [0, 1] as [number, number], categories: ['a'] },
      },
    ],
    outputs: [{ name: 'prediction', type: 'DOUBLE' }],
  },
  'calibrator.json': {
    curves: [
      { method: 'sigmoid' as const, a: -1, b: 0 },
      { method: 'isotonic' as const, from: [0, 1], to: [0.1, 0.9] },
    ],
    rows: 100,
    brier_score: { before: 0.2, after: 0.1 },
  },
  'learning_curve.json': { steps: [{ step: 1, metrics: { loss: 0.5 } }] },
  'promotion.json': {
    decision: 'promote' as const,
    reason: 'It is better.',
    grounds: 'it passes the one rule',
    challenger: ref,
    champion: { algorithm: 'xgboost', version: 'v0' },
    not_compared: null,
    rules: [{ rule: 'minimum roc_auc', expected: '>= 0.7', actual: 0.8, interval: pair, passed: true }],
    not_judged: ['place = north (3 rows)'],
    metrics: { challenger: { n: 100, roc_auc: 0.8 }, champion: null },
    comparison: {
      ...{ auc: pair, variance: pair, covariance: 0, difference: 0.1, standard_error: 0.05, z: 2, p: 0.04 },
      ...{ positives: 40, negatives: 60 },
    },
    convention: 'The difference is that of the challenger.',
    left_out: { lightgbm: 'It failed.' },
  },
  'readiness.json': {
    tested_at: '2026-01-02T03:04:05.000Z',
    by: { workflow_id: 'test', run_id: 'run' },
    resources: '1x2',
    passed: false,
    tests: [{ test: 'invariance', expected: '0', actual: null, passed: false, detail: 'No row was left.' }],
  },
};

describe.each(Object.keys(WHOLE) as (keyof typeof WHOLE)[])('%s of a version', (file) => {
  test('is read as it was written, with all that it may have', async () => {
    await createVersionFile(registry, ref, file, WHOLE[file]);
    expect(await readVersionFile(registry, ref, file)).toEqual(WHOLE[file]);
  });

  test('is not written with anything else in it, nor with nothing', async () => {
    const more = { ...WHOLE[file], more: 1 };
    await expect(createVersionFile(registry, ref, file, more)).rejects.toThrow(
      /^This is no \w[\w ]+ o[fn] a version that can be written \(.*"more"\)\.$/,
    );
    await expect(createVersionFile(registry, ref, file, {} as typeof more)).rejects.toThrow('This is no ');
  });

  test('says what it is where something else is in its place', async () => {
    await writeJson(registry, versionKey(ref, file), {});
    await expect(readVersionFile(registry, ref, file)).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: expect.stringMatching(
        / is damaged: it is no \w[\w ]+ o[fn] a version( \(.+\)| of format 1); restore it, /,
      ) as string,
    });
  });
});

test('performance of a version is that of some splits, and of nothing else', async () => {
  const whole = { train: { n: 3 }, validation: { n: 2, roc_auc: null }, test: { n: 1 }, oot: { n: 0 } };
  await createVersionFile(registry, ref, 'performance.json', whole);
  expect(await readVersionFile(registry, ref, 'performance.json')).toEqual(whole);
  await expect(createVersionFile(registry, ref, 'performance.json', { rest: { n: 1 } } as never)).rejects.toThrow(
    'This is no performance of a version that can be written (',
  );
});

test('an explanation that there is none is one as well', async () => {
  const none = { splits: {}, explanation: { not_explained: 'The engine has none.' } };
  await createVersionFile(registry, ref, 'curves.json', none);
  expect(await readVersionFile(registry, ref, 'curves.json')).toEqual(none);
});

test('a decision by another metric than ROC AUC has its comparison, by the one method or the other', async () => {
  const compared = (method: 'delong' | 'bootstrap') => ({
    ...WHOLE['promotion.json'],
    comparison: { metric: 'rmse' as const, a: 1, b: 2, difference: -1, p: 0.001, interval: pair, method },
  });
  for (const [version, method] of [
    ['v1', 'delong'],
    ['v2', 'bootstrap'],
  ] as const) {
    await createVersionFile(registry, { ...ref, version }, 'promotion.json', compared(method));
    expect(await readVersionFile(registry, { ...ref, version }, 'promotion.json')).toEqual(compared(method));
  }
});

test.each(['promote', 'hold', 'refuse'] as const)('a version may have the decision to %s', async (decision) => {
  const decided = { ...WHOLE['promotion.json'], decision, champion: null, comparison: null };
  await createVersionFile(registry, ref, 'promotion.json', decided);
  expect(await readVersionFile(registry, ref, 'promotion.json')).toEqual(decided);
  const other = { ...decided, decision: 'wait' as never };
  await expect(createVersionFile(registry, { ...ref, version: 'v2' }, 'promotion.json', other)).rejects.toThrow(
    'This is no decision on a version that can be written (decision: ',
  );
});

test('of two attempts at a document the first one counts, and what else is wrong is told', async () => {
  await createUnlessThere(registry, ref, 'background.json', { features: ['x'], values: [0.5] });
  await createUnlessThere(registry, ref, 'background.json', { features: ['x'], values: [0.7] });
  expect(await readVersionFile(registry, ref, 'background.json')).toEqual({ features: ['x'], values: [0.5] });
  const wrong = createUnlessThere(registry, ref, 'slices.json', {} as typeof slices);
  await expect(wrong).rejects.toThrow('This is no ');
  const away = new PerdureError('StoreUnavailable', 'The store is away.');
  vi.spyOn(registry, 'put').mockRejectedValue(away);
  await expect(createUnlessThere(registry, ref, 'slices.json', slices)).rejects.toBe(away);
});

test('a version without slices, or without those of a split, has none there', () => {
  expect(slicesOf(undefined, 'test')).toEqual([]);
  expect(slicesOf(slices, 'oot')).toEqual([]);
  expect(slicesOf(slices, 'test')).toEqual(slices.splits.test);
});

test('metadata of the first format, which knew one task and one engine, is read as it is meant', async () => {
  const { task: _, model_file: __, ...first } = versionMetadataOf(ref);
  await writeJson(registry, versionKey(ref, 'metadata.json'), first);
  expect(await readVersion(registry, ref)).toEqual({ ...first, task: ZERO_OR_ONE, model_file: 'model.ubj' });
});

test('preprocessing of the first format, which knew numbers and one scale each, is read as it is meant', async () => {
  const first = { features: ['age', 'flag'], label: 'y', scaler: { age: { mean: 40, scale: 12 } } };
  await writeJson(registry, versionKey(ref, 'preprocessing.json'), first);
  const column = (name: string, steps: object[]) => ({ column: name, kind: 'number', steps, outputs: [name] });
  expect(await readVersionFile(registry, ref, 'preprocessing.json')).toEqual({
    features: ['age', 'flag'],
    label: 'y',
    task: ZERO_OR_ONE,
    inputs: ['age', 'flag'].map((name) => ({ name, kind: 'number', type: 'numeric' })),
    transforms: { columns: [column('age', [{ scale: [{ center: 40, scale: 12 }] }]), column('flag', [])] },
  });
});
