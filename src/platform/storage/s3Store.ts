import { createHash, randomUUID, type Hash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { mkdtemp, open, readFile, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  paginateListObjectsV2,
  type CompletedPart,
  type GetObjectCommandInput,
  type GetObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { ObjectRef } from '../../contracts/index.js';
import { PerdureError } from '../../errors.js';
import { sha256 } from './checksum.js';
import { diskError } from '../files/diskError.js';
import { makeFolder } from './folder.js';
import { inOrder } from './inOrder.js';
import { checkKey, checkPrefix } from './key.js';
import type { ObjectCache } from './objectCache.js';
import type { CreateOnly, ListedObject, ObjectInfo, ObjectStore, WriteCondition } from './objectStore.js';
import { isAbsent, isConditionFailed, s3Error, s3Failure } from './s3Errors.js';

export interface S3StoreOptions {
  client: S3Client;
  bucket: string;
  /** Where this machine keeps what it has read and written. */
  cache: ObjectCache;
  /**
   * Folder for files that are lent out; whoever made it removes it.
   * @default a new one beside the cache
   */
  scratch?: string;
  /** Aborted when nobody waits for the store any more. */
  signal?: AbortSignal;
}

/** Bytes of a part going up and of a range coming down; S3 asks for at least 5 MiB. */
const PART_BYTES = 8 * 2 ** 20;
/** S3 takes no more, so the parts of an object beyond 80 GB are larger. */
const MOST_PARTS = 10_000;
/**
 * Parts or ranges under way at once, each in a buffer that is used again and again: this bounds the memory that an
 * object takes, and spares the garbage collector half of the processor's time.
 */
const PARTS_AT_ONCE = 4;
/** How often a body that breaks off is asked for: the SDK itself tries again only until an answer has begun. */
const BODY_ATTEMPTS = 3;
const BODY_BACKOFF_MS = 100;
/** Object metadata that tells one conditional write from another. */
const WRITE_MARK = 'perdure-write';

/** An object's bytes, or a range of them. */
interface Bytes {
  body: Uint8Array;
  /** Bytes of the whole object. */
  size: number;
  etag: string;
}

/** A part on its way up. */
interface Part {
  /** From 1. */
  number: number;
  body: Buffer;
}

/** An object store in an S3 bucket, of AWS or of a server that speaks its protocol. */
export class S3Store implements ObjectStore {
  private readonly client: S3Client;
  private readonly bucket: string;
  private readonly cache: ObjectCache;
  private readonly signal: AbortSignal | undefined;
  private scratch: string | undefined;

  constructor({ client, bucket, cache, scratch, signal }: S3StoreOptions) {
    this.client = client;
    this.bucket = bucket;
    this.cache = cache;
    this.scratch = scratch;
    this.signal = signal;
    // As many may listen as there are requests under way.
    if (signal) setMaxListeners(0, signal);
  }

  uri(key: string): string {
    checkKey(key);
    return `s3://${this.bucket}/${key}`;
  }

  key(uri: string): string {
    const start = `s3://${this.bucket}/`;
    if (!uri.startsWith(start))
      throw new PerdureError(
        'NotFound',
        `${uri} does not lie in the bucket s3://${this.bucket}; name an object of that bucket.`,
      );
    return uri.slice(start.length);
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    const target = this.at(key);
    try {
      const { ContentLength, ETag } = await this.client.send(new HeadObjectCommand(target), this.sending);
      return { key, size: ContentLength!, etag: ETag! };
    } catch (error) {
      if (!isAbsent(error)) throw await this.headFailure(error, key);
    }
    // The answer had no body to say what is missing, and where the bucket is, that's no absence of an object.
    await this.client
      .send(new HeadBucketCommand({ Bucket: this.bucket }), this.sending)
      .catch(async (error: unknown) => {
        throw await this.headFailure(error, key);
      });
    return undefined;
  }

  async get(key: string): Promise<{ body: Uint8Array; etag: string } | undefined> {
    return this.read(key);
  }

  async put(key: string, body: Uint8Array | string, condition?: WriteCondition): Promise<{ etag: string }> {
    const write = { ...this.at(key), Body: typeof body === 'string' ? Buffer.from(body) : body };
    if (condition) return this.putIf(key, write, condition);
    try {
      const { ETag } = await this.client.send(new PutObjectCommand(write), this.sending);
      return { etag: ETag! };
    } catch (error) {
      throw this.failure(error, key);
    }
  }

  async upload(file: string, key: string, condition?: CreateOnly): Promise<ObjectRef & { size: number }> {
    try {
      const { size } = await stat(file);
      const checksum = await (size > PART_BYTES
        ? this.uploadParts(file, size, key, condition)
        : this.uploadWhole(file, key, condition));
      await this.cache.adopt(file, checksum);
      return { uri: this.uri(key), checksum, size };
    } catch (error) {
      this.signal?.throwIfAborted();
      throw diskError(error, file);
    }
  }

  async localFile(key: string, checksum?: string): Promise<string> {
    const id = checksum ?? (await this.versionOf(key));
    try {
      this.scratch ??= await makeScratch(this.cache);
      return await this.cache.lend(
        { id, checksum, name: basename(key), fetch: (path) => this.download(key, path, checksum) },
        this.scratch,
      );
    } catch (error) {
      this.signal?.throwIfAborted();
      throw diskError(error, this.cache.folder);
    }
  }

  async isChanged(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    checkPrefix(prefix);
    const pages = paginateListObjectsV2({ client: this.client }, { Bucket: this.bucket, Prefix: prefix }, this.sending);
    try {
      for await (const { Contents = [] } of pages) {
        for (const { Key, Size } of Contents) {
          // Consoles mark folders by such keys.
          if (!Key!.endsWith('/')) yield { key: Key!, size: Size! };
        }
      }
    } catch (error) {
      throw this.failure(error, prefix);
    }
  }

  async delete(key: string): Promise<void> {
    try {
      await this.client.send(new DeleteObjectCommand(this.at(key)), this.sending);
    } catch (error) {
      throw this.failure(error, key);
    }
  }

  /** Names the object's present bytes. */
  private async versionOf(key: string): Promise<string> {
    const found = await this.head(key);
    if (!found) throw this.missing(key);
    return `${this.uri(key)} ${found.etag}`;
  }

  private at(key: string): { Bucket: string; Key: string } {
    checkKey(key);
    return { Bucket: this.bucket, Key: key };
  }

  private get sending(): { abortSignal?: AbortSignal } {
    return { abortSignal: this.signal };
  }

  private failure(error: unknown, key: string): unknown {
    return this.signal?.aborted ? this.signal.reason : s3Error(error, `s3://${this.bucket}/${key}`);
  }

  /** A look without a body tells a status at most: S3's own reason comes with a read of the same object. */
  private async headFailure(error: unknown, key: string): Promise<unknown> {
    const { status } = s3Failure(error);
    if (status === undefined || status >= 500 || this.signal?.aborted) return this.failure(error, key);
    const reason = await this.client
      .send(new GetObjectCommand({ ...this.at(key), Range: 'bytes=0-0' }), this.sending)
      .then(
        (answer) => (answer.Body as Readable).destroy() && error,
        (told: unknown) => told,
      );
    return this.failure(isAbsent(reason) || s3Failure(reason).status === undefined ? error : reason, key);
  }

  private missing(key: string): PerdureError {
    return new PerdureError('NotFound', `${this.uri(key)} is not there; run the stage that writes it.`);
  }

  private lost(key: string): PerdureError {
    return new PerdureError('PreconditionFailed', `${this.uri(key)} was changed by another writer meanwhile.`);
  }

  /**
   * Writes where the condition holds. An answer may get lost and the SDK try again, only to hear that somebody has
   * written meanwhile; who that was is told by a mark.
   */
  private async putIf(
    key: string,
    write: { Bucket: string; Key: string; Body: Uint8Array },
    condition: WriteCondition,
  ): Promise<{ etag: string }> {
    const mark = randomUUID();
    const holds = 'ifMatch' in condition ? { IfMatch: condition.ifMatch } : { IfNoneMatch: condition.ifNoneMatch };
    try {
      const { ETag } = await this.client.send(
        new PutObjectCommand({ ...write, ...holds, Metadata: { [WRITE_MARK]: mark } }),
        this.sending,
      );
      return { etag: ETag! };
    } catch (error) {
      if (!isConditionFailed(error) && !isAbsent(error)) throw this.failure(error, key);
      if (s3Failure(error).attempts > 1) {
        const { Metadata, ETag } = await this.client
          .send(new HeadObjectCommand(this.at(key)), this.sending)
          .catch(async (failed: unknown) => {
            throw isAbsent(failed) ? this.lost(key) : await this.headFailure(failed, key);
          });
        if (Metadata?.[WRITE_MARK] === mark) return { etag: ETag! };
      }
      throw this.lost(key);
    }
  }

  /** @returns the checksum */
  private async uploadWhole(file: string, key: string, condition?: CreateOnly): Promise<string> {
    const body = await readFile(file);
    await this.put(key, body, condition);
    return sha256(body);
  }

  /**
   * Uploads in parts; the object is there once all of them are, or not at all. What a killed process leaves is never
   * seen, and ended by the bucket's lifecycle rule for incomplete uploads.
   *
   * @returns the checksum
   */
  private async uploadParts(file: string, size: number, key: string, condition?: CreateOnly): Promise<string> {
    const target = this.at(key);
    // S3 takes checksums of parts only where the upload was begun with them.
    const checked = (await this.client.config.requestChecksumCalculation()) === 'WHEN_SUPPORTED';
    const begin = new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: checked ? 'CRC32' : undefined });
    const { UploadId } = await this.client.send(begin, this.sending).catch((error: unknown) => {
      throw this.failure(error, key);
    });
    const upload = { ...target, UploadId };
    try {
      const hash = createHash('sha256');
      const Parts: CompletedPart[] = [];
      const sent = inOrder(
        readParts(file, size, hash),
        PARTS_AT_ONCE,
        async ({ number, body }): Promise<CompletedPart> => {
          const part = await this.client.send(
            new UploadPartCommand({ ...upload, PartNumber: number, Body: body }),
            this.sending,
          );
          return { PartNumber: number, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 };
        },
      );
      for await (const part of sent) Parts.push(part);
      await this.client.send(
        new CompleteMultipartUploadCommand({
          ...upload,
          MultipartUpload: { Parts },
          IfNoneMatch: condition?.ifNoneMatch,
        }),
        this.sending,
      );
      return hash.digest('hex');
    } catch (error) {
      await this.client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
      throw isConditionFailed(error) ? this.lost(key) : this.failure(error, key);
    }
  }

  /** @returns the checksum */
  private async download(key: string, path: string, checksum: string | undefined): Promise<string> {
    const buffers = makeBuffers(PART_BYTES);
    const first = await this.readRange(key, 0, buffers);
    if (!first) throw this.missing(key);
    const hash = createHash('sha256');
    const file = await open(path, 'wx');
    try {
      await append(file, first.body, hash);
      const rest = inOrder(countUp(1, Math.ceil(first.size / PART_BYTES)), PARTS_AT_ONCE, (index) =>
        this.readRange(key, index, buffers, first.etag),
      );
      for await (const range of rest) {
        if (!range) throw this.lost(key);
        await append(file, range.body, hash);
      }
    } finally {
      await file.close();
    }
    const found = hash.digest('hex');
    if (checksum && found !== checksum) {
      throw new PerdureError(
        'ObjectCorrupt',
        `${this.uri(key)} does not hold the bytes that were written; delete it and run the stage that writes it again.`,
      );
    }
    return found;
  }

  private readRange(key: string, index: number, buffers: Buffers, etag?: string): Promise<Bytes | undefined> {
    const offset = index * PART_BYTES;
    const range = { Range: `bytes=${offset}-${offset + PART_BYTES - 1}`, IfMatch: etag };
    return this.read(key, range, (answer) => fill(buffers(index), answer.Body as Readable));
  }

  private async read(
    key: string,
    wanted: Pick<GetObjectCommandInput, 'Range' | 'IfMatch'> = {},
    collect = ({ Body }: GetObjectCommandOutput): Promise<Uint8Array> => Body!.transformToByteArray(),
  ): Promise<Bytes | undefined> {
    const command = new GetObjectCommand({ ...this.at(key), ...wanted });
    for (let attempt = 1; ; attempt++) {
      let begun = false;
      try {
        const answer = await this.client.send(command, this.sending);
        begun = true;
        const size = Number(answer.ContentRange?.split('/')[1] ?? answer.ContentLength);
        return { body: await collect(answer), size, etag: answer.ETag! };
      } catch (error) {
        if (isAbsent(error)) return undefined;
        // No range lies within an empty object.
        if (s3Failure(error).name === 'InvalidRange') return { body: new Uint8Array(), size: 0, etag: '' };
        if (isConditionFailed(error)) throw this.lost(key);
        if (!begun || attempt === BODY_ATTEMPTS || this.signal?.aborted) throw this.failure(error, key);
        await sleep(BODY_BACKOFF_MS * 2 ** attempt * Math.random());
      }
    }
  }
}

async function makeScratch(cache: ObjectCache): Promise<string> {
  const folder = dirname(cache.folder);
  await makeFolder(folder);
  return mkdtemp(join(folder, 'stage-'));
}

/** Buffers that take turns: that of an index is used again {@link PARTS_AT_ONCE} indices on. */
type Buffers = (index: number) => Buffer;

function makeBuffers(length: number): Buffers {
  const made: Buffer[] = [];
  return (index) => (made[index % PARTS_AT_ONCE] ??= Buffer.allocUnsafe(length));
}

/** A file's parts in order, as they are read; `hash` hears of each. */
async function* readParts(path: string, size: number, hash: Hash): AsyncGenerator<Part> {
  const length = Math.max(PART_BYTES, Math.ceil(size / MOST_PARTS));
  const buffers = makeBuffers(length);
  const file = await open(path);
  try {
    for (const index of countUp(0, Math.ceil(size / length))) {
      const offset = index * length;
      const body = buffers(index).subarray(0, Math.min(length, size - offset));
      const { bytesRead } = await file.read(body, 0, body.length, offset);
      if (bytesRead < body.length)
        throw new PerdureError(
          'InputInvalid',
          `${path} became shorter while it was stored; write it whole and run again.`,
        );
      hash.update(body);
      yield { number: index + 1, body };
    }
  } catch (error) {
    throw diskError(error, path);
  } finally {
    await file.close();
  }
}

/** The numbers from `start` up to and without `end`. */
function* countUp(start: number, end: number): Generator<number> {
  for (let number = start; number < end; number++) yield number;
}

/** Reads a stream into a buffer that is long enough. Returns the part that was filled. */
async function fill(buffer: Buffer, stream: Readable): Promise<Buffer> {
  let length = 0;
  stream.on('data', (chunk: Buffer) => void (length += chunk.copy(buffer, length)));
  await finished(stream);
  return buffer.subarray(0, length);
}

/** Writes bytes at the end of a file; `hash` hears of them meanwhile. */
async function append(file: FileHandle, bytes: Uint8Array, hash: Hash): Promise<void> {
  const writing = file.write(bytes);
  hash.update(bytes);
  let { bytesWritten } = await writing;
  while (bytesWritten < bytes.length) bytesWritten += (await file.write(bytes, bytesWritten)).bytesWritten;
}
