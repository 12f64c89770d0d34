import { randomFillSync } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { link, mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { sha256File } from '../src/platform/storage/checksum.js';
import { ObjectCache } from '../src/platform/storage/objectCache.js';
import { createS3Client } from '../src/platform/storage/s3Client.js';
import { S3Store } from '../src/platform/storage/s3Store.js';
import { startVersitygw } from '../test/support/versitygw.js';
import type { Section } from './section.js';

const MEBIBYTE = 2 ** 20;
const SIZE = 512 * MEBIBYTE;
const ROUNDS = 5;
const BUCKET = 'bench';

/** What moves the file, by name; each gets an empty folder. */
type Contenders = Record<string, (folder: string) => Promise<unknown>>;

/**
 * The S3 store against the AWS SDK alone, in turns on one server: a file to an object and back to a file. The store
 * computes a SHA-256 on either way, and verifies it coming back.
 */
export const s3Throughput: Section = {
  title: `S3: ${SIZE / MEBIBYTE} MiB to a server on this machine and back, median of ${ROUNDS} rounds`,
  async run(_pipeline, folder, tell) {
    const server = await startVersitygw(folder);
    Object.assign(process.env, server.env);
    const client = createS3Client();
    try {
      await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
      const file = join(folder, 'file');
      await writeRandom(file);
      const checksum = await sha256File(file);
      await plainUpload(client, file, 'whole');
      tell('uploads');
      const up = await measure(folder, {
        'SDK, in one piece': () => plainUpload(client, file, 'whole'),
        'SDK, in parts': () => uploadInParts(client, file, 'parts'),
        'S3 store': async (scratch) => {
          // The store keeps what it is given.
          await link(file, join(scratch, 'file'));
          await storeIn(client, scratch).upload(join(scratch, 'file'), 'store');
        },
      });
      tell('downloads');
      const down = await measure(folder, {
        SDK: (scratch) => plainDownload(client, 'whole', join(scratch, 'file')),
        'S3 store': (scratch) => storeIn(client, scratch).localFile('whole', checksum),
      });
      return [...table('up', up), '', ...table('down', down)];
    } finally {
      client.destroy();
      await server.stop();
    }
  },
};

function storeIn(client: S3Client, scratch: string): S3Store {
  const cache = new ObjectCache(join(scratch, 'cache'), Infinity);
  return new S3Store({ client, bucket: BUCKET, cache, scratch });
}

async function plainUpload(client: S3Client, file: string, key: string): Promise<void> {
  const { size } = await stat(file);
  await client.send(
    new PutObjectCommand({
      Bucket: BUCKET,
      Key: key,
      Body: createReadStream(file, { highWaterMark: MEBIBYTE }),
      ContentLength: size,
    }),
  );
}

async function uploadInParts(client: S3Client, file: string, key: string): Promise<void> {
  const Body = createReadStream(file, { highWaterMark: MEBIBYTE });
  await new Upload({ client, params: { Bucket: BUCKET, Key: key, Body } }).done();
}

async function plainDownload(client: S3Client, key: string, file: string): Promise<void> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
  await pipeline(Body as NodeJS.ReadableStream, createWriteStream(file));
}

/** Mebibytes a second, by contender. */
async function measure(folder: string, contenders: Contenders): Promise<Record<string, number>> {
  const seconds: Record<string, number[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, move] of Object.entries(contenders)) {
      const scratch = join(folder, 'scratch');
      await mkdir(scratch);
      const began = performance.now();
      await move(scratch);
      (seconds[name] ??= []).push((performance.now() - began) / 1000);
      await rm(scratch, { recursive: true });
    }
  }
  return Object.fromEntries(Object.entries(seconds).map(([name, each]) => [name, SIZE / MEBIBYTE / median(each)]));
}

function table(direction: string, rates: Record<string, number>): string[] {
  const [[, first] = ['', NaN]] = Object.entries(rates);
  return [
    `${direction.padEnd(20)}   MiB/s   of the first`,
    ...Object.entries(rates).map(
      ([name, rate]) => `${name.padEnd(20)} ${rate.toFixed(0).padStart(7)} ${(rate / first).toFixed(2).padStart(14)}`,
    ),
  ];
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

async function writeRandom(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (let written = 0; written < SIZE; written += MEBIBYTE) await file.write(randomFillSync(Buffer.alloc(MEBIBYTE)));
  } finally {
    await file.close();
  }
}
