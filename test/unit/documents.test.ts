import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { packageFolder } from '../../src/package.js';
import { document } from '../../src/platform/storage/documents.js';
import { readJson, updateJson, writeJson } from '../support/anyDocument.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

let store: FolderStore;
beforeEach(() => {
  store = new FolderStore(temporaryFolder());
});

const path = () => fileURLToPath(store.uri('a/scaler.json'));
const change = (edit: (text: string) => string) => writeFileSync(path(), edit(readFileSync(path(), 'utf8')));
const SCALER = { age: { mean: 61.5, scale: 12.25 }, names: ['é', '\u2028'], empty: null, ['__proto__']: { x: 1 } };

describe('a document', () => {
  beforeEach(() => writeJson(store, 'a/scaler.json', SCALER));

  test('is read as it was written', async () => {
    expect(await readJson(store, 'a/scaler.json')).toEqual(SCALER);
  });

  test('holds the SHA-256 of its text without that line, as anybody can compute it', () => {
    const text = readFileSync(path(), 'utf8');
    const seal = /,\n {2}"\$sha256": "([0-9a-f]{64})"\n}\n$/;
    expect(seal.exec(text)?.[1]).toBe(createHash('sha256').update(text.replace(seal, '\n}')).digest('hex'));
  });

  test.each([
    ['a digit changed', (text: string) => text.replace('61.5', '61.6'), 'it is not what was written'],
    ['an entry left out', (text: string) => text.replace(/ {2}"empty": null,\n/, ''), 'it is not what was written'],
    ['its end cut off', (text: string) => text.slice(0, text.length / 2), 'it is not whole JSON'],
    ['nothing left', () => '', 'it is empty'],
    [
      'the name of its checksum changed',
      (text: string) => text.replace('$sha256', '$sha257'),
      'it has no "$sha256", so that it is not what was written',
    ],
    ['another object in its place', () => '{"history": 5}', 'it has no "$sha256", so that it is not what was written'],
    ['a list in its place', () => '[1]', 'it has no "$sha256", so that it is not what was written'],
    ['null in its place', () => 'null', 'it has no "$sha256", so that it is not what was written'],
  ])('is refused in one sentence with %s', async (_, edit, why) => {
    change(edit);
    await expect(readJson(store, 'a/scaler.json', 'train again')).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: `${store.uri('a/scaler.json')} is damaged: ${why}; train again.`,
    });
  });

  test('that can be had from elsewhere is taken from there, and written anew by a change', async () => {
    change((text) => text.slice(3));
    const derived = () => Promise.resolve({ age: { mean: 0, scale: 1 } });
    expect(await readJson(store, 'a/scaler.json', derived)).toEqual({ age: { mean: 0, scale: 1 } });
    await updateJson<object>(store, 'a/scaler.json', (current) => ({ ...current, more: true }), derived);
    expect(await readJson(store, 'a/scaler.json')).toEqual({ age: { mean: 0, scale: 1 }, more: true });
  });

  test('that is damaged is not written over where nothing stands in for it', async () => {
    change((text) => text.slice(3));
    await expect(updateJson<object>(store, 'a/scaler.json', () => ({}))).rejects.toMatchObject({
      type: 'ObjectCorrupt',
    });
    expect(readFileSync(path(), 'utf8')).not.toBe('{}\n');
  });
});

describe('the format of a document', () => {
  const OLD = document({ name: 'height of old', schema: z.strictObject({ inches: z.number() }) });
  const kind = document({
    name: 'height',
    schema: z.strictObject({ metres: z.number() }),
    upgrades: [
      ({ inches }) => ({ centimetres: (inches as number) * 2.54 }),
      ({ centimetres }) => ({ metres: (centimetres as number) / 100 }),
    ],
  });
  const text = (key: string) => readFileSync(fileURLToPath(store.uri(key)), 'utf8');

  test('is its first line, and one more than there are upgrades', async () => {
    await kind.write(store, 'a/height.json', { metres: 1.5 });
    expect(JSON.parse(text('a/height.json'))).toMatchObject({ format: 3, metres: 1.5 });
    expect(text('a/height.json')).toMatch(/^\{\n {2}"format": 3,/);
    expect(await kind.read(store, 'a/height.json')).toEqual({ metres: 1.5 });
  });

  test('of an earlier release, also of the first, which wrote no number, is read as if it were of now', async () => {
    await OLD.write(store, 'a/height.json', { inches: 100 });
    expect(await kind.read(store, 'a/height.json')).toEqual({ metres: 2.54 });
    // Without a number, as the first release sealed it.
    const value = '{\n  "inches": 50\n}';
    const seal = createHash('sha256').update(value).digest('hex');
    await store.put('a/height.json', `{\n  "inches": 50,\n  "$sha256": "${seal}"\n}\n`);
    expect(await kind.read(store, 'a/height.json')).toEqual({ metres: 1.27 });
    await kind.update(store, 'a/height.json', (current) => ({ metres: current!.metres * 2 }));
    expect(JSON.parse(text('a/height.json'))).toMatchObject({ format: 3, metres: 2.54 });
  });

  test('of a newer release is refused in a sentence, whatever stands in for damage, and is not written over', async () => {
    await kind.write(store, 'a/height.json', { metres: 1.5 });
    const before = text('a/height.json');
    const refused = {
      type: 'FormatNewer',
      retryable: false,
      message: `${store.uri('a/height.json')} was written by a newer Perdure (format 3; this one reads up to 1): use that one, or another store.`,
    };
    await expect(OLD.read(store, 'a/height.json', () => undefined)).rejects.toMatchObject(refused);
    await expect(
      OLD.update(
        store,
        'a/height.json',
        () => ({ inches: 1 }),
        () => undefined,
      ),
    ).rejects.toMatchObject(refused);
    expect(text('a/height.json')).toBe(before);
  });

  test.each([
    [
      'without what belongs there',
      { of: 'another kind' },
      'it is no height (metres: Invalid input: expected number, received undefined)',
    ],
    ['with more than that', { metres: 1, feet: 3 }, 'it is no height (all of it: Unrecognized key: "feet")'],
    ['of a format that is no number', { format: 'two', metres: 1 }, 'its format is "two", which is no number of one'],
  ])('of a document %s is told as damage, with the remedy', async (_, value, why) => {
    const packed = { format: 3, ...value };
    const inside = JSON.stringify(packed, null, 2);
    const seal = createHash('sha256').update(inside).digest('hex');
    await store.put('a/height.json', JSON.stringify({ ...packed, $sha256: seal }, null, 2));
    await expect(kind.read(store, 'a/height.json', 'measure again')).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: `${store.uri('a/height.json')} is damaged: ${why}; measure again.`,
    });
  });

  test('of a document that an upgrade can make nothing of is told as damage', async () => {
    const list = document({
      name: 'list of heights',
      schema: z.strictObject({ all: z.array(z.number()) }),
      upgrades: [({ all }) => ({ all: (all as string[]).map(Number) })],
    });
    await OLD.write(store, 'a/list.json', { inches: 3 });
    await expect(list.read(store, 'a/list.json', 'measure again')).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: `${store.uri('a/list.json')} is damaged: it is no list of heights of format 1; measure again.`,
    });
  });

  test('keeps what nobody could read from being written', async () => {
    await expect(kind.write(store, 'a/height.json', { metres: NaN })).rejects.toThrow(
      'This is no height that can be written (metres: Invalid input: expected number, received null).',
    );
    expect(await store.get('a/height.json')).toBeUndefined();
  });
});

test('nothing but documents and stores writes bytes into a store', () => {
  const sources = join(packageFolder(), 'src');
  const writers = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && /\.put\(/.test(readFileSync(join(sources, file), 'utf8')),
  );
  expect(writers.filter((file) => !/^platform\/storage\/(documents|ownedStore|s3Store)\.ts$/.test(file))).toEqual([]);
});
