import { z } from 'zod';
import type { ObjectRef } from '../../contracts/index.js';
import { document } from './documents.js';
import type { CreateOnly, ListedObject, ObjectInfo, ObjectStore, WriteCondition } from './objectStore.js';
import { ownerOf, refuseOtherOwner, type BucketUser } from './owner.js';

/** Key of the document that says whose bucket it is. */
export const OWNER_KEY = 'owner.json';

const bucketOwner = document({
  name: 'owner of a bucket',
  schema: z.strictObject({
    /** Name of the pipeline's folder. */
    pipeline: z.string(),
  }),
});

/** Whose a bucket is, looked up once a process: an owner never changes. */
export class BucketOwner {
  private known: string | undefined;

  /** `undefined` where nobody has written to the bucket yet. A damaged document counts as none: the next write repairs it. */
  async find(bucket: ObjectStore): Promise<string | undefined> {
    this.known ??= (await bucketOwner.read(bucket, OWNER_KEY, () => undefined))?.pipeline;
    return this.known;
  }

  /** Makes it `name`'s where it is nobody's. Returns whose it is. */
  async claim(bucket: ObjectStore, name: string): Promise<string> {
    this.known ??= (await bucketOwner.update(
      bucket,
      OWNER_KEY,
      (current) => (current ? undefined : { pipeline: name }),
      () => undefined,
    ))!.pipeline;
    return this.known;
  }
}

/** How a bucket is used: whose pipeline it is, and which setting of the config names the bucket. */
export interface BucketUse {
  pipeline: Pick<BucketUser, 'folder'>;
  setting: string;
}

/**
 * A bucket that belongs to one pipeline, the first that writes to it. Another that reads or writes it is refused with
 * `ConfigInvalid`: the keys, versions and predictions of two pipelines could not be told apart.
 */
export class OwnedStore implements ObjectStore {
  constructor(
    private readonly bucket: ObjectStore,
    private readonly owner: BucketOwner,
    private readonly use: BucketUse,
  ) {}

  uri(key: string): string {
    return this.bucket.uri(key);
  }

  key(uri: string): string {
    return this.bucket.key(uri);
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    await this.mayRead();
    return this.bucket.head(key);
  }

  async get(key: string): Promise<{ body: Uint8Array; etag: string } | undefined> {
    await this.mayRead();
    return this.bucket.get(key);
  }

  async put(key: string, body: Uint8Array | string, condition?: WriteCondition): Promise<{ etag: string }> {
    await this.mayWrite();
    return this.bucket.put(key, body, condition);
  }

  async upload(file: string, key: string, condition?: CreateOnly): Promise<ObjectRef & { size: number }> {
    await this.mayWrite();
    return this.bucket.upload(file, key, condition);
  }

  async localFile(key: string, checksum?: string): Promise<string> {
    await this.mayRead();
    return this.bucket.localFile(key, checksum);
  }

  async isChanged(key: string, checksum: string): Promise<boolean> {
    await this.mayRead();
    return this.bucket.isChanged(key, checksum);
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    await this.mayRead();
    for await (const object of this.bucket.list(prefix)) if (object.key !== OWNER_KEY) yield object;
  }

  async delete(key: string): Promise<void> {
    await this.mayRead();
    return this.bucket.delete(key);
  }

  private async mayRead(): Promise<void> {
    refuseOtherOwner(this.use.pipeline, await this.owner.find(this.bucket), this.use.setting);
  }

  private async mayWrite(): Promise<void> {
    refuseOtherOwner(
      this.use.pipeline,
      await this.owner.claim(this.bucket, ownerOf(this.use.pipeline)),
      this.use.setting,
    );
  }
}
