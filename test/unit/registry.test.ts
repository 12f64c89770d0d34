import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packageFolder } from '../../src/package.js';
import { ZERO_OR_ONE, type TaskMetrics, type RunRef, type VersionRef } from '../../src/contracts/index.js';
import { PerdureError } from '../../src/errors.js';
import { codeCommit } from '../../src/registry/codeCommit.js';
import { aliasKey, latestKey, movePointer, readPointer, versionBefore } from '../../src/registry/pointers.js';
import { moveAlias } from '../../src/registry/operations.js';
import { CHALLENGER, CHAMPION } from '../../src/registry/aliases.js';
import { resolveModel } from '../../src/registry/resolve.js';
import { indexVersion, listVersions } from '../../src/registry/versionIndex.js';
import {
  checkVersion,
  checksumsOf,
  createVersionFile,
  readVersion,
  versionId,
  versionKey,
  versionMetadata,
  type VersionFile,
  type VersionMetadata,
} from '../../src/registry/versions.js';
import { openModel } from '../../src/stages/openModel.js';
import { readJson, writeJson } from '../support/anyDocument.js';
import { versionMetadataOf } from '../support/wholeDocuments.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';

let root: string;
let registry: FolderStore;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'registry-'));
  registry = new FolderStore(root);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const ALGORITHMS = ['logistic_regression', 'xgboost'];
const run = (runId: string, startedAt = '2008-12-31T00:00:00.000Z'): RunRef => ({
  workflowId: `train-${runId}`,
  runId,
  startedAt,
});
const version = (name: string, algorithm = 'xgboost') => ({ algorithm, version: name });

describe('a version id', () => {
  test('names the start of the run in UTC and the run', () => {
    expect(versionId(run('0f3c-9a2b77-c1', '2026-01-02T03:04:05.678+01:00'))).toBe('v20260102_020405_9a2b77c1');
  });

  test('tells runs of the same second apart, though their ids begin alike', () => {
    const ids = ['019b7a3c-5d1e-7c04-8a61-3f0d9be27a15', '019b7a3c-5d1e-7c04-8a61-c2d4006f91e8'].map((id) =>
      versionId(run(id)),
    );
    expect(new Set(ids).size).toBe(2);
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

describe('pointers', () => {
  test('say who moved them to what, when, why and from where', async () => {
    await movePointer(registry, aliasKey(CHAMPION), version('v1'), run('a'), 'first');
    const move = await movePointer(registry, aliasKey(CHAMPION), version('v2'), run('b'), 'better');
    expect(move).toMatchObject({
      algorithm: 'xgboost',
      version: 'v2',
      by: { workflowId: 'train-b', runId: 'b' },
      reason: 'better',
      previous: { algorithm: 'xgboost', version: 'v1' },
    });
    const pointer = await readPointer(registry, aliasKey(CHAMPION));
    expect(pointer).toMatchObject(move);
    expect(pointer?.history.map(({ version, reason }) => [version, reason])).toEqual([['v1', 'first']]);
  });

  test('are moved once by a run, even where another run came between its tries', async () => {
    const first = await movePointer(registry, aliasKey(CHAMPION), version('v1'), run('a'), 'first');
    await movePointer(registry, aliasKey(CHAMPION), version('v2'), run('b'), 'better');
    expect(await movePointer(registry, aliasKey(CHAMPION), version('v1'), run('a'), 'first')).toEqual(first);
    expect((await readPointer(registry, aliasKey(CHAMPION)))?.version).toBe('v2');
  });

  test('refuse a move from where they are not any more: of two at once one wins, and the other is told', async () => {
    await movePointer(registry, aliasKey(CHAMPION), version('v1'), run('a'), 'first');
    const seen = { from: version('v1') };
    const asked = ['v2', 'v3'].map((name) =>
      movePointer(registry, aliasKey(CHAMPION), version(name), run(name), 'mine', seen),
    );
    const [won, lost] = (await Promise.allSettled(asked)).sort((one, other) => (one.status < other.status ? -1 : 1));
    expect(won?.status).toBe('fulfilled');
    expect(lost).toMatchObject({
      status: 'rejected',
      reason: {
        type: 'PointerMoved',
        message: expect.stringMatching(
          /was moved by another meanwhile: train-v[23] moved it to xgboost v[23] at .* \(mine\)/,
        ) as string,
      },
    });
    expect((await readPointer(registry, aliasKey(CHAMPION)))?.history.map((move) => move.version)).toEqual(['v1']);
  });

  test('know the way back, past what was rolled back from', async () => {
    const key = aliasKey(CHAMPION);
    const before = async () => versionBefore((await readPointer(registry, key))!)?.version;
    await movePointer(registry, key, version('v1'), run('a'), 'first');
    expect(await before()).toBeUndefined();
    await movePointer(registry, key, version('v2'), run('b'), 'better');
    await movePointer(registry, key, version('v3'), run('c'), 'better still');
    expect(await before()).toBe('v2');
    await movePointer(registry, key, version('v2'), run('d'), 'v3 was worse', { rollback: true });
    expect(await before()).toBe('v1');
    await movePointer(registry, key, version('v4'), run('e'), 'better');
    expect(await before()).toBe('v2');
  });

  test('know the way back past a version that was moved to twice, and past one that a rollback to another left', async () => {
    const key = aliasKey(CHALLENGER);
    const before = async () => versionBefore((await readPointer(registry, key))!)?.version;
    await movePointer(registry, key, version('v1'), run('a'), 'first');
    await movePointer(registry, key, version('v2'), run('b'), 'better');
    // Two trainings that make nothing new, and name the best once more.
    await movePointer(registry, key, version('v2'), run('c'), 'still the best');
    await movePointer(registry, key, version('v2'), run('d'), 'still the best');
    expect(await before()).toBe('v1');
    // v9 never stood there: v2 was rolled back from all the same.
    await movePointer(registry, key, version('v9'), run('e'), 'v2 was worse', { rollback: true });
    expect(await before()).toBe('v1');
  });

  test('keep every move of many writers at once', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `v${i}`);
    await Promise.all(names.map((name) => movePointer(registry, aliasKey(CHAMPION), version(name), run(name), 'race')));
    const pointer = await readPointer(registry, aliasKey(CHAMPION));
    const moves = [pointer!, ...pointer!.history];
    expect(moves.map((move) => move.version).sort()).toEqual([...names].sort());
    moves.slice(0, -1).forEach((move, i) => expect(move.previous?.version).toBe(moves[i + 1]!.version));
  });
});

describe('the index of versions', () => {
  test('holds a version once, however often it is written, and all that are written at once', async () => {
    const names = ['v3', 'v1', 'v2'];
    await Promise.all([...names, ...names].map((name) => indexVersion(registry, metadata(name))));
    const index = await readJson<{ versions: VersionRef[] }>(registry, 'model_registry/xgboost/versions.json');
    expect(index?.versions.map((summary) => summary.version)).toEqual(['v1', 'v2', 'v3']);
  });

  test.each([
    ['whole', () => Promise.resolve()],
    ['deleted', (): Promise<unknown> => registry.delete('model_registry/xgboost/versions.json')],
    ['emptied', () => registry.put('model_registry/xgboost/versions.json', '')],
    ['without one of them', () => writeJson(registry, 'model_registry/xgboost/versions.json', { versions: [] })],
  ])('is no memory of its own: the list is that of the versions themselves where it is %s', async (_, damage) => {
    for (const name of ['v10', 'v1', 'v2']) await register(name);
    await registry.put(versionKey(version('v3'), 'model.ubj'), 'unfinished');
    await registry.put(`${versionKey(version('v9'), 'metadata.json')}/copy`, 'no version either');
    await damage();
    const listed = async () => (await listVersions(registry, 'xgboost')).map((summary) => summary.version);
    expect(await listed()).toEqual(['v1', 'v10', 'v2']);
    expect((await listVersions(registry, 'xgboost'))[0]).toMatchObject({ cv_score: 0.6, model_checksum: 'c0ffee' });
    await register('v4');
    expect(await listed()).toEqual(['v1', 'v10', 'v2', 'v4']);
    await registry.delete(versionKey(version('v1'), 'metadata.json'));
    expect(await listed()).toEqual(['v10', 'v2', 'v4']);
    expect(await listVersions(registry, 'logistic_regression')).toEqual([]);
  });

  test('numbers versions by their order, and no number is given twice: neither where the index is lost nor a version', async () => {
    const ids = ['v20250101_a', 'v20250102_b', 'v20250103_c', 'v20250104_d'];
    const add = async (id: string) => {
      const number = await indexVersion(registry, metadata(id));
      await versionMetadata.create(registry, versionKey(version(id), 'metadata.json'), { ...metadata(id), number });
      return number;
    };
    const meaning = async (name: string) => {
      const resolved = await resolveModel(registry, ALGORITHMS, version(name));
      return resolved.status === 'ready' && resolved.model.version;
    };
    expect([await add(ids[0]!), await add(ids[1]!), await add(ids[2]!)]).toEqual([1, 2, 3]);
    expect(await indexVersion(registry, metadata(ids[1]!))).toBe(2);
    expect([await meaning('v2'), await meaning(ids[1]!)]).toEqual([ids[1], ids[1]]);
    await registry.delete(versionKey(version(ids[0]!), 'metadata.json'));
    await registry.put('model_registry/xgboost/versions.json', '{"cut');
    expect(await add(ids[3]!)).toBe(4);
    expect((await listVersions(registry, 'xgboost')).map(({ number }) => number)).toEqual([2, 3, 4]);
    await expect(meaning('v1')).rejects.toThrow(
      `There is no version "v1" of xgboost; registered are v4 (${ids[3]}), v3 (${ids[2]}), v2 (${ids[1]}).`,
    );
  });

  test('gives no number twice where the index is lost and a version is damaged, which keeps its own', async () => {
    const add = async (id: string) => {
      const number = await indexVersion(registry, metadata(id));
      await versionMetadata.create(registry, versionKey(version(id), 'metadata.json'), { ...metadata(id), number });
      return number;
    };
    for (const id of ['v20250101_a', 'v20250102_b', 'v20250103_c']) await add(id);
    const key = versionKey(version('v20250103_c'), 'metadata.json');
    const whole = (await registry.get(key))!.body;
    await registry.put(key, '{"cut');
    await registry.delete('model_registry/xgboost/versions.json');
    expect(await add('v20250104_d')).toBe(4);
    await expect(listVersions(registry, 'xgboost')).rejects.toThrow(
      /v20250103_c\/metadata.json is damaged: .*; restore it, or delete the folder of this version\.$/,
    );
    await registry.put(key, whole);
    expect((await listVersions(registry, 'xgboost')).map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  });
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
  const path = (file: VersionFile) => fileURLToPath(registry.uri(versionKey(version('v1'), file)));
  beforeEach(async () => {
    for (const file of Object.keys(FILES) as (keyof typeof FILES)[])
      await createVersionFile(registry, version('v1'), file, FILES[file]);
    await registry.put(versionKey(version('v1'), 'model.ubj'), 'model');
    const checksum = createHash('sha256').update('model').digest('hex');
    const model = versionKey(version('v1'), 'model.ubj');
    const rows = 'rows that it was trained on';
    await registry.put(versionKey(version('v1'), 'trained_rows.parquet'), rows);
    const files = await checksumsOf(
      registry,
      { ...version('v1'), uri: registry.uri(model), checksum },
      { 'trained_rows.parquet': createHash('sha256').update(rows).digest('hex') },
    );
    await versionMetadata.write(
      registry,
      versionKey(version('v1'), 'metadata.json'),
      versionMetadataOf(version('v1'), { files, lineage: { model_checksum: checksum } }),
    );
  });

  test('that is whole is opened', async () => {
    await checkVersion(registry, version('v1'));
    expect((await openModel(registry, version('v1'))).preprocessing).toEqual(FILES['preprocessing.json']);
    expect((await openModel(registry, version('v1'))).threshold).toEqual({ value: 0.25 });
  });

  test.each(['model.ubj', 'preprocessing.json', 'performance.json', 'profile.json'] as const)(
    'gets no checksums where its %s is gone',
    async (file) => {
      const uri = registry.uri(versionKey(version('v1'), 'model.ubj'));
      const checksum = createHash('sha256').update('model').digest('hex');
      rmSync(path(file));
      await expect(checksumsOf(registry, { ...version('v1'), uri, checksum }, {})).rejects.toMatchObject({
        type: 'ObjectCorrupt',
        message: `${registry.uri(versionKey(version('v1'), file))} of ${version('v1').algorithm} v1 is gone; restore it, promote another version, or train again.`,
      });
    },
  );

  test.each([
    'model.ubj',
    'trained_rows.parquet',
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
      await expect(checkVersion(registry, version('v1'))).rejects.toMatchObject(told);
      const promoted = moveAlias(registry, ALGORITHMS, {
        alias: CHAMPION,
        move: 'promote',
        model: version('v1'),
        by: run('a'),
        reason: 'by hand',
      });
      const unknown = { message: 'There is no version "v1" of xgboost; registered are none.' };
      await expect(promoted).rejects.toMatchObject(file === 'metadata.json' && !other ? unknown : told);
    }
    writeFileSync(path(file), bytes);
    await checkVersion(registry, version('v1'));
  });

  test('predicts with nothing that was written for another, or by hand', async () => {
    await writeJson(registry, versionKey(version('v1'), 'preprocessing.json'), {
      ...FILES['preprocessing.json'],
      label: 'z',
    });
    await expect(openModel(registry, version('v1'))).rejects.toMatchObject({ type: 'ObjectCorrupt' });
  });
});

describe('a pointer that is lost', () => {
  beforeEach(async () => {
    for (const name of ['v1', 'v2', 'v3']) await register(name);
  });

  test("leaves the newest version as an algorithm's latest", async () => {
    await registry.put(latestKey('xgboost'), '');
    expect(await resolveModel(registry, ALGORITHMS, { algorithm: 'xgboost' })).toMatchObject({ model: version('v3') });
    await registry.delete(latestKey('xgboost'));
    expect(await resolveModel(registry, ALGORITHMS, { algorithm: 'xgboost' })).toMatchObject({ model: version('v3') });
    await registry.put(latestKey('xgboost'), 'cut');
    await movePointer(registry, latestKey('xgboost'), version('v2'), run('b'), 'trained', { overDamage: true });
    expect((await readPointer(registry, latestKey('xgboost')))?.version).toBe('v2');
  });

  test('leaves no champion, which is told with what to do, and promoting one repairs it', async () => {
    expect(await resolveModel(registry, ALGORITHMS)).toEqual({
      status: 'skipped',
      reason: 'No version is champion: promote one of those that are registered, or train again.',
    });
    await registry.put(aliasKey(CHAMPION), '{"alg');
    const promoted = () =>
      moveAlias(registry, ALGORITHMS, {
        alias: CHAMPION,
        move: 'promote',
        model: version('v1'),
        by: run('c'),
        reason: 'lost',
      });
    await expect(promoted()).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: expect.stringContaining('restore it, or delete it and promote a version.') as string,
    });
    await registry.delete(aliasKey(CHAMPION));
    await promoted();
    expect(await resolveModel(registry, ALGORITHMS)).toMatchObject({ model: version('v1') });
  });
});

describe('who answers to a name', () => {
  test('nothing trained yet is an absence, not an error', async () => {
    expect(await resolveModel(registry, ALGORITHMS)).toEqual({
      status: 'skipped',
      reason: 'No model is registered yet: train one first.',
    });
    expect(await resolveModel(registry, ALGORITHMS, { algorithm: 'xgboost' })).toEqual({
      status: 'skipped',
      reason: 'No version of xgboost is registered yet: train one first.',
    });
  });

  test('champion by default, else an alias, the latest of an algorithm, or a version', async () => {
    for (const name of ['v1', 'v2'])
      await versionMetadata.write(registry, versionKey(version(name), 'metadata.json'), metadata(name));
    await movePointer(registry, aliasKey(CHAMPION), version('v1'), run('a'), 'best');
    await movePointer(registry, latestKey('xgboost'), version('v2'), run('b'), 'new');
    const chosen = async (...selector: [Parameters<typeof resolveModel>[2]?]) => {
      const resolved = await resolveModel(registry, ALGORITHMS, ...selector);
      return resolved.status === 'ready' && resolved.model.version;
    };
    expect(await chosen()).toBe('v1');
    expect(await chosen({ alias: 'champion' })).toBe('v1');
    expect(await chosen({ algorithm: 'xgboost' })).toBe('v2');
    expect(await chosen({ algorithm: 'xgboost', version: 'v1' })).toBe('v1');
  });

  test.each([
    [{ alias: 'challenger' }, 'There is no alias "challenger" in the registry; there is champion.'],
    [{ algorithm: 'catboost' }, 'There is no algorithm "catboost"; this pipeline has logistic_regression, xgboost.'],
    [{ algorithm: 'xgboost', version: 'v9' }, 'There is no version "v9" of xgboost; registered are v2 (v2), v1 (v1).'],
  ])('a name that nothing answers to is told with the names there are: %j', async (selector, message) => {
    await register('v1');
    await register('v2');
    await movePointer(registry, aliasKey(CHAMPION), version('v1'), run('a'), 'best');
    await expect(resolveModel(registry, ALGORITHMS, selector)).rejects.toThrow(new PerdureError('NotFound', message));
  });

  test('a version that is not there is told with the eight newest, and how many more there are', async () => {
    const day = (number: number) => `v202501${String(number).padStart(2, '0')}_a`;
    for (let number = 1; number <= 10; number++) await register(day(number));
    const newest = [10, 9, 8, 7, 6, 5, 4, 3].map((number) => `v${number} (${day(number)})`).join(', ');
    await expect(resolveModel(registry, ALGORITHMS, { algorithm: 'xgboost', version: 'v11' })).rejects.toThrow(
      `There is no version "v11" of xgboost; registered are ${newest}, and 2 more.`,
    );
  });

  test('a version without metadata does not exist', async () => {
    await registry.put(versionKey(version('v1'), 'model.ubj'), 'half a version');
    expect(await readVersion(registry, version('v1'))).toBeUndefined();
    await movePointer(registry, aliasKey(CHAMPION), version('v1'), run('a'), 'by hand');
    await expect(resolveModel(registry, ALGORITHMS)).rejects.toMatchObject({ type: 'ObjectCorrupt' });
  });
});

async function register(name: string): Promise<void> {
  await versionMetadata.write(registry, versionKey(version(name), 'metadata.json'), metadata(name));
  await indexVersion(registry, metadata(name));
}

function metadata(name: string): VersionMetadata {
  const metrics: TaskMetrics = {
    accuracy: 1,
    precision: 1,
    recall: 1,
    f1: 1,
    roc_auc: 1,
    average_precision: 1,
    confusion_matrix: [
      [1, 0],
      [0, 1],
    ],
    n: 2,
  };
  return versionMetadataOf(version(name), { performance: { test: metrics, oot: metrics } });
}
