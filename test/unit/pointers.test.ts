import { beforeEach, describe, expect, test } from 'vitest';
import { CHAMPION } from '../../src/registry/aliases.js';
import {
  aliasKey,
  isSameVersion,
  latestKey,
  listAliases,
  moveOf,
  movePointer,
  movesOf,
  readPointer,
  versionBefore,
  type Move,
  type MoveOptions,
  type Pointer,
} from '../../src/registry/pointers.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { readJson, writeJson } from '../support/anyDocument.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

let registry: FolderStore;
beforeEach(() => {
  registry = new FolderStore(temporaryFolder());
});

const KEY = aliasKey(CHAMPION);
const version = (name: string, algorithm = 'xgboost') => ({ algorithm, version: name });
const run = (runId: string) => ({ workflowId: `train-${runId}`, runId });
const move = (to: string, id: string, reason: string, options?: MoveOptions) =>
  movePointer(registry, KEY, version(to), run(id), reason, options);
const champion = () => readPointer(registry, KEY);

test('lie where they are documented to, and nowhere else', () => {
  expect(latestKey('xgboost')).toBe('model_registry/xgboost/latest.json');
  expect(KEY).toBe('model_registry/aliases/champion.json');
  const must = 'give a name of at most 100 letters, digits, "_" and "-" that begins with a letter.';
  expect(() => latestKey('a/b')).toThrow(`"a/b" can't name an algorithm; ${must}`);
  expect(() => aliasKey('')).toThrow(`"" can't name an alias; ${must}`);
});

describe('a move', () => {
  test('says who moved it to what, when, why and from where', async () => {
    const started = new Date().toISOString();
    const first = await move('v1', 'a', 'first');
    expect(first).toEqual({
      ...version('v1'),
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      by: { workflowId: 'train-a', runId: 'a' },
      reason: 'first',
      previous: null,
    });
    expect(first.at >= started && first.at <= new Date().toISOString()).toBe(true);
    const second = await move('v2', 'b', 'better');
    expect(second).toMatchObject({ ...version('v2'), reason: 'better', previous: version('v1') });
    expect(await champion()).toEqual({ ...second, history: [first] });
  });

  test('names the person behind it, and that it goes back, where it does', async () => {
    const by = { ...run('a'), person: 'ana' };
    // A run knows more of itself than who moves.
    const asking = { ...by, startedAt: '2026-01-02T03:04:05.000Z' };
    const moved = await movePointer(registry, KEY, version('v1'), asking, 'worse', { rollback: true });
    expect(moved).toMatchObject({ by, rollback: true });
    expect(await champion()).toEqual({ ...moved, history: [] });
    expect(await readJson(registry, KEY)).toHaveProperty('by', by);
  });

  test('is made once by a run, even where another came between its tries', async () => {
    const first = await move('v1', 'a', 'first');
    await move('v2', 'b', 'better');
    expect(await move('v1', 'a', 'first')).toEqual(first);
    // What it has seen doesn't matter any more, as it has moved.
    expect(await move('v1', 'a', 'first', { from: null })).toEqual(first);
    const { version: now, history } = (await champion())!;
    expect([now, history.length]).toEqual(['v2', 1]);
  });

  test('keeps the fifty before it, the newest first', async () => {
    const earlier = Array.from({ length: 51 }, (_, i) => ({
      ...version(`v${51 - i}`),
      ...{ at: '2026-01-02T03:04:05.000Z', by: run(`r${51 - i}`), reason: 'trained', previous: null },
    }));
    const [present, ...history] = earlier;
    await writeJson(registry, KEY, { ...present, history });
    await move('v52', 'r52', 'trained');
    expect((await champion())!.history).toEqual(earlier.slice(0, 50));
  });

  test('of many writers at once is kept, each after another', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `v${i}`);
    await Promise.all(names.map((name) => move(name, name, 'race')));
    const moves = movesOf(await champion());
    expect(moves.map((made) => made.version).sort()).toEqual([...names].sort());
    moves.slice(0, -1).forEach((made, i) => expect(made.previous?.version).toBe(moves[i + 1]!.version));
  });
});

describe('a move from where its mover has seen the pointer', () => {
  test('is made where it still is there', async () => {
    await move('v1', 'a', 'first', { from: null });
    await move('v2', 'b', 'better', { from: version('v1') });
    expect(await champion()).toMatchObject(version('v2'));
  });

  test.each<[string, MoveOptions['from']]>([
    ['nowhere', null],
    ['another version', version('v2')],
    ['the same name of another algorithm', version('v1', 'lightgbm')],
  ])('is refused where that was %s, with who moved it, to what, when and why', async (_, from) => {
    const { at } = await movePointer(registry, KEY, version('v1'), { ...run('a'), person: 'ana' }, 'first');
    await expect(move('v3', 'c', 'mine', { from })).rejects.toMatchObject({
      type: 'PointerMoved',
      message: `${registry.uri(KEY)} was moved by another meanwhile: ana moved it to xgboost v1 at ${at} (first); look at it and ask again if you still want to.`,
    });
    expect(await champion()).toMatchObject({ ...version('v1'), history: [] });
  });

  test('is refused where nobody has it any more', async () => {
    await expect(move('v3', 'c', 'mine', { from: version('v1') })).rejects.toMatchObject({
      type: 'PointerMoved',
      message: `${registry.uri(KEY)} was moved by another meanwhile: it is gone; look at it and ask again if you still want to.`,
    });
    expect(await champion()).toBeUndefined();
  });

  test('of two at once one wins, and the other is told which workflow did', async () => {
    await move('v1', 'a', 'first');
    const asked = ['v2', 'v3'].map((name) => move(name, name, 'mine', { from: version('v1') }));
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
    expect((await champion())!.history.map((made) => made.version)).toEqual(['v1']);
  });
});

describe('a damaged pointer', () => {
  const told = {
    type: 'ObjectCorrupt',
    message: expect.stringMatching(/ is damaged: .*; restore it, or delete it and promote a version\.$/) as string,
  };
  beforeEach(() => registry.put(KEY, '{"alg'));

  test('is neither read nor written over, and says what to do', async () => {
    await expect(champion()).rejects.toMatchObject(told);
    await expect(move('v1', 'a', 'first')).rejects.toMatchObject(told);
    expect((await registry.get(KEY))!.body.toString()).toBe('{"alg');
  });

  test('is written anew, without its history, where its mover says so', async () => {
    await move('v1', 'a', 'first', { overDamage: true });
    expect(await champion()).toMatchObject({ ...version('v1'), previous: null, history: [] });
  });

  test('has what its reader puts in its place', async () => {
    expect(await readPointer(registry, KEY, () => undefined)).toBeUndefined();
  });
});

/** A pointer that was moved so, first to last: `x1` is version 1 of x, `<x1` a rollback to it. */
function movedSo(moves: string): Pointer {
  const made = moves.split(' ').map((text): Move => {
    const [, back, algorithm, number] = /^(<?)([a-z])(\d)$/.exec(text)!;
    return {
      ...version(`v${number}`, algorithm),
      ...{ at: '', by: run(text), reason: '', previous: null },
      ...(back && { rollback: true }),
    };
  });
  const [present, ...history] = made.reverse();
  return { ...present!, history };
}

describe('the way back', () => {
  test.each([
    ['the first has none', 'x1', undefined],
    ['leads to the version before', 'x1 x2 x3', 'x2'],
    ['leads to another algorithm as well, whose version may have the same name', 'x1 y1', 'x1'],
    ['leads past one that was moved to time and again', 'x1 x2 x2 x2', 'x1'],
    ['leads to what a promotion of an earlier one has left', 'x1 x2 x1', 'x2'],
    ['leads past what was rolled back from', 'x1 x2 x3 <x2', 'x1'],
    ['leads past all of it', 'x1 x2 x3 <x1', undefined],
    ['leads past it step by step', 'x1 x2 x3 <x2 <x1', undefined],
    ['leads to where a rollback went', 'x1 x2 x3 <x2 x4', 'x2'],
    ['leads past the newest of two stands that was rolled back to', 'x1 x2 x1 x3 <x1', 'x2'],
    ['leads past the one that a rollback to one from elsewhere left', 'x1 x2 <x9', 'x1'],
    ['has none where the first move was a rollback', '<x1', undefined],
    ['leads to where the first move, a rollback, went', '<x1 x2', 'x1'],
  ])('%s', (_, moves, before) => {
    const found = versionBefore(movedSo(moves));
    expect(found).toEqual(before && version(`v${before[1]}`, before[0]));
  });
});

test('the moves of a pointer are told newest first, and each by the run that made it', () => {
  const pointer = movedSo('x1 <y2');
  expect(movesOf(pointer).map(({ algorithm }) => algorithm)).toEqual(['y', 'x']);
  expect(movesOf(pointer)[0]).not.toHaveProperty('history');
  expect(moveOf(pointer, '<y2')).toMatchObject({ ...version('v2', 'y'), rollback: true });
  expect(moveOf(pointer, 'x1')).toMatchObject(version('v1', 'x'));
  expect(moveOf(pointer, 'z')).toBeUndefined();
  expect(movesOf(undefined)).toEqual([]);
  expect(moveOf(undefined, 'x1')).toBeUndefined();
});

test('a version is the same by algorithm and name, and no version is the same as none', () => {
  expect(isSameVersion(version('v1'), { ...version('v1') })).toBe(true);
  expect(isSameVersion(version('v1'), version('v2'))).toBe(false);
  expect(isSameVersion(version('v1'), version('v1', 'lightgbm'))).toBe(false);
  expect(isSameVersion(null, undefined)).toBe(true);
  expect(isSameVersion(null, version('v1'))).toBe(false);
  expect(isSameVersion(version('v1'), undefined)).toBe(false);
});

test('the aliases that there are are listed by name', async () => {
  expect(await listAliases(registry)).toEqual([]);
  await movePointer(registry, latestKey('xgboost'), version('v1'), run('a'), 'trained');
  for (const alias of ['staging', 'champion']) await writeJson(registry, `model_registry/aliases/${alias}.json`, {});
  expect(await listAliases(registry)).toEqual(['champion', 'staging']);
});
