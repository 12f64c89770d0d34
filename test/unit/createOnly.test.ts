import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createFile } from '../../src/platform/storage/createOnly.js';
import { createJson, readJson } from '../support/anyDocument.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

function world() {
  const folder = temporaryFolder();
  const file = (text: string) => {
    const path = join(folder, `file-${text}`);
    writeFileSync(path, text);
    return path;
  };
  return { store: new FolderStore(join(folder, 'bucket')), file };
}

describe('what is written once', () => {
  test('is there after another attempt wrote the same', async () => {
    const { store, file } = world();
    const first = await createJson(store, 'v1/metadata.json', { a: 1 });
    expect(await createJson(store, 'v1/metadata.json', { a: 1 })).toEqual(first);
    const model = await createFile(store, file('one'), 'v1/model.ubj');
    expect(await createFile(store, file('one'), 'v1/model.ubj')).toEqual(model);
  });

  test('is never replaced by other bytes, and the message says what to do', async () => {
    const { store, file } = world();
    await createJson(store, 'v1/metadata.json', { a: 1 });
    await createFile(store, file('one'), 'v1/model.ubj');
    const refusal = {
      type: 'AlreadyExists',
      retryable: false,
      message: expect.stringMatching(
        / is there with other bytes, and a version is never overwritten; start the training again/,
      ),
    };
    await expect(createJson(store, 'v1/metadata.json', { a: 2 })).rejects.toMatchObject(refusal);
    await expect(createFile(store, file('two'), 'v1/model.ubj')).rejects.toMatchObject(refusal);
    expect(await readJson(store, 'v1/metadata.json')).toEqual({ a: 1 });
    expect(Buffer.from((await store.get('v1/model.ubj'))!.body).toString()).toBe('one');
  });

  test('of ten attempts at once is written by one', async () => {
    const { store } = world();
    const attempts = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) => createJson(store, 'v1/metadata.json', { by: i })),
    );
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});
