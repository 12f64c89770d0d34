import { copyFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { LmdbStore } from '../../src/data/onlineStore/lmdbStore.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { batches, features, testOnlineStore } from '../support/onlineStores.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

testOnlineStore('embedded', () => {
  const folder = temporaryFolder();
  return () => Promise.resolve(new LmdbStore(new FolderStore(join(folder, 'bucket')), join(folder, 'scratch', 'new')));
});

describe('the embedded store', () => {
  let bucket: FolderStore;
  let store: LmdbStore;
  let files: () => string[];
  let file: (version: string) => string;
  beforeEach(() => {
    const folder = temporaryFolder();
    bucket = new FolderStore(join(folder, 'bucket'));
    store = new LmdbStore(bucket, join(folder, 'scratch'));
    files = () => readdirSync(join(folder, 'bucket', 'gold', 'online_store')).sort();
    file = (version) => join(folder, 'bucket', 'gold', 'online_store', `${version}.mdb`);
    return () => store.close();
  });
  const write = (version: string) => store.write(features(version), batches([['a', version]]));

  it('is at an address in the datamart', () => {
    expect(store.address).toBe(bucket.uri('gold/online_store'));
  });

  it('keeps the version before, and no older one', async () => {
    await write('one');
    expect(files()).toEqual(['current.json', 'one.mdb']);
    await write('two');
    expect(files()).toEqual(['current.json', 'one.mdb', 'two.mdb']);
    await write('three');
    expect(files()).toEqual(['current.json', 'three.mdb', 'two.mdb']);
    await write('three');
    await write('two');
    expect(files()).toEqual(['current.json', 'three.mdb', 'two.mdb']);
    await write('three');
    expect(files()).toEqual(['current.json', 'three.mdb', 'two.mdb']);
    expect(await store.lookup('three', ['a'])).toEqual(['three']);
  });

  it.each(['lost', 'torn'])('is nothing where its current version is %s, and is written over that', async (how) => {
    await write('one');
    const current = file('current').replace('.mdb', '.json');
    if (how === 'lost') rmSync(current);
    else truncateSync(current, 20);
    expect(await store.current()).toBeUndefined();
    await write('two');
    expect(await store.current()).toEqual(features('two'));
    expect(await store.lookup('two', ['a'])).toEqual(['two']);
  });

  it('is nothing where its file is lost', async () => {
    await write('one');
    rmSync(file('one'));
    expect(await store.current()).toBeUndefined();
  });

  it.each(['gone', 'another'])('tells that a file is %s, and what to do', async (how) => {
    await write('one');
    await write('two');
    if (how === 'gone') rmSync(file('two'));
    else copyFileSync(file('one'), file('two'));
    await expect(store.lookup('two', ['a'])).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: `${bucket.uri('gold/online_store/two.mdb')} is gone or damaged; delete ${bucket.uri('gold/online_store/current.json')} and run data processing again, which writes it anew.`,
      cause: { type: how === 'gone' ? 'NotFound' : 'ObjectCorrupt' },
    });
    // The version before is another file, and is read without its checksum.
    expect(await store.lookup('one', ['a'])).toEqual(['one']);
  });

  it('tells that its current version is damaged where a lookup comes upon that', async () => {
    await write('one');
    writeFileSync(file('current').replace('.mdb', '.json'), '{}');
    await expect(store.lookup('one', ['a'])).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: expect.stringMatching(/; run data processing again, which writes it anew\.$/) as string,
    });
  });

  it('tells of a datamart that can not be read as what it is', async () => {
    await write('one');
    const away = new Error('the disk is away');
    vi.spyOn(bucket, 'localFile').mockRejectedValue(away);
    await expect(store.lookup('one', ['a'])).rejects.toBe(away);
  });

  it('opens a file once', async () => {
    await write('one');
    expect(await store.lookup('one', ['a'])).toEqual(['one']);
    rmSync(file('one'));
    expect(await store.lookup('one', ['a'])).toEqual(['one']);
    await store.close();
    await expect(store.lookup('one', ['a'])).rejects.toMatchObject({ type: 'ObjectCorrupt' });
  });
});
