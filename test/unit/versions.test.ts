import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { ZERO_OR_ONE, type RunRef } from '../../src/contracts/index.js';
import { PerdureError } from '../../src/errors.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { CHAMPION } from '../../src/registry/aliases.js';
import { moveAlias } from '../../src/registry/operations.js';
import {
  checkVersion,
  checksumsOf,
  createVersionFile,
  modelFile,
  modelFileOf,
  modelRef,
  newVersionDocument,
  readCard,
  readReadiness,
  readVersion,
  readVersionFile,
  readVersionFileIfAny,
  refOf,
  requireVersion,
  rowFile,
  SCORE_ANEW,
  versionFolder,
  versionId,
  versionKey,
  versionMetadata,
  type VersionFile,
  type VersionMetadata,
} from '../../src/registry/versions.js';
import { openModel } from '../../src/stages/openModel.js';
import { writeJson } from '../support/anyDocument.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { versionMetadataOf } from '../support/wholeDocuments.js';

let registry: FolderStore;
beforeEach(() => {
  registry = new FolderStore(temporaryFolder());
});

const ref = { algorithm: 'xgboost', version: 'v1' };
const key = (file: VersionFile) => versionKey(ref, file);
const path = (file: VersionFile) => fileURLToPath(registry.uri(key(file)));
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const REPAIR = 'restore it, promote another version, or train again';
const gone = (file: VersionFile, remedy = REPAIR) =>
  new PerdureError('ObjectCorrupt', `${registry.uri(key(file))} of xgboost v1 is gone; ${remedy}.`);
const damaged = (file: VersionFile, remedy = REPAIR) =>
  new PerdureError(
    'ObjectCorrupt',
    `${registry.uri(key(file))} of xgboost v1 is damaged: it is not what was written; ${remedy}.`,
  );

describe('a version id', () => {
  const run = (runId: string, startedAt = '2008-12-31T00:00:00.000Z'): RunRef => ({
    workflowId: 'train',
    runId,
    startedAt,
  });

  test('names the start of the run in UTC and the run', () => {
    expect(versionId(run('0f3c-9a2b77-c1', '2026-01-02T03:04:05.678+01:00'))).toBe('v20260102_020405_9a2b77c1');
    expect(versionId(run('aB-1'))).toBe('v20081231_000000_aB1');
  });

  test('tells runs of the same second apart, though their ids begin alike', () => {
    const ids = ['019b7a3c-5d1e-7c04-8a61-3f0d9be27a15', '019b7a3c-5d1e-7c04-8a61-c2d4006f91e8'].map((id) =>
      versionId(run(id)),
    );
    expect(new Set(ids).size).toBe(2);
  });
});

test('a version lies in a folder of its own, which only a name can name', () => {
  expect(versionFolder(ref)).toBe('model_registry/xgboost/v1/');
  expect(key('model.ubj')).toBe('model_registry/xgboost/v1/model.ubj');
  expect(() => versionFolder({ ...ref, algorithm: '..' })).toThrow('".." can\'t name an algorithm; give ');
  expect(() => versionKey({ ...ref, version: 'v 1' }, 'card.md')).toThrow('"v 1" can\'t name a version; give ');
});

test('the name of a model file is the last of its address', () => {
  expect(modelFileOf({ uri: 's3://models/a/model_registry/x/v1/model.onnx' })).toBe('model.onnx');
  expect(modelFileOf({ uri: 'model.txt' })).toBe('model.txt');
});

describe('the metadata of a version', () => {
  /** All that it may have. */
  const whole: VersionMetadata = versionMetadataOf(ref, {
    number: 7,
    task: { task: 'multiclass', classes: ['a', 'b', 'c'] },
    temporal_splits: { train: { end_date: '2025-06-30' }, test: { start_date: '2025-07-01', end_date: '2025-09-30' } },
    validation_samples: 1,
    test_samples: 2,
    oot_samples: 3,
    entity: { column: 'person', shared: [{ split: 'test', rows: 4, sharedRows: 3, groups: 2, sharedGroups: 1 }] },
    performance: { test: { n: 4, roc_auc: null, confusion_matrix: [[1]], intervals: { accuracy: [0, 1], f1: null } } },
    best_params: { depth: 3, booster: 'dart', exact: true, none: null },
    cv_score: null,
    candidates: [{ index: 0, params: { depth: 3 }, scores: [0.5], seconds: 1.5, dropped: 'It was worse.' }],
    config: { search: { scoring: 'roc_auc', of: 'a later release' }, more: 1 },
    lineage: {
      task: { launch: 1, larger: true, size: '2x4' },
      config_version: 'f00d',
      inputs: { '2025_01_01': { feature_store: 'a', label_store: 'b' } },
    },
    files: { 'model.ubj': 'c0ffee' },
  });
  const metadataKey = key('metadata.json');

  test('is read as it was written, and says which version and which model file it is of', async () => {
    await versionMetadata.write(registry, metadataKey, whole);
    expect(await readVersion(registry, ref)).toEqual(whole);
    expect(await requireVersion(registry, ref)).toEqual(whole);
    expect(refOf(whole)).toEqual(ref);
    expect(modelRef(registry, { ...whole, model_file: 'model.onnx' })).toEqual({
      ...ref,
      uri: registry.uri('model_registry/xgboost/v1/model.onnx'),
      checksum: 'c0ffee',
    });
  });

  test.each<[string, object]>([
    ['another field', { more: 1 }],
    ['another field of its lineage', { lineage: { ...whole.lineage, more: 1 } }],
    ['a number that is none', { number: 1.5 }],
    ['a task that nobody has', { task: { task: 'ranking' } }],
    ['a model file that no engine writes', { model_file: 'model.pkl' }],
    ['a scoring that nobody knows', { config: { search: { scoring: 'luck' } } }],
    ['no config', { config: {} }],
    ['no candidates', { candidates: undefined }],
  ])('has not %s', async (_, wrong) => {
    const other = { ...whole, ...wrong };
    await expect(versionMetadata.write(registry, metadataKey, other)).rejects.toThrow(
      /^This is no metadata of a version that can be written \(/,
    );
    await writeJson(registry, metadataKey, { format: 2, ...other });
    await expect(readVersion(registry, ref)).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: expect.stringMatching(
        /v1\/metadata\.json is damaged: it is no metadata of a version \(.+\); restore it, promote another version, or train again\.$/,
      ) as string,
    });
  });

  test('that is not there is none, and is missed where something points to it', async () => {
    expect(await readVersion(registry, ref)).toBeUndefined();
    await expect(requireVersion(registry, ref)).rejects.toThrow(gone('metadata.json'));
    await expect(requireVersion(registry, ref, SCORE_ANEW)).rejects.toThrow(
      gone(
        'metadata.json',
        'restore it, or promote another version and predict with --again, so that it is monitored instead',
      ),
    );
  });

  test('that is damaged is told with what the reader can do', async () => {
    await registry.put(metadataKey, '');
    for (const read of [readVersion, requireVersion])
      await expect(read(registry, ref, 'wait')).rejects.toThrow(
        new PerdureError('ObjectCorrupt', `${registry.uri(metadataKey)} is damaged: it is empty; wait.`),
      );
  });
});

test('a version under way has documents, though no metadata', async () => {
  expect(await newVersionDocument(registry, ref, 'threshold.json')).toBeUndefined();
  await createVersionFile(registry, ref, 'threshold.json', { value: 0.25 });
  expect(await newVersionDocument(registry, ref, 'threshold.json')).toEqual({ value: 0.25 });
  expect(await readVersionFile(registry, ref, 'threshold.json')).toEqual({ value: 0.25 });
  await expect(createVersionFile(registry, ref, 'threshold.json', { value: 0.5 })).rejects.toMatchObject({
    type: 'AlreadyExists',
  });
  await registry.put(key('threshold.json'), 'cut');
  await expect(newVersionDocument(registry, ref, 'threshold.json')).rejects.toThrow(
    new PerdureError(
      'ObjectCorrupt',
      `${registry.uri(key('threshold.json'))} is damaged: it is not whole JSON; ${REPAIR}.`,
    ),
  );
});

test('what the model tests said is read, and tested again where it is damaged', async () => {
  expect(await readReadiness(registry, ref)).toBeUndefined();
  const readiness = {
    ...{ tested_at: '2026-01-02T03:04:05.000Z', by: { workflow_id: 'test', run_id: 'run' } },
    ...{ resources: '1x2', passed: true, tests: [] },
  };
  await createVersionFile(registry, ref, 'readiness.json', readiness);
  expect(await readReadiness(registry, ref)).toEqual(readiness);
  await registry.put(key('readiness.json'), '');
  await expect(readReadiness(registry, ref)).rejects.toThrow(
    `${registry.uri(key('readiness.json'))} is damaged: it is empty; delete it and test again with "perdure models test".`,
  );
});

test('a version has a card, unless it is of an earlier release', async () => {
  expect(await readCard(registry, ref)).toBeUndefined();
  await registry.put(versionKey(ref, 'card.md'), '# Größe\n');
  expect(await readCard(registry, ref)).toBe('# Größe\n');
});

describe('a version', () => {
  const FILES = {
    'preprocessing.json': {
      task: ZERO_OR_ONE,
      inputs: [{ name: 'x', kind: 'number' as const, type: 'numeric' as const }],
      transforms: {
        columns: [
          { column: 'x', kind: 'number' as const, steps: [{ scale: [{ center: 61.5, scale: 2 }] }], outputs: ['x'] },
        ],
      },
      features: ['x'],
      label: 'y',
    },
    'performance.json': {},
    'profile.json': {
      window: {},
      rows: 0,
      columns: {},
      score: { kind: 'bins' as const, edges: [], counts: [0], missing: 0 },
    },
    'threshold.json': { value: 0.25 },
  };
  const ROWS = 'rows that it was trained on';
  const SCORES = 'what it said of held-out rows';
  const model = () => ({ ...ref, uri: registry.uri(key('model.ubj')), checksum: sha256('model') });
  const complete = (files: VersionMetadata['files']) =>
    versionMetadata.write(
      registry,
      key('metadata.json'),
      versionMetadataOf(ref, { ...(files && { files }), lineage: { model_checksum: sha256('model') } }),
    );
  beforeEach(async () => {
    for (const file of Object.keys(FILES) as (keyof typeof FILES)[])
      await createVersionFile(registry, ref, file, FILES[file]);
    await registry.put(key('model.ubj'), 'model');
    await registry.put(key('trained_rows.parquet'), ROWS);
    await registry.put(key('reference_scores.parquet'), SCORES);
    await complete(await checksumsOf(registry, model(), { 'trained_rows.parquet': sha256(ROWS) }));
  });

  test('that is whole is opened', async () => {
    await checkVersion(registry, ref);
    const opened = await openModel(registry, ref);
    expect(opened.preprocessing).toEqual(FILES['preprocessing.json']);
    expect(opened.threshold).toEqual({ value: 0.25 });
    expect(opened.modelPath).toBe(path('model.ubj'));
  });

  test('has the checksums of the files that it has, and of no others', async () => {
    const { files } = await requireVersion(registry, ref);
    const written = (file: VersionFile) => sha256(readFileSync(path(file), 'utf8'));
    expect(files).toEqual({
      'model.ubj': sha256('model'),
      'trained_rows.parquet': sha256(ROWS),
      'reference_scores.parquet': sha256(SCORES),
      'preprocessing.json': written('preprocessing.json'),
      'performance.json': written('performance.json'),
      'profile.json': written('profile.json'),
      'threshold.json': written('threshold.json'),
    });
    for (const file of ['threshold.json', 'reference_scores.parquet'] as const) rmSync(path(file));
    const may = [
      'calibrator.json',
      'slices.json',
      'signature.json',
      'learning_curve.json',
      'importance.json',
      'background.json',
    ] as const;
    for (const file of may) await registry.put(key(file), file);
    // What comes after a version is complete is none of it.
    for (const file of ['readiness.json', 'promotion.json', 'curves.json', 'card.md'] as const)
      await registry.put(key(file), file);
    const others = await checksumsOf(registry, model(), {});
    expect(Object.keys(others!).sort()).toEqual(
      ['model.ubj', 'preprocessing.json', 'performance.json', 'profile.json', ...may].sort(),
    );
    for (const file of may) expect(others![file]).toBe(sha256(file));
  });

  test.each(['model.ubj', 'preprocessing.json', 'performance.json', 'profile.json'] as const)(
    'gets no checksums where its %s is gone',
    async (file) => {
      rmSync(path(file));
      await expect(checksumsOf(registry, model(), {})).rejects.toThrow(gone(file));
    },
  );

  test('gets none where its model is not the one that was fitted', async () => {
    await registry.put(key('model.ubj'), 'another');
    await expect(checksumsOf(registry, model(), {})).rejects.toThrow(damaged('model.ubj'));
  });

  test.each([
    'model.ubj',
    'trained_rows.parquet',
    'reference_scores.parquet',
    'preprocessing.json',
    'performance.json',
    'profile.json',
    'threshold.json',
    'metadata.json',
  ] as const)('is neither promoted nor taken for whole where its %s is gone, or another', async (file) => {
    const bytes = readFileSync(path(file));
    const others = {
      gone: undefined,
      emptied: Buffer.alloc(0),
      cut: bytes.subarray(0, bytes.length / 2),
      another: bytes.map((byte, i) => (i === Math.floor(bytes.length / 2) ? byte ^ 1 : byte)),
    };
    for (const other of Object.values(others)) {
      if (other) writeFileSync(path(file), other);
      else rmSync(path(file));
      const told = {
        type: 'ObjectCorrupt',
        message: expect.stringMatching(
          `${file}.* (is gone|is damaged: [^;]+); restore it, promote another version, or train again\\.$`,
        ) as string,
      };
      await expect(checkVersion(registry, ref)).rejects.toMatchObject(told);
      const promoted = moveAlias(registry, ['xgboost'], {
        alias: CHAMPION,
        move: 'promote',
        model: ref,
        by: { workflowId: 'promotion', runId: 'a' },
        reason: 'by hand',
      });
      const unknown = { message: 'There is no version "v1" of xgboost; registered are none.' };
      await expect(promoted).rejects.toMatchObject(file === 'metadata.json' && !other ? unknown : told);
    }
    writeFileSync(path(file), bytes);
    await checkVersion(registry, ref);
  });

  test('predicts with nothing that was written for another, or by hand', async () => {
    await writeJson(registry, key('preprocessing.json'), { ...FILES['preprocessing.json'], label: 'z' });
    await expect(openModel(registry, ref)).rejects.toThrow(damaged('preprocessing.json'));
    await expect(readVersionFile(registry, ref, 'preprocessing.json', 'wait')).rejects.toThrow(
      damaged('preprocessing.json', 'wait'),
    );
  });

  test('tells of each file that is gone what the reader can do', async () => {
    const metadata = await requireVersion(registry, ref);
    for (const file of ['threshold.json', 'model.ubj', 'trained_rows.parquet'] as const) rmSync(path(file));
    await expect(readVersionFile(registry, ref, 'threshold.json', 'wait')).rejects.toThrow(
      gone('threshold.json', 'wait'),
    );
    await expect(readVersionFileIfAny(registry, metadata, 'threshold.json', 'wait')).rejects.toThrow(
      gone('threshold.json', 'wait'),
    );
    await expect(readVersionFileIfAny(registry, metadata, 'threshold.json')).rejects.toThrow(gone('threshold.json'));
    await expect(modelFile(registry, metadata)).rejects.toThrow(gone('model.ubj'));
    await expect(rowFile(registry, ref, 'trained_rows.parquet')).rejects.toThrow(gone('trained_rows.parquet'));
    rmSync(path('metadata.json'));
    await expect(rowFile(registry, ref, 'trained_rows.parquet', 'wait')).rejects.toThrow(gone('metadata.json', 'wait'));
  });

  test('gives its files of rows as they were written, and none that it has not', async () => {
    expect(await rowFile(registry, ref, 'trained_rows.parquet')).toBe(path('trained_rows.parquet'));
    expect(await rowFile(registry, ref, 'reference_scores.parquet')).toBe(path('reference_scores.parquet'));
    expect(await rowFile(registry, ref, 'reference_rows.parquet')).toBeUndefined();
    await registry.put(key('trained_rows.parquet'), 'others');
    await expect(rowFile(registry, ref, 'trained_rows.parquet', SCORE_ANEW)).rejects.toThrow(
      damaged('trained_rows.parquet', SCORE_ANEW),
    );
    await expect(rowFile(registry, { ...ref, version: 'v2' }, 'trained_rows.parquet')).rejects.toMatchObject({
      type: 'ObjectCorrupt',
    });
  });

  test('has a document where its metadata says so', async () => {
    const metadata = await requireVersion(registry, ref);
    expect(await readVersionFileIfAny(registry, metadata, 'threshold.json')).toEqual({ value: 0.25 });
    // One that somebody else has laid there is none of it.
    await createVersionFile(registry, ref, 'background.json', { features: ['x'], values: [0.5] });
    expect(await readVersionFileIfAny(registry, metadata, 'background.json')).toBeUndefined();
  });

  test('of an earlier release, which took down no checksums, is read as it is', async () => {
    await complete(undefined);
    const metadata = await requireVersion(registry, ref);
    await checkVersion(registry, ref);
    expect(await modelFile(registry, metadata)).toBe(path('model.ubj'));
    expect(await rowFile(registry, ref, 'trained_rows.parquet')).toBeUndefined();
    expect(await readVersionFileIfAny(registry, metadata, 'threshold.json')).toBeUndefined();
    expect(await readVersionFile(registry, ref, 'threshold.json')).toEqual({ value: 0.25 });
  });

  test('that the store refuses to give is not taken for damaged', async () => {
    const metadata = await requireVersion(registry, ref);
    const refused = new PerdureError('StoreRefused', 'The store lets nobody in.');
    const locked = Object.assign(Object.create(registry) as FolderStore, {
      localFile: () => Promise.reject(refused),
    });
    await expect(modelFile(locked, metadata)).rejects.toBe(refused);
    const broken = new TypeError('A fault of the program.');
    Object.assign(locked, { localFile: () => Promise.reject(broken) });
    await expect(modelFile(locked, metadata)).rejects.toBe(broken);
  });
});
