import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { beforeEach, expect, test } from 'vitest';
import { sha256 } from '../../src/platform/storage/checksum.js';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
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
  await expect(keys('models/')).rejects.toMatchObject({
    type: 'StoreUnavailable',
    message: expect.stringContaining(`${join(root, 'models')}/ can't be read or written`) as string,
  });
});

test('an object that can not be read is a failure, not an absence', async () => {
  mkdirSync(join(root, 'aliases', 'champion.json'), { recursive: true });
  await expect(store.get('aliases/champion.json')).rejects.toMatchObject({
    type: 'InputInvalid',
    message: expect.stringContaining('champion.json is a folder') as string,
  });
});

test('an object is changed where its bytes are others, and not where it is as it was or gone', async () => {
  const { etag } = await store.put('a', 'x');
  expect(await store.isChanged('a', etag)).toBe(false);
  writeFileSync(join(root, 'a'), 'y');
  expect(await store.isChanged('a', etag)).toBe(true);
  expect(await store.isChanged('b', etag)).toBe(false);
});

const STAGED = '.staging';

test('what was put is read back, with its size and the SHA-256 of its bytes as etag', async () => {
  // printf 'h\303\274' | sha256sum
  const etag = 'f11ed47fb99e745783da3cd8aa54080dbd8367dbea214c0790439745c242061d';
  const put = await store.put('a/b.json', 'hü');
  expect(put).toEqual({ etag });
  expect(await store.put('a/bytes', Buffer.from('hü'))).toEqual(put);
  expect(readFileSync(join(root, 'a', 'b.json'), 'utf8')).toBe('hü');
  expect(await store.head('a/b.json')).toEqual({ key: 'a/b.json', size: 3, etag: put.etag });
  const found = (await store.get('a/b.json'))!;
  expect([Buffer.from(found.body).toString(), found.etag]).toEqual(['hü', put.etag]);
});

const OPEN_FILES = '/proc/self/fd';
test.skipIf(!existsSync(OPEN_FILES))(
  'no file is left open of what was put, for the garbage collector to close',
  async () => {
    const warnings: string[] = [];
    const warned = ({ message }: Error) => void warnings.push(message);
    process.on('warning', warned);
    await store.put('a', 'one');
    await store.put('a', 'two', { ifMatch: sha256('one') });
    const open = readdirSync(OPEN_FILES).flatMap((name) => {
      try {
        return [readlinkSync(join(OPEN_FILES, name))];
      } catch {
        // Of the listing itself, which is over.
        return [];
      }
    });
    await setImmediate();
    process.off('warning', warned);
    expect(open.filter((path) => path.startsWith(root))).toEqual([]);
    expect(warnings.filter((message) => message.includes('garbage collection'))).toEqual([]);
  },
);

test('nothing is where nothing was put: not beside, not below a file, not after it was deleted', async () => {
  await store.put('a/b', 'x');
  for (const key of ['a/c', 'a/b/below', 'none/at/all'])
    expect([await store.head(key), await store.get(key)]).toEqual([undefined, undefined]);
  for (const key of ['a/c', 'a/b/below', 'a/b', 'a/b']) await store.delete(key);
  expect(await store.get('a/b')).toBeUndefined();
  for (const checksum of [undefined, sha256('x')]) {
    await expect(store.localFile('a/b', checksum)).rejects.toMatchObject({
      type: 'NotFound',
      message: `${store.uri('a/b')} is not there; run the stage that writes it.`,
    });
  }
});

test('a list has the files of all folders below its prefix with their sizes, in order, and nothing that is being written', async () => {
  for (const [key, body] of [
    ['m/b', '22'],
    ['m/a/x', '1'],
    ['m/c/deep/y', '333'],
    ['n', ''],
    ['m-other', ''],
    ['staging', ''],
  ] as const)
    await store.put(key, body);
  await store.put('x.staging/y', '');
  writeFileSync(join(root, STAGED, 'left-over'), 'half');
  const found = [];
  for await (const object of store.list('m/')) found.push(object);
  expect(found).toEqual([
    { key: 'm/a/x', size: 1 },
    { key: 'm/b', size: 2 },
    { key: 'm/c/deep/y', size: 3 },
  ]);
  expect(await keys('m')).toEqual(['m-other', 'm/a/x', 'm/b', 'm/c/deep/y']);
  expect(await keys('m/c')).toEqual(['m/c/deep/y']);
  expect(await keys('')).toEqual(['m-other', 'm/a/x', 'm/b', 'm/c/deep/y', 'n', 'staging', 'x.staging/y']);
  await expect(keys('/m')).rejects.toThrow();
});

test('addresses are of this store, or a sentence says that they are not', () => {
  expect(store.key(store.uri('a/b c.json'))).toBe('a/b c.json');
  expect(store.uri('a')).toBe(pathToFileURL(join(root, 'a')).href);
  expect(() => store.key('s3://bucket/a')).toThrow(
    expect.objectContaining({
      type: 'InputInvalid',
      message: `s3://bucket/a is no file of the folder store at ${root}; name a file, or the store that has the object (PERDURE_STORE=s3://).`,
    }),
  );
  for (const outside of [`${root}-other/a`, dirname(root)]) {
    const { href } = pathToFileURL(outside);
    expect(() => store.key(href)).toThrow(
      expect.objectContaining({ type: 'NotFound', message: `${href} does not lie in the store at ${root}.` }),
    );
  }
  // A name may begin with dots.
  expect(store.key(pathToFileURL(join(root, '..a')).href)).toBe('..a');
});

test('a conditional write replaces what it names and nothing else, and leaves nothing of what it did not write', async () => {
  const refusal = { type: 'PreconditionFailed', message: `${store.uri('p')} was changed by another writer meanwhile.` };
  await expect(store.put('p', 'x', { ifMatch: sha256('x') })).rejects.toMatchObject(refusal);
  const { etag } = await store.put('p', 'one', { ifNoneMatch: '*' });
  await expect(store.put('p', 'two', { ifNoneMatch: '*' })).rejects.toMatchObject(refusal);
  await expect(store.put('p', 'two', { ifMatch: sha256('other') })).rejects.toMatchObject(refusal);
  expect(readFileSync(join(root, 'p'), 'utf8')).toBe('one');
  await store.put('p', 'two', { ifMatch: etag });
  expect(readFileSync(join(root, 'p'), 'utf8')).toBe('two');
  expect(readdirSync(join(root, STAGED))).toEqual([]);
});

test('a file that is uploaded moves into the store; one that may only be created replaces none', async () => {
  const file = (name: string, body: string, folder = temporaryFolder()) => {
    writeFileSync(join(folder, name), body);
    return join(folder, name);
  };
  const first = file('model', 'one');
  expect(await store.upload(first, 'v/model')).toEqual({ uri: store.uri('v/model'), checksum: sha256('one'), size: 3 });
  expect(existsSync(first)).toBe(false);
  await expect(store.upload(file('model', 'two'), 'v/model', { ifNoneMatch: '*' })).rejects.toMatchObject({
    type: 'PreconditionFailed',
  });
  expect(await store.localFile('v/model', sha256('one'))).toBe(join(root, 'v', 'model'));
  await store.upload(file('model', 'two'), 'v/model');
  expect(readFileSync(join(root, 'v', 'model'), 'utf8')).toBe('two');
  expect(readdirSync(join(root, STAGED))).toEqual([]);
  await expect(store.upload(join(root, 'none'), 'v/other')).rejects.toThrow();
  expect(await store.head('v/other')).toBeUndefined();
});

const OTHER_DEVICE = '/dev/shm';
test.skipIf(!existsSync(OTHER_DEVICE) || statSync(OTHER_DEVICE).dev === statSync(tmpdir()).dev)(
  'a file of another file system is uploaded as well',
  async () => {
    const folder = mkdtempSync(join(OTHER_DEVICE, 'perdure-'));
    try {
      writeFileSync(join(folder, 'model'), 'one');
      expect(await store.upload(join(folder, 'model'), 'v/model')).toEqual({
        uri: store.uri('v/model'),
        checksum: sha256('one'),
        size: 3,
      });
      expect(readFileSync(join(root, 'v', 'model'), 'utf8')).toBe('one');
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

test('a local file that holds other bytes than were written is refused, with the step that repairs it', async () => {
  await store.put('a', 'x');
  expect(await store.localFile('a')).toBe(join(root, 'a'));
  await expect(store.localFile('a', sha256('y'))).rejects.toMatchObject({
    type: 'ObjectCorrupt',
    message: `${store.uri('a')} does not hold the bytes that were written; delete it and run the stage that writes it again.`,
  });
});

test('keys that lead out of the store are refused before anything is read or written', async () => {
  for (const key of ['', '../x', 'a/../x', '/a', 'a//b', './a']) {
    await expect(store.put(key, 'x')).rejects.toThrow();
    await expect(store.get(key)).rejects.toThrow();
    await expect(store.delete(key)).rejects.toThrow();
    expect(() => store.uri(key)).toThrow();
  }
  expect(readdirSync(root)).toEqual([]);
});

test('a folder that has the place of an object is a failure, by its path', async () => {
  mkdirSync(join(root, 'a', 'b'), { recursive: true });
  await expect(store.put('a', 'x')).rejects.toThrow(join(root, 'a'));
  await expect(store.delete('a')).rejects.toThrow(join(root, 'a'));
  await expect(store.isChanged('a', sha256('x'))).rejects.toThrow(join(root, 'a'));
  expect(readdirSync(join(root, STAGED))).toEqual([]);
});

test.each([
  ['a lone %', 'file:///data/100%.csv'],
  ['half a letter', 'file:///data/%E0%A4%A.csv'],
  ['an encoded slash', 'file:///data/a%2Fb.csv'],
])('an address with %s is refused with what to do', (_, address) => {
  expect(() => store.key(address)).toThrow(
    expect.objectContaining({
      type: 'InputInvalid',
      message: `${JSON.stringify(address)} is no address of a file on this machine; begin it with file:/// and write "%25" for "%" in it, or give the path.`,
    }),
  );
});
