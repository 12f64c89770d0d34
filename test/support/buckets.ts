import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { FolderStore } from '../../src/platform/storage/folderStore.js';
import { ObjectCache } from '../../src/platform/storage/objectCache.js';
import type { ObjectStore } from '../../src/platform/storage/objectStore.js';
import { createS3Client } from '../../src/platform/storage/s3Client.js';
import { S3Store } from '../../src/platform/storage/s3Store.js';
import type { S3Server } from './s3Server.js';
import { temporaryFolder } from './temporaryFolder.js';

/** Where a bucket lies: another process opens the same by the same words. */
export type BucketPlace = { kind: 'folder'; folder: string } | { kind: 's3'; bucket: string };

const CACHE_BYTES = 4 * 2 ** 30;

/** @param scratch folder for what is cached and lent */
export function openBucket(place: BucketPlace, scratch: string): ObjectStore {
  if (place.kind === 'folder') return new FolderStore(place.folder);
  const cache = new ObjectCache(join(scratch, 'cache'), CACHE_BYTES);
  return new S3Store({ client: createS3Client(), bucket: place.bucket, cache, scratch: join(scratch, 'stage') });
}

/** A new bucket with nothing in it, in a folder or on a server. */
export async function makeBucket(server?: S3Server): Promise<BucketPlace> {
  if (!server) return { kind: 'folder', folder: join(temporaryFolder(), 'bucket') };
  const bucket = `bucket-${randomUUID()}`;
  await server.createBucket(bucket);
  return { kind: 's3', bucket };
}

/** The keys of a listing, in its order. */
export async function listedKeys(store: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}
