import { beforeEach, describe, expect, test } from 'vitest';
import type { ModelSelector } from '../../src/contracts/index.js';
import { PerdureError } from '../../src/errors.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { CHAMPION } from '../../src/registry/aliases.js';
import { moveAlias } from '../../src/registry/operations.js';
import { aliasKey, latestKey, movePointer, readPointer } from '../../src/registry/pointers.js';
import { latestVersion, resolveModel } from '../../src/registry/resolve.js';
import { readVersion, versionKey } from '../../src/registry/versions.js';
import { register } from '../support/registered.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const ALGORITHMS = ['logistic_regression', 'xgboost'];
const version = (name: string, algorithm = 'xgboost') => ({ algorithm, version: name });
const run = (runId: string) => ({ workflowId: `train-${runId}`, runId });

let registry: FolderStore;
beforeEach(() => {
  registry = new FolderStore(temporaryFolder());
});

const resolve = (selector?: ModelSelector) => resolveModel(registry, ALGORITHMS, selector);
const add = (name: string, algorithm?: string) => register(registry, version(name, algorithm));
/** Moves an alias, or an algorithm's `latest`. */
const point = (key: string, name: string) => movePointer(registry, key, version(name), run(`${key} ${name}`), 'best');
/** The version that a selector means. */
async function chosen(selector?: ModelSelector): Promise<string | false> {
  const resolved = await resolve(selector);
  return resolved.status === 'ready' && resolved.model.version;
}

describe('before anything is trained', () => {
  test('that there is no model is an absence, not an error', async () => {
    expect(await resolve()).toEqual({
      status: 'skipped',
      reason: 'No model is registered yet: train one first.',
    });
    expect(await resolve({ alias: CHAMPION })).toEqual(await resolve());
    expect(await resolve({ algorithm: 'xgboost' })).toEqual({
      status: 'skipped',
      reason: 'No version of xgboost is registered yet: train one first.',
    });
    expect(await latestVersion(registry, 'xgboost')).toBeUndefined();
  });

  test.each<[ModelSelector, string]>([
    [{ alias: 'staging' }, 'There is no alias "staging" in the registry; there are none yet.'],
    [{ algorithm: 'xgboost', version: 'v1' }, 'There is no version "v1" of xgboost; registered are none.'],
    [{ algorithm: 'xgb"oost' }, 'There is no algorithm "xgb\\"oost"; this pipeline has logistic_regression, xgboost.'],
  ])('what is named all the same is an error: %j', async (selector, message) => {
    await expect(resolve(selector)).rejects.toThrow(new PerdureError('NotFound', message));
  });
});

describe('a version is chosen', () => {
  test('with its file and the checksum of that', async () => {
    await register(registry, version('v1'), { model_file: 'model.txt', lineage: { model_checksum: 'f00d' } });
    await point(aliasKey(CHAMPION), 'v1');
    expect(await resolve()).toEqual({
      status: 'ready',
      model: {
        ...version('v1'),
        uri: registry.uri('model_registry/xgboost/v1/model.txt'),
        checksum: 'f00d',
      },
    });
  });

  test('as champion by default, else by an alias, as the latest of an algorithm, or by its name', async () => {
    for (const name of ['v1', 'v2', 'v3']) await add(name);
    await point(aliasKey(CHAMPION), 'v1');
    await point(aliasKey('staging'), 'v3');
    await point(latestKey('xgboost'), 'v2');
    expect(await chosen()).toBe('v1');
    expect(await chosen({ alias: CHAMPION })).toBe('v1');
    expect(await chosen({ alias: 'staging' })).toBe('v3');
    expect(await chosen({ algorithm: 'xgboost' })).toBe('v2');
    expect(await latestVersion(registry, 'xgboost')).toMatchObject(version('v2'));
    expect(await chosen({ algorithm: 'xgboost', version: 'v3' })).toBe('v3');
  });

  test('by its number; by its name first, where one is called like the number of another', async () => {
    await add('v20250101_a');
    await add('v1');
    expect(await chosen({ algorithm: 'xgboost', version: 'v2' })).toBe('v1');
    expect(await chosen({ algorithm: 'xgboost', version: 'v1' })).toBe('v1');
    await add('v20250103_c');
    expect(await chosen({ algorithm: 'xgboost', version: 'v3' })).toBe('v20250103_c');
  });
});

describe('a name that nothing answers to is told with the names that there are', () => {
  test.each<[ModelSelector, string]>([
    [{ alias: 'challenger' }, 'There is no alias "challenger" in the registry; there is champion.'],
    [{ algorithm: 'catboost' }, 'There is no algorithm "catboost"; this pipeline has logistic_regression, xgboost.'],
    [{ algorithm: 'xgboost', version: 'v9' }, 'There is no version "v9" of xgboost; registered are v2 (v2), v1 (v1).'],
  ])('%j', async (selector, message) => {
    await add('v1');
    await add('v2');
    await point(aliasKey(CHAMPION), 'v1');
    await expect(resolve(selector)).rejects.toThrow(new PerdureError('NotFound', message));
  });

  test('of several aliases all', async () => {
    await add('v1');
    for (const alias of ['staging', CHAMPION]) await point(aliasKey(alias), 'v1');
    await expect(resolve({ alias: 'production' })).rejects.toThrow(
      'There is no alias "production" in the registry; there are champion, staging.',
    );
  });

  test('of ten versions the eight newest, and how many more there are', async () => {
    const day = (number: number) => `v202501${String(number).padStart(2, '0')}_a`;
    for (let number = 1; number <= 10; number++) await add(day(number));
    const newest = [10, 9, 8, 7, 6, 5, 4, 3].map((number) => `v${number} (${day(number)})`).join(', ');
    await expect(resolve({ algorithm: 'xgboost', version: 'v11' })).rejects.toThrow(
      `There is no version "v11" of xgboost; registered are ${newest}, and 2 more.`,
    );
  });
});

describe('what is lost or damaged', () => {
  beforeEach(async () => {
    for (const name of ['v1', 'v2', 'v3']) await add(name);
  });

  test("leaves the newest version as an algorithm's latest", async () => {
    await point(latestKey('xgboost'), 'v2');
    expect(await chosen({ algorithm: 'xgboost' })).toBe('v2');
    await registry.put(latestKey('xgboost'), '');
    expect(await chosen({ algorithm: 'xgboost' })).toBe('v3');
    await registry.delete(latestKey('xgboost'));
    expect(await chosen({ algorithm: 'xgboost' })).toBe('v3');
    await registry.put(latestKey('xgboost'), 'cut');
    await movePointer(registry, latestKey('xgboost'), version('v2'), run('b'), 'trained', { overDamage: true });
    expect((await readPointer(registry, latestKey('xgboost')))?.version).toBe('v2');
  });

  test('leaves no champion, which is told with what to do, and promoting one repairs it', async () => {
    const without = {
      status: 'skipped',
      reason: 'No version is champion: promote one of those that are registered, or train again.',
    };
    expect(await resolve()).toEqual(without);
    // Whichever of the algorithms it is that has one.
    expect(await resolveModel(registry, ['xgboost', 'lightgbm'])).toEqual(without);
    await registry.put(aliasKey(CHAMPION), '{"alg');
    const promoted = () =>
      moveAlias(registry, ALGORITHMS, {
        alias: CHAMPION,
        move: 'promote',
        model: version('v1'),
        by: run('c'),
        reason: 'lost',
      });
    const told = {
      type: 'ObjectCorrupt',
      message: expect.stringContaining('restore it, or delete it and promote a version.') as string,
    };
    await expect(promoted()).rejects.toMatchObject(told);
    await expect(resolve()).rejects.toMatchObject(told);
    await registry.delete(aliasKey(CHAMPION));
    await promoted();
    expect(await chosen()).toBe('v1');
  });

  test('leaves a pointer to a version without metadata, which does not exist', async () => {
    await registry.put(versionKey(version('v4'), 'model.ubj'), 'half a version');
    expect(await readVersion(registry, version('v4'))).toBeUndefined();
    await point(aliasKey(CHAMPION), 'v4');
    await point(latestKey('xgboost'), 'v4');
    const gone = {
      type: 'ObjectCorrupt',
      message: `${registry.uri('model_registry/xgboost/v4/metadata.json')} of xgboost v4 is gone; restore it, promote another version, or train again.`,
    };
    await expect(resolve()).rejects.toMatchObject(gone);
    await expect(resolve({ algorithm: 'xgboost' })).rejects.toMatchObject(gone);
    await expect(resolve({ algorithm: 'xgboost', version: 'v4' })).rejects.toMatchObject({ type: 'NotFound' });
  });
});
