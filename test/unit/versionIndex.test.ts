import { beforeEach, describe, expect, test } from 'vitest';
import type { TaskMetrics, VersionRef } from '../../src/contracts/index.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { indexVersion, listVersions, versionNumbered } from '../../src/registry/versionIndex.js';
import { versionKey, versionMetadata } from '../../src/registry/versions.js';
import { readJson, writeJson } from '../support/anyDocument.js';
import { register } from '../support/registered.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { versionMetadataOf } from '../support/wholeDocuments.js';

const INDEX = 'model_registry/xgboost/versions.json';
const version = (name: string) => ({ algorithm: 'xgboost', version: name });
const metadataKey = (name: string) => versionKey(version(name), 'metadata.json');

let registry: FolderStore;
beforeEach(() => {
  registry = new FolderStore(temporaryFolder());
});

const add = (name: string) => register(registry, version(name));
const listed = async () => (await listVersions(registry, 'xgboost')).map((summary) => summary.version);
const numbers = async () => (await listVersions(registry, 'xgboost')).map(({ number }) => number);
/** Registers a version as an earlier release did, which numbered none. */
const addUnnumbered = (name: string) =>
  versionMetadata.write(registry, metadataKey(name), versionMetadataOf(version(name)));

test('a version is listed with its number and how good it is', async () => {
  const metrics: TaskMetrics = { accuracy: 0.9, confusion_matrix: [[1]], n: 2 };
  const performance = { train: metrics, validation: metrics, test: metrics, oot: metrics };
  await register(registry, version('v20260102_a'), { performance, cv_score: null });
  const summary = {
    ...version('v20260102_a'),
    ...performance,
    ...{ number: 1, training_date: '2008-12-31T00:00:00.000Z', cv_score: null, model_checksum: 'c0ffee' },
  };
  expect(await listVersions(registry, 'xgboost')).toEqual([summary]);
  // The same by the version itself.
  await registry.delete(INDEX);
  expect(await listVersions(registry, 'xgboost')).toEqual([summary]);
  expect(await listVersions(registry, 'lightgbm')).toEqual([]);
});

test('the index holds a version once, however often it is written, and all that are written at once', async () => {
  const names = ['v3', 'v1', 'v2'];
  await Promise.all([...names, ...names].map((name) => indexVersion(registry, versionMetadataOf(version(name)))));
  const index = await readJson<{ versions: (VersionRef & { number: number })[] }>(registry, INDEX);
  expect(index?.versions.map((summary) => summary.version)).toEqual(['v1', 'v2', 'v3']);
  expect(index?.versions.map(({ number }) => number).sort()).toEqual([1, 2, 3]);
});

test('the index spares reading the versions that it knows', async () => {
  await add('v1');
  await registry.put(metadataKey('v1'), 'cut');
  expect(await listed()).toEqual(['v1']);
});

test.each([
  ['whole', () => Promise.resolve()],
  ['deleted', (): Promise<unknown> => registry.delete(INDEX)],
  ['emptied', () => registry.put(INDEX, '')],
  ['without one of them', () => writeJson(registry, INDEX, { versions: [] })],
  ['with something else in it', () => writeJson(registry, INDEX, { versions: [{ version: 'v1' }] })],
])('the list is that of the versions themselves where the index is %s', async (_, damage) => {
  for (const name of ['v10', 'v1', 'v2']) await add(name);
  await registry.put(versionKey(version('v3'), 'model.ubj'), 'unfinished');
  await registry.put(`${metadataKey('v9')}/copy`, 'no version either');
  await damage();
  expect(await listed()).toEqual(['v1', 'v10', 'v2']);
  await add('v4');
  expect(await listed()).toEqual(['v1', 'v10', 'v2', 'v4']);
  await registry.delete(metadataKey('v1'));
  expect(await listed()).toEqual(['v10', 'v2', 'v4']);
});

describe('numbers', () => {
  test('go by the order of registration, and a version keeps its own', async () => {
    expect([await add('v20250101_a'), await add('v20250102_b'), await add('v20250103_c')]).toEqual([1, 2, 3]);
    expect(await indexVersion(registry, versionMetadataOf(version('v20250102_b')))).toBe(2);
    // Its run began earlier than those that were done before.
    expect(await add('v20250101_z')).toBe(4);
    expect(await numbers()).toEqual([1, 4, 2, 3]);
  });

  test('are given once: neither where the index is lost nor a version', async () => {
    for (const name of ['v20250101_a', 'v20250102_b', 'v20250103_c']) await add(name);
    await registry.delete(metadataKey('v20250101_a'));
    await registry.put(INDEX, '{"cut');
    expect(await add('v20250104_d')).toBe(4);
    expect(await numbers()).toEqual([2, 3, 4]);
    // Those that the lost index had come back to it under their own.
    expect(await indexVersion(registry, versionMetadataOf(version('v20250102_b')))).toBe(2);
    expect(await add('v20250105_e')).toBe(5);
  });

  test('are given once where the newest version was deleted', async () => {
    for (const name of ['v20250101_a', 'v20250102_b']) await add(name);
    await registry.delete(metadataKey('v20250102_b'));
    expect(await add('v20250103_c')).toBe(3);
  });

  test('are given once where the index is lost and versions are damaged, which keep their own', async () => {
    for (const name of ['v20250101_a', 'v20250102_b', 'v20250103_c']) await add(name);
    const whole = new Map<string, Uint8Array>();
    for (const name of ['v20250102_b', 'v20250103_c']) {
      whole.set(metadataKey(name), (await registry.get(metadataKey(name)))!.body);
      await registry.put(metadataKey(name), '{"cut');
    }
    await registry.delete(INDEX);
    expect(await add('v20250104_d')).toBe(4);
    // The first that is damaged is told.
    await expect(listVersions(registry, 'xgboost')).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: expect.stringMatching(
        /v20250102_b\/metadata.json is damaged: .*; restore it, or delete the folder of this version\.$/,
      ) as string,
    });
    for (const [key, body] of whole) await registry.put(key, body);
    expect(await numbers()).toEqual([1, 2, 3, 4]);
  });

  test('of versions of earlier releases are those of their order, and new ones go on from there', async () => {
    await addUnnumbered('v20250101_a');
    await addUnnumbered('v20250102_b');
    expect(await numbers()).toEqual([1, 2]);
    expect(await add('v20250103_c')).toBe(3);
    expect(await numbers()).toEqual([1, 2, 3]);
  });

  test('of lines of earlier releases as well', async () => {
    const line = (name: string) => ({
      ...version(name),
      ...{ training_date: '2025-01-01T00:00:00.000Z', cv_score: null, model_checksum: '' },
    });
    await writeJson(registry, INDEX, { versions: [line('v20250101_a'), line('v20250102_b')] });
    for (const name of ['v20250101_a', 'v20250102_b']) await addUnnumbered(name);
    expect(await add('v20250103_c')).toBe(3);
    expect(await numbers()).toEqual([1, 2, 3]);
  });

  test('name versions', async () => {
    for (const name of ['v20250101_a', 'v20250102_b']) await add(name);
    const named = (name: string) => versionNumbered(registry, 'xgboost', name);
    expect(await named('v2')).toBe('v20250102_b');
    expect(await named('v000001')).toBe('v20250101_a');
    for (const name of ['v3', 'v0', '2', 'v', 'vv2', 'v2x', 'xv2', 'v0000002', 'v-2', 'v1.0', 'v20250101_a'])
      expect([name, await named(name)]).toEqual([name, undefined]);
  });
});

test('what a newer release wrote is no damage, and is told', async () => {
  const newer = { type: 'FormatNewer', message: expect.stringContaining('was written by a newer Perdure') as string };
  await add('v1');
  await writeJson(registry, INDEX, { format: 99 });
  await expect(listed()).rejects.toMatchObject(newer);
  await registry.delete(INDEX);
  await writeJson(registry, metadataKey('v1'), { format: 99 });
  await expect(listed()).rejects.toMatchObject(newer);
  await expect(add('v2')).rejects.toMatchObject(newer);
});

test('what can not name an algorithm is refused', async () => {
  const refusal = '"../x" can\'t name an algorithm; give ';
  await expect(listVersions(registry, '../x')).rejects.toThrow(refusal);
  await expect(indexVersion(registry, versionMetadataOf({ ...version('v1'), algorithm: '../x' }))).rejects.toThrow(
    refusal,
  );
});
