import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { readJson, updateJson, writeJson } from '../../src/platform/storage/documents.js';
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
