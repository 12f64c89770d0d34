import { beforeEach, describe, expect, test } from 'vitest';
import { moveAlias } from '../../src/registry/operations.js';
import { aliasKey, readPointer } from '../../src/registry/pointers.js';
import { CHAMPION } from '../../src/registry/aliases.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { register } from '../support/registered.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

let registry: FolderStore;
beforeEach(async () => {
  registry = new FolderStore(temporaryFolder());
  for (const version of ['v1', 'v2', 'v3']) await register(registry, { algorithm: 'xgboost', version });
});

const ALGORITHMS = ['xgboost'];
const xgboost = (version: string) => ({ algorithm: 'xgboost', version });
const by = (runId: string) => ({ workflowId: 'perdure models promote', runId, person: 'ana' });
const promote = (version: string, id = version) =>
  moveAlias(registry, ALGORITHMS, {
    alias: CHAMPION,
    move: 'promote',
    model: xgboost(version),
    by: by(id),
    reason: 'checked',
  });
const goBack = (id: string, version?: string) =>
  moveAlias(registry, ALGORITHMS, {
    alias: CHAMPION,
    move: 'rollback',
    model: version ? xgboost(version) : undefined,
    by: by(id),
    reason: 'worse',
  });
const champion = async () => (await readPointer(registry, aliasKey(CHAMPION)))?.version;

describe('promotion by hand', () => {
  test('says what moved, and the pointer says who, when and why', async () => {
    await promote('v1');
    expect(await promote('v2')).toMatchObject({
      alias: CHAMPION,
      model: xgboost('v2'),
      previous: xgboost('v1'),
      reason: 'checked',
    });
    expect(await readPointer(registry, aliasKey(CHAMPION))).toMatchObject({
      ...xgboost('v2'),
      by: by('v2'),
      reason: 'checked',
    });
  });

  test('of two at once, one wins and the other is told', async () => {
    await promote('v1');
    const outcomes = await Promise.allSettled([promote('v2'), promote('v3')]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { type: 'PointerMoved' } });
  });

  test('is no rollback: the versions before it stay those to go back to', async () => {
    for (const [version, id] of [
      ['v1', 'a'],
      ['v2', 'b'],
      ['v1', 'c'],
    ] as const)
      await promote(version, id);
    // The champion before the present one is v2, as nobody has gone back from it.
    expect(await goBack('d')).toMatchObject({ model: xgboost('v2') });
  });

  test('moves an alias to what another means', async () => {
    await promote('v2');
    const model = { alias: CHAMPION };
    expect(
      await moveAlias(registry, ALGORITHMS, {
        alias: 'production',
        move: 'promote',
        model,
        by: by('p'),
        reason: 'release',
      }),
    ).toMatchObject({ model: xgboost('v2'), previous: null });
  });

  test.each([
    [
      'a version that is not there',
      { alias: CHAMPION, model: xgboost('v9') },
      'There is no version "v9" of xgboost; registered are v3 (v3), v2 (v2), v1 (v1).',
    ],
    [
      'an alias that is not moved by hand',
      { alias: 'latest', model: xgboost('v1') },
      'There is no alias "latest"; there are champion, challenger, staging, production.',
    ],
  ])('refuses %s', async (_, asked, message) => {
    await expect(
      moveAlias(registry, ALGORITHMS, { move: 'promote', ...asked, by: by('a'), reason: 'x' }),
    ).rejects.toMatchObject({ type: 'NotFound', message });
  });

  test('refuses the version that it is already, but gives a repeated request its own answer', async () => {
    const first = await promote('v1');
    expect(await promote('v1')).toEqual(first);
    await expect(promote('v1', 'another')).rejects.toMatchObject({
      type: 'InputInvalid',
      message: 'xgboost v1 is champion already; name another version.',
    });
  });
});

describe('rollback', () => {
  test('goes back step by step, never to what was rolled back from', async () => {
    for (const version of ['v1', 'v2', 'v3']) await promote(version);
    expect(await goBack('a')).toMatchObject({ model: xgboost('v2'), previous: xgboost('v3') });
    expect(await goBack('b')).toMatchObject({ model: xgboost('v1') });
    await expect(goBack('c')).rejects.toMatchObject({
      type: 'NotFound',
      message: 'There is no version before xgboost v1 to go back to; name one.',
    });
  });

  test('goes to a named version', async () => {
    for (const version of ['v1', 'v2', 'v3']) await promote(version);
    await goBack('a', 'v1');
    expect(await champion()).toBe('v1');
  });

  test('has nothing to go back to where nothing was promoted', async () => {
    await expect(goBack('a')).rejects.toMatchObject({
      type: 'NotFound',
      message: 'There is no champion to roll back; promote a version first.',
    });
  });
});
