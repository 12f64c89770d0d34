import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { PerdureError } from '../../src/errors.js';
import { sha256 } from '../../src/platform/storage/checksum.js';
import { compareKeys } from '../../src/platform/storage/key.js';
import type { ObjectStore } from '../../src/platform/storage/objectStore.js';
import { listedKeys, makeBucket, openBucket, type BucketPlace } from '../support/buckets.js';
import { inStoreProcess, startStoreProcess } from '../support/inStoreProcess.js';
import { startS3Server } from '../support/s3Server.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { until } from '../support/until.js';

const server = await startS3Server(afterAll);

/** What every store does alike: in a folder, and in a bucket of a real S3 server. */
describe.each(['folder', 's3'] as const)('an object store (%s)', (kind) => {
  const newBucket = () => makeBucket(kind === 's3' ? server : undefined);
  const open = (place: BucketPlace) => openBucket(place, temporaryFolder());
  const newStore = async () => open(await newBucket());

  test('gives back what was put, and where it is', async () => {
    const store = await newStore();
    const { etag } = await store.put('gold/a.json', '{"a":1}');

    expect(await text(store, 'gold/a.json')).toBe('{"a":1}');
    expect((await store.get('gold/a.json'))?.etag).toBe(etag);
    expect(await store.head('gold/a.json')).toEqual({ key: 'gold/a.json', size: 7, etag });
    expect(store.key(store.uri('gold/a.json'))).toBe('gold/a.json');
    expect(() => store.key('s3://another-bucket/gold/a.json')).toThrow();

    await store.put('gold/a.json', 'new');
    expect(await text(store, 'gold/a.json')).toBe('new');
    expect((await store.head('gold/a.json'))?.etag).not.toBe(etag);
  });

  test('knows nothing of what is not there', async () => {
    const store = await newStore();
    await store.put('a/b', 'x');

    expect(await store.head('a/none')).toBeUndefined();
    expect(await store.get('a/none')).toBeUndefined();
    expect(await store.get('a/b/below')).toBeUndefined();
    expect(await store.head('none/at/all')).toBeUndefined();
    expect(await listedKeys(store, 'none/')).toEqual([]);
    await expect(store.localFile('a/none')).rejects.toMatchObject({
      type: 'NotFound',
      message: expect.stringMatching(/a\/none is not there; run the stage that writes it\.$/),
    });
    await expect(store.localFile('a/none', sha256('x'))).rejects.toMatchObject({ type: 'NotFound' });
    await store.delete('a/none');
  });

  test('forgets what was deleted', async () => {
    const store = await newStore();
    await store.put('a', 'x');
    await store.delete('a');

    expect(await store.get('a')).toBeUndefined();
    expect(await listedKeys(store)).toEqual([]);
  });

  test('stores files of any kind, and lends them', async () => {
    const place = await newBucket();
    const folder = temporaryFolder();
    for (const [name, body] of Object.entries({
      empty: Buffer.alloc(0),
      small: Buffer.from('abc'),
      large: Buffer.alloc(20 * 2 ** 20 + 1, 'large'),
    })) {
      const file = join(folder, name);
      await writeFile(file, body);
      const stored = await open(place).upload(file, `files/${name}.bin`);
      expect(stored).toEqual({ uri: open(place).uri(`files/${name}.bin`), checksum: sha256(body), size: body.length });

      const elsewhere = open(place);
      for (const path of [
        await elsewhere.localFile(`files/${name}.bin`, stored.checksum),
        await elsewhere.localFile(`files/${name}.bin`),
      ]) {
        expect(path.endsWith(`${name}.bin`)).toBe(true);
        expect(sha256(await readFile(path))).toBe(stored.checksum);
      }
      expect(sha256((await elsewhere.get(`files/${name}.bin`))!.body)).toBe(stored.checksum);
    }
  });

  test('lends the bytes that are there now, where no checksum says which', async () => {
    const store = await newStore();
    await store.put('raw.csv', 'one');
    expect(await readFile(await store.localFile('raw.csv'), 'utf8')).toBe('one');
    await store.put('raw.csv', 'two');
    expect(await readFile(await store.localFile('raw.csv'), 'utf8')).toBe('two');
  });

  test('refuses to lend other bytes than those asked for', async () => {
    const store = await newStore();
    await store.put('model.ubj', 'what was written');
    const checksum = sha256('what was written');
    await store.put('model.ubj', 'something else');

    await expect(store.localFile('model.ubj', checksum)).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: expect.stringMatching(
        /model\.ubj does not hold the bytes that were written; delete it and run the stage that writes it again\.$/,
      ),
    });
  });

  test.each([
    ['small', 10],
    ['in parts', 20 * 2 ** 20],
  ])('stores a file that is %s onto nothing only', async (_, size) => {
    const store = await newStore();
    const file = join(temporaryFolder(), 'model');
    await writeFile(file, Buffer.alloc(size, 'one'));
    const { checksum } = await store.upload(file, 'v1/model.ubj', { ifNoneMatch: '*' });
    await writeFile(file, Buffer.alloc(size, 'two'));

    await expect(store.upload(file, 'v1/model.ubj', { ifNoneMatch: '*' })).rejects.toMatchObject({
      type: 'PreconditionFailed',
    });
    expect(sha256((await store.get('v1/model.ubj'))!.body)).toBe(checksum);
  });

  test('writes onto nothing only, or over one content only', async () => {
    const store = await newStore();
    const { etag } = await store.put('latest.json', 'first', { ifNoneMatch: '*' });
    const lost = { type: 'PreconditionFailed', retryable: true };

    await expect(store.put('latest.json', 'second', { ifNoneMatch: '*' })).rejects.toMatchObject(lost);
    await expect(store.put('absent.json', 'x', { ifMatch: etag })).rejects.toMatchObject(lost);
    expect(await text(store, 'latest.json')).toBe('first');
    expect(await store.get('absent.json')).toBeUndefined();

    const next = await store.put('latest.json', 'second', { ifMatch: etag });
    await expect(store.put('latest.json', 'third', { ifMatch: etag })).rejects.toMatchObject(lost);
    expect(await text(store, 'latest.json')).toBe('second');
    expect((await store.head('latest.json'))?.etag).toBe(next.etag);
  });

  test('lets one of two writers move a pointer, each time', async () => {
    const place = await newBucket();
    const writers = [open(place), open(place)];
    let { etag } = await writers[0]!.put('latest.json', 'start', { ifNoneMatch: '*' });

    for (let round = 0; round < 50; round++) {
      const moves = await Promise.allSettled(
        writers.map((writer, i) => writer.put('latest.json', `round ${round} by ${i}`, { ifMatch: etag })),
      );
      const winner = moves.findIndex(({ status }) => status === 'fulfilled');
      expect(moves.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(moves.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: { type: 'PreconditionFailed' },
      });
      expect(await text(writers[0]!, 'latest.json')).toBe(`round ${round} by ${winner}`);
      etag = (await writers[1]!.head('latest.json'))!.etag;
    }
  });

  test('lets one of many processes at a time change a document', async () => {
    const place = await newBucket();
    const counts = await Promise.all(
      [1, 2, 3].map(() => inStoreProcess<number[]>(place, ['count', 'counter.json', '20'])),
    );

    const taken = counts.flatMap(({ result }) => result).sort((a, b) => a - b);
    expect(taken).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  });

  test('shows whole objects only, whenever their writer is killed', async () => {
    const place = await newBucket();
    const store = open(place);
    const size = 12 * 2 ** 20;
    for (let round = 0; round < 4; round++) {
      const before = (await store.head('big.bin'))?.etag;
      const writer = startStoreProcess(place, ['overwrite', 'big.bin', String(size)]);
      await until(async () => (await store.head('big.bin'))?.etag !== before);
      const meanwhile = await store.get('big.bin');
      await sleep(40 * round);
      writer.kill('SIGKILL');
      await once(writer, 'exit');
      for (const found of [meanwhile, await store.get('big.bin')]) {
        expect(Buffer.alloc(size, found!.body[0]).equals(found!.body)).toBe(true);
      }
    }
    expect((await listedKeys(store)).filter((key) => key !== 'big.bin')).toEqual([]);
  });

  test('takes keys of odd characters', async () => {
    const place = await newBucket();
    const odd = [
      'two words.csv',
      'a+b',
      '100%',
      'a%2Fb',
      `it's "quoted"`,
      'häuser/日本/🎉.parquet',
      'a&b<c>',
      '#1?x=y;z:@,$!*()[]{}^~`|',
      '.hidden/..two',
      'x.lock',
      '-dash',
      '~',
    ];
    for (const key of odd) await open(place).put(key, key);

    const store = open(place);
    for (const key of odd) {
      expect(await text(store, key)).toBe(key);
      expect(await readFile(await store.localFile(key, sha256(key)), 'utf8')).toBe(key);
      expect(store.key(store.uri(key))).toBe(key);
    }
    expect(await listedKeys(store)).toEqual([...odd].sort(compareKeys));
    expect(await listedKeys(store, 'häuser/日')).toEqual(['häuser/日本/🎉.parquet']);
    for (const key of odd) await store.delete(key);
    expect(await listedKeys(store)).toEqual([]);
  });

  test('refuses keys that not every store could hold', async () => {
    const store = await newStore();
    const refused = {
      type: 'InputInvalid',
      retryable: false,
      message: expect.stringContaining(`can't be an object's key`),
    };
    const outside = ['', '/a', 'a/', 'a//b', '../a', 'a/../b', '.', './a', '.staging/a'];
    const unwritable = ['a\nb', 'a\0b', 'a\\b', '\ud800', 'x'.repeat(256), `${'a/'.repeat(600)}a`];
    for (const key of [...outside, ...unwritable]) {
      await expect(store.put(key, 'x')).rejects.toMatchObject(refused);
      await expect(store.upload('/dev/null', key)).rejects.toMatchObject(refused);
      await expect(store.get(key)).rejects.toMatchObject(refused);
      await expect(store.head(key)).rejects.toMatchObject(refused);
      await expect(store.delete(key)).rejects.toMatchObject(refused);
      await expect(store.localFile(key)).rejects.toMatchObject(refused);
      expect(() => store.uri(key)).toThrow(PerdureError);
    }
    await expect(listedKeys(store, '../')).rejects.toMatchObject(refused);
    expect(await listedKeys(store)).toEqual([]);
  });

  test('lists 10,000 keys in order, and those below a prefix', async () => {
    const place = await newBucket();
    // Put where the store finds them, as putting each by the store is not what takes so many.
    const root = place.kind === 'folder' ? place.folder : join(server.objects, place.bucket);
    const expected: string[] = [];
    for (let folder = 0; folder < 20; folder++) {
      await mkdir(join(root, `part-${folder}`), { recursive: true });
      for (let i = 0; i < 500; i++) expected.push(`part-${folder}/row ${i}.json`);
    }
    for (const key of expected) await writeFile(join(root, key), 'x'.repeat(key.length));
    const store = open(place);
    await store.put('zebra', 'last');

    const listed: { key: string; size: number }[] = [];
    for await (const object of store.list('')) listed.push(object);
    expect(listed.map(({ key }) => key)).toEqual([...expected, 'zebra'].sort(compareKeys));
    expect(listed.every(({ key, size }) => size === (key === 'zebra' ? 4 : key.length))).toBe(true);

    expect(await listedKeys(store, 'part-1')).toHaveLength(11 * 500);
    expect(await listedKeys(store, 'part-1/')).toHaveLength(500);
    expect(await listedKeys(store, 'part-1/row 49')).toHaveLength(11);
  });

  test('stores and lends 1 GiB within a heap of 256 MiB', async () => {
    const place = await newBucket();
    const file = join(temporaryFolder(), 'big.bin');
    const block = Buffer.alloc(2 ** 20);
    for (let i = 0; i < 1024; i++) await writeFile(file, block.fill(`block ${i} `), { flag: 'a' });

    const up = await inStoreProcess<{ checksum: string; size: number }>(place, ['upload', file, 'big.bin'], {
      heapMebibytes: 256,
    });
    const down = await inStoreProcess<string>(place, ['checksumOf', 'big.bin', up.result.checksum], {
      heapMebibytes: 256,
    });

    expect(up.result.size).toBe(2 ** 30);
    expect(down.result).toBe(up.result.checksum);
    console.log(
      `1 GiB, ${kind}: ${mebibytes(up.peakMemory)} MiB at most going up, ${mebibytes(down.peakMemory)} MiB coming down`,
    );
    expect(Math.max(up.peakMemory, down.peakMemory)).toBeLessThan(512 * 2 ** 20);
  });
});

async function text(store: ObjectStore, key: string): Promise<string | undefined> {
  const found = await store.get(key);
  return found && Buffer.from(found.body).toString();
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
