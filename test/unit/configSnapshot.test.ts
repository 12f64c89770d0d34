import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  confOf,
  copyOf,
  digestOf,
  folderAt,
  pipelinesIn,
  snapshotOf,
  storeSource,
  takeSnapshot,
  unpack,
} from '../../src/config/snapshot.js';
import { PerdureError } from '../../src/errors.js';
import { sha256 } from '../../src/platform/storage/checksum.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const FILES: Record<string, string> = {
  'pipeline.json': '{}',
  'models/mine/run.py': 'print()',
  'silver.sql': 'SELECT 1',
};
const CHECKSUMS = Object.fromEntries(Object.entries(FILES).map(([path, text]) => [path, sha256(text)]));
const FOLDER = 'conf/pipelines/loans/';

let store: FolderStore;
let scratch: string;
beforeEach(async () => {
  store = new FolderStore(temporaryFolder());
  scratch = temporaryFolder();
  for (const [path, text] of Object.entries(FILES)) await store.put(`${FOLDER}${path}`, text);
});

const take = () => snapshotOf(storeSource(store, FOLDER), 's3://bucket/conf', 'loans', scratch);
const copied = (conf: string, path: string) => readFileSync(join(conf, 'pipelines', 'loans', path), 'utf8');
const copies = () => readdirSync(join(scratch, 'conf'));

describe('a snapshot of a folder in a store', () => {
  test('has every file of it and no other, under the digest of them', async () => {
    await store.put('conf/pipelines/loans2/pipeline.json', '{}');
    const { conf, files, digest } = await take();
    expect(files).toEqual(CHECKSUMS);
    // By hand: SHA-256 of the sorted list of paths and checksums, as JSON.
    expect(digest).toBe(
      sha256(JSON.stringify(['models/mine/run.py', 'pipeline.json', 'silver.sql'].map((p) => [p, CHECKSUMS[p]]))),
    );
    expect(conf).toBe(join(scratch, 'conf', digest));
    for (const [path, text] of Object.entries(FILES)) expect(copied(conf, path)).toBe(text);
  });

  test('is the same as that of such a folder on the disk, and is kept once', async () => {
    const address = temporaryFolder();
    for (const [path, text] of Object.entries(FILES)) {
      const file = join(address, 'pipelines', 'loans', path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const ofStore = await take();
    expect(await takeSnapshot(address, 'loans', scratch)).toEqual(ofStore);
    expect(copies()).toEqual([ofStore.digest]);
    expect(copyOf(ofStore.digest, 'loans', scratch)).toBe(ofStore.conf);
    expect(copyOf(ofStore.digest, 'others', scratch)).toBeUndefined();
    expect(copyOf('0'.repeat(64), 'loans', scratch)).toBeUndefined();
  });

  test('is taken again where a file changed while it was copied', async () => {
    const localFile = store.localFile.bind(store);
    vi.spyOn(store, 'localFile').mockImplementationOnce(async (key) => {
      await store.put(`${FOLDER}silver.sql`, 'SELECT 2');
      return localFile(key);
    });
    const { conf, digest } = await take();
    expect(copied(conf, 'silver.sql')).toBe('SELECT 2');
    expect(copies()).toEqual([digest]);
  });

  test('is taken again where a file went while it was copied', async () => {
    const localFile = store.localFile.bind(store);
    vi.spyOn(store, 'localFile').mockImplementationOnce(async (key) => {
      await store.delete(key);
      return localFile(key);
    });
    const { files } = await take();
    // In the order of the paths the first is that of the script.
    expect(Object.keys(files)).toEqual(['pipeline.json', 'silver.sql']);
  });

  test('has what was listed and is gone before it is looked at no more', async () => {
    const head = store.head.bind(store);
    vi.spyOn(store, 'head').mockImplementation((key) =>
      key.endsWith('silver.sql') ? Promise.resolve(undefined) : head(key),
    );
    expect(Object.keys((await take()).files)).toEqual(['models/mine/run.py', 'pipeline.json']);
  });

  test('is none where the store is away, and nothing is left of it', async () => {
    const away = new PerdureError('StoreUnavailable', 'The store is away.');
    vi.spyOn(store, 'localFile').mockRejectedValue(away);
    await expect(take()).rejects.toBe(away);
    expect(copies()).toEqual([]);
  });
});

describe('a version whose files are kept elsewhere', () => {
  const fetchFrom = (folder: string) =>
    vi.fn((checksum: string) => {
      const [path] = Object.entries(CHECKSUMS).find(([, known]) => known === checksum)!;
      return store.localFile(`${folder}${path}`);
    });

  test('is unpacked once', async () => {
    const fetched = fetchFrom(FOLDER);
    const conf = await unpack('loans', CHECKSUMS, scratch, fetched);
    expect(conf).toBe(join(scratch, 'conf', digestOf(CHECKSUMS)));
    for (const [path, text] of Object.entries(FILES)) expect(copied(conf, path)).toBe(text);
    expect(await unpack('loans', CHECKSUMS, scratch, fetched)).toBe(conf);
    expect(fetched).toHaveBeenCalledTimes(3);
    expect(copies()).toEqual([digestOf(CHECKSUMS)]);
  });

  test('is not there where one of its files is lost, and nothing is left of it', async () => {
    await store.delete(`${FOLDER}silver.sql`);
    await expect(unpack('loans', CHECKSUMS, scratch, fetchFrom(FOLDER))).rejects.toMatchObject({ type: 'NotFound' });
    expect(copies()).toEqual([]);
    expect(existsSync(join(scratch, 'conf', digestOf(CHECKSUMS)))).toBe(false);
  });
});

test('a digest goes by the paths and contents, in whatever order they are listed', () => {
  const reversed = Object.fromEntries(Object.entries(CHECKSUMS).reverse());
  expect(digestOf(reversed)).toBe(digestOf(CHECKSUMS));
  expect(digestOf({ ...CHECKSUMS, 'silver.sql': 'other' })).not.toBe(digestOf(CHECKSUMS));
});

test('pipelines are the folders that have a pipeline.json, by name', async () => {
  await store.put('conf/pipelines/churn/pipeline.json', '{}');
  for (const key of [
    'conf/pipelines/half/silver.sql',
    'conf/pipelines/loans/old/pipeline.json',
    'conf/pipelines/pipeline.json',
    'conf/pipelines/notes/pipeline.json.bak',
    'other/pipelines/else/pipeline.json',
  ])
    await store.put(key, '{}');
  expect(await pipelinesIn(store, 'conf/pipelines/')).toEqual(['churn', 'loans']);
});

test.each(['s3://bucket/conf', '/etc/perdure', 'C:\\conf'])('the folder of a pipeline is below %s', (address) => {
  const folder = folderAt(address, 'loans');
  expect(folder).toMatch(/pipelines.loans$/);
  expect(confOf(folder)).toBe(address);
});
