import { once } from 'node:events';
import { chmod, readFile, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, ListPartsCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { sha256 } from '../../src/platform/storage/checksum.js';
import { ObjectCache } from '../../src/platform/storage/objectCache.js';
import { createS3Client } from '../../src/platform/storage/s3Client.js';
import { S3Store, type S3StoreOptions } from '../../src/platform/storage/s3Store.js';
import { listedKeys, makeBucket } from '../support/buckets.js';
import { startCuttingProxy } from '../support/cuttingProxy.js';
import { startStoreProcess } from '../support/inStoreProcess.js';
import { startS3Server } from '../support/s3Server.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { until } from '../support/until.js';

const MEBIBYTE = 2 ** 20;

const server = await startS3Server(afterAll);

async function newBucket(): Promise<string> {
  const place = await makeBucket(server);
  return place.kind === 's3' ? place.bucket : '';
}

function openS3(bucket: string, options: Partial<S3StoreOptions> = {}): S3Store {
  const folder = temporaryFolder();
  const cache = new ObjectCache(join(folder, 'cache'), 100 * MEBIBYTE);
  return new S3Store({ client: createS3Client(), bucket, cache, scratch: join(folder, 'stage'), ...options });
}

async function fileOf(bytes: number): Promise<string> {
  const file = join(temporaryFolder(), 'file');
  await writeFile(file, '');
  await truncate(file, bytes);
  return file;
}

function setEnv(variables: Record<string, string | undefined>): void {
  const before = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  onTestFinished(() => {
    for (const [name, value] of Object.entries(before)) vi.stubEnv(name, value);
  });
}

async function uploadsIn(bucket: string, client: S3Client = createS3Client()) {
  return (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? [];
}

describe('a torn upload', () => {
  test('leaves nothing to see when its process is killed between two parts', async () => {
    const bucket = await newBucket();
    const client = createS3Client();
    const uploader = startStoreProcess({ kind: 's3', bucket }, ['upload', await fileOf(2 ** 30), 'torn.bin']);
    await until(async () => {
      const [upload] = await uploadsIn(bucket, client);
      if (!upload) return false;
      const { Parts = [] } = await client.send(
        new ListPartsCommand({ Bucket: bucket, Key: 'torn.bin', UploadId: upload.UploadId }),
      );
      return Parts.length > 0;
    });
    uploader.kill('SIGKILL');
    await once(uploader, 'exit');

    const store = openS3(bucket);
    expect(await store.head('torn.bin')).toBeUndefined();
    expect(await store.get('torn.bin')).toBeUndefined();
    expect(await listedKeys(store)).toEqual([]);
  });

  test('gives its parts back when it is cancelled', async () => {
    const bucket = await newBucket();
    const cancelled = new AbortController();
    const store = openS3(bucket, { signal: cancelled.signal });
    const upload = store.upload(await fileOf(2 ** 30), 'torn.bin');
    const failing = expect(upload).rejects.toThrow('nobody waits');
    await until(async () => (await uploadsIn(bucket)).length > 0);
    cancelled.abort(new Error('nobody waits'));
    await failing;

    expect(await uploadsIn(bucket)).toEqual([]);
    expect(await openS3(bucket).head('torn.bin')).toBeUndefined();
  });
});

describe('a server that is not well', () => {
  test('is named in a sentence when it is down, and used again when it is back', { timeout: 60_000 }, async () => {
    const bucket = await newBucket();
    const store = openS3(bucket);
    await store.put('a', 'x');
    await server.stop();
    onTestFinished(() => server.start());

    const address = process.env.AWS_ENDPOINT_URL_S3!.replace('http://', '');
    const down = {
      type: 'StoreUnavailable',
      retryable: true,
      message: `s3://${bucket}/a can't be reached (connect ECONNREFUSED ${address}); see that the store is up, and that AWS_REGION or AWS_ENDPOINT_URL_S3 leads to it.`,
    };
    await expect(store.get('a')).rejects.toMatchObject(down);
    await expect(store.head('a')).rejects.toMatchObject(down);
    await expect(store.put('a', 'y')).rejects.toMatchObject(down);
    await expect(store.put('a', 'y', { ifNoneMatch: '*' })).rejects.toMatchObject(down);
    await expect(store.localFile('a')).rejects.toMatchObject(down);
    await expect(store.localFile('a', sha256('x'))).rejects.toMatchObject(down);
    await expect(store.upload(await fileOf(20 * MEBIBYTE), 'a')).rejects.toMatchObject(down);
    await expect(listedKeys(store, 'a')).rejects.toMatchObject(down);

    await server.start();
    expect(Buffer.from((await store.get('a'))!.body).toString()).toBe('x');
  });

  test('is asked again when an answer breaks off', async () => {
    const bucket = await newBucket();
    const proxy = await startCuttingProxy(process.env.AWS_ENDPOINT_URL_S3!);
    setEnv({ AWS_ENDPOINT_URL_S3: proxy.url });
    const store = openS3(bucket);
    const body = Buffer.alloc(20 * MEBIBYTE, 'broken off');
    await store.put('big.bin', body);

    proxy.cutNextAnswerAfter(MEBIBYTE);
    expect(sha256((await store.get('big.bin'))!.body)).toBe(sha256(body));
    proxy.cutNextAnswerAfter(MEBIBYTE);
    expect(sha256(await readFile(await store.localFile('big.bin', sha256(body))))).toBe(sha256(body));
    expect(proxy.cuts).toBe(2);
  });

  test('is believed when it took a conditional write and its answer got lost', async () => {
    const bucket = await newBucket();
    const proxy = await startCuttingProxy(process.env.AWS_ENDPOINT_URL_S3!);
    setEnv({ AWS_ENDPOINT_URL_S3: proxy.url });
    const store = openS3(bucket);

    proxy.cutNextAnswerAfter(0);
    const { etag } = await store.put('latest.json', 'first', { ifNoneMatch: '*' });
    proxy.cutNextAnswerAfter(0);
    const second = await store.put('latest.json', 'second', { ifMatch: etag });
    expect(proxy.cuts).toBe(2);
    expect(await store.head('latest.json')).toMatchObject({ etag: second.etag });

    proxy.cutNextAnswerAfter(0);
    await expect(store.put('latest.json', 'third', { ifMatch: etag })).rejects.toMatchObject({
      type: 'PreconditionFailed',
    });
  });
});

describe('a server that refuses', () => {
  test('wrong credentials', async () => {
    const bucket = await newBucket();
    setEnv({ AWS_SECRET_ACCESS_KEY: 'not-the-secret' });
    const store = openS3(bucket);
    const refused = {
      type: 'StoreRefused',
      retryable: false,
      message: expect.stringMatching(
        /^The store refuses these credentials for s3:\/\/\S+\/a \(.+\); correct the credentials, their permissions or AWS_REGION\.$/,
      ),
    };

    await expect(store.get('a')).rejects.toMatchObject(refused);
    await expect(store.head('a')).rejects.toMatchObject(refused);
    await expect(store.put('a', 'x')).rejects.toMatchObject(refused);
    await expect(store.upload(await fileOf(20 * MEBIBYTE), 'a')).rejects.toMatchObject(refused);
    await expect(listedKeys(store, 'a')).rejects.toMatchObject(refused);
    await expect(store.get('a')).rejects.not.toMatchObject({ message: expect.stringContaining('not-the-secret') });
  });

  test('a bucket that is not there', async () => {
    const store = openS3('no-such-bucket');
    const missing = {
      type: 'NotFound',
      message: `There is no bucket s3://no-such-bucket; create it, or name another in the pipeline's model config.`,
    };

    await expect(store.get('a')).rejects.toMatchObject(missing);
    await expect(store.head('a')).rejects.toMatchObject(missing);
    await expect(store.put('a', 'x')).rejects.toMatchObject(missing);
    await expect(store.put('a', 'x', { ifMatch: '"1"' })).rejects.toMatchObject(missing);
    await expect(store.localFile('a')).rejects.toMatchObject(missing);
    await expect(store.upload(await fileOf(20 * MEBIBYTE), 'a')).rejects.toMatchObject(missing);
    await expect(listedKeys(store, '')).rejects.toMatchObject(missing);
  });

  test('nobody, as there are no credentials and no region to ask with', async () => {
    const nowhere = join(temporaryFolder(), 'nowhere');
    const files = { AWS_CONFIG_FILE: nowhere, AWS_SHARED_CREDENTIALS_FILE: nowhere, AWS_EC2_METADATA_DISABLED: 'true' };
    setEnv({ ...files, AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined });
    await expect(openS3('some-bucket').get('a')).rejects.toMatchObject({
      type: 'StoreRefused',
      message:
        'There are no AWS credentials to reach s3://some-bucket/a with; give this process a role, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    });

    setEnv({ AWS_REGION: undefined, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test-secret' });
    await expect(openS3('some-bucket').get('a')).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: 'There is no AWS region to reach s3://some-bucket/a in; set AWS_REGION.',
    });
  });
});

test('bytes that changed on the server are not taken for what was written', async () => {
  const bucket = await newBucket();
  await openS3(bucket).put('model.ubj', 'what was written');
  await writeFile(join(server.objects, bucket, 'model.ubj'), 'what has rotted!', { flag: 'r+' });
  const corrupt = {
    type: 'ObjectCorrupt',
    message: `s3://${bucket}/model.ubj does not hold the bytes that were written; delete it and run the stage that writes it again.`,
  };

  await expect(openS3(bucket).get('model.ubj')).rejects.toMatchObject(corrupt);
  await expect(openS3(bucket).localFile('model.ubj', sha256('what was written'))).rejects.toMatchObject(corrupt);
});

describe('files that are lent', () => {
  test('come from the server once', async () => {
    const bucket = await newBucket();
    await openS3(bucket).put('table.parquet', 'rows');
    const client = createS3Client();
    const requests: string[] = [];
    client.middlewareStack.add(
      (next, { commandName }) =>
        (args) => (requests.push(commandName!), next(args)),
      { step: 'initialize' },
    );
    const cache = new ObjectCache(join(temporaryFolder(), 'cache'), MEBIBYTE);
    const borrow = () => openS3(bucket, { client, cache }).localFile('table.parquet', sha256('rows'));

    const paths = await Promise.all(Array.from({ length: 10 }, borrow));
    expect(await Promise.all(paths.map((path) => readFile(path, 'utf8')))).toEqual(Array(10).fill('rows'));
    expect(requests).toEqual(['GetObjectCommand']);
    await borrow();
    expect(requests).toEqual(['GetObjectCommand']);
  });

  test('are not fetched by whoever wrote them', async () => {
    const bucket = await newBucket();
    const store = openS3(bucket);
    const { checksum } = await store.upload(await fileOf(20 * MEBIBYTE), 'table.parquet');
    await openS3(bucket).delete('table.parquet');

    expect((await stat(await store.localFile('table.parquet', checksum))).size).toBe(20 * MEBIBYTE);
  });

  test('stay while they are lent, and the cache stays near its limit', async () => {
    const bucket = await newBucket();
    const cache = new ObjectCache(join(temporaryFolder(), 'cache'), 4 * MEBIBYTE);
    const store = openS3(bucket, { cache });
    const written = Array.from({ length: 12 }, (_, i) => Buffer.alloc(MEBIBYTE, `object ${i} `));
    const paths: string[] = [];
    for (const [i, body] of written.entries()) {
      await store.put(`object-${i}`, body);
      paths.push(await store.localFile(`object-${i}`, sha256(body)));
      // The first is used all the while.
      await store.localFile('object-0', sha256(written[0]!));
    }

    for (const [i, path] of paths.entries()) expect(sha256(await readFile(path))).toBe(sha256(written[i]!));
    const kept = await readdir(cache.folder);
    expect(kept).toHaveLength(4);
    expect(kept).toContain(sha256(written[0]!));
    expect(kept).toContain(sha256(written[11]!));
  });

  test('are fetched anew where the cached bytes have rotted', async () => {
    const bucket = await newBucket();
    const cache = new ObjectCache(join(temporaryFolder(), 'cache'), MEBIBYTE);
    await openS3(bucket).put('table.parquet', 'rows');
    await openS3(bucket, { cache }).localFile('table.parquet', sha256('rows'));
    const entry = join(cache.folder, sha256('rows'));
    await chmod(entry, 0o600);
    await writeFile(entry, 'rots');

    expect(await readFile(await openS3(bucket, { cache }).localFile('table.parquet', sha256('rows')), 'utf8')).toBe(
      'rows',
    );
  });
});
