import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { FolderStore } from '../../src/storage/folderStore.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

let root: string;
let store: FolderStore;
beforeEach(() => {
  root = temporaryFolder();
  store = new FolderStore(root);
});

async function keys(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) found.push(key);
  return found;
}

test('a folder that is not there is listed as empty, and so is one whose place a file has', async () => {
  expect(await keys('models/')).toEqual([]);
  writeFileSync(join(root, 'models'), '');
  expect(await keys('models/')).toEqual([]);
});

test('a folder that can not be read is a failure, not an empty one', async () => {
  // A link to itself can't be followed, by root either.
  symlinkSync('models', join(root, 'models'));
  await expect(keys('models/')).rejects.toMatchObject({ type: 'StoreUnavailable', message: expect.stringContaining(`${join(root, 'models')}/ can't be read or written`) as string });
});

test('an object that can not be read is a failure, not an absence', async () => {
  mkdirSync(join(root, 'aliases', 'champion.json'), { recursive: true });
  await expect(store.get('aliases/champion.json')).rejects.toMatchObject({ type: 'InputInvalid', message: expect.stringContaining('champion.json is a folder') as string });
});

test('an object is changed where its bytes are others, and not where it is as it was or gone', async () => {
  const { etag } = await store.put('a', 'x');
  expect(await store.isChanged('a', etag)).toBe(false);
  writeFileSync(join(root, 'a'), 'y');
  expect(await store.isChanged('a', etag)).toBe(true);
  expect(await store.isChanged('b', etag)).toBe(false);
});
