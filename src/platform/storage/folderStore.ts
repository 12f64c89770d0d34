import { randomUUID } from 'node:crypto';
import { copyFile, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import lockfile from 'proper-lockfile';
import type { ObjectRef } from '../../contracts/index.js';
import { PerdureError, systemCode } from '../../errors.js';
import { checksumOfFile, sha256, sha256File } from './checksum.js';
import { diskError } from '../files/diskError.js';
import { pathOfAddress } from './fileAddress.js';
import { makeFolder } from './folder.js';
import { STAGING, checkKey, checkPrefix, compareKeys } from './key.js';
import type { CreateOnly, ListedObject, ObjectInfo, ObjectStore, WriteCondition } from './objectStore.js';
import { readRegularFile } from './regularFile.js';

/**
 * An object store in a folder: a key is a path, an etag is the SHA-256 of the content. Files being written lie in a
 * folder of the bucket's own, so that the final rename stays on one file system.
 */
export class FolderStore implements ObjectStore {
  readonly root: string;

  constructor(root: string) {
    this.root = resolve(root);
  }

  uri(key: string): string {
    return pathToFileURL(this.path(key)).href;
  }

  key(uri: string): string {
    if (!uri.startsWith('file:///')) {
      throw new PerdureError(
        'InputInvalid',
        `${uri} is no file of the folder store at ${this.root}; name a file, or the store that has the object (PERDURE_STORE=s3://).`,
      );
    }
    const path = pathOfAddress(uri);
    const key = relative(this.root, path).split(sep).join('/');
    if (key === '..' || key.startsWith('../')) {
      throw new PerdureError('NotFound', `${uri} does not lie in the store at ${this.root}.`);
    }
    return key;
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    const path = this.path(key);
    return this.reading(key, async () => {
      const { size } = await stat(path);
      return { key, size, etag: await sha256File(path) };
    });
  }

  async get(key: string): Promise<{ body: Uint8Array; etag: string } | undefined> {
    return this.reading(key, async () => {
      const body = await readRegularFile(this.path(key));
      return { body, etag: sha256(body) };
    });
  }

  async put(key: string, body: Uint8Array | string, condition?: WriteCondition): Promise<{ etag: string }> {
    await this.writing(key, async (target) => {
      const staged = await this.stage();
      try {
        const file = await open(staged, 'w');
        try {
          await file.writeFile(body);
          await file.sync();
        } finally {
          await file.close();
        }
        await (condition ? this.replaceIf(key, staged, target, condition) : rename(staged, target));
      } finally {
        await rm(staged, { force: true });
      }
    });
    return { etag: sha256(body) };
  }

  async upload(file: string, key: string, condition?: CreateOnly): Promise<ObjectRef & { size: number }> {
    return this.writing(key, async (target) => {
      const { size } = await stat(file);
      const checksum = await sha256File(file);
      const staged = await this.stage();
      try {
        await rename(file, staged).catch(async (error: unknown) => {
          if (systemCode(error) !== 'EXDEV') throw error;
          await copyFile(file, staged);
        });
        await (condition ? this.replaceIf(key, staged, target, condition) : rename(staged, target));
      } finally {
        await rm(staged, { force: true });
      }
      return { uri: this.uri(key), checksum, size };
    });
  }

  async localFile(key: string, checksum?: string): Promise<string> {
    const path = this.path(key);
    const found = await this.reading(key, async () => (checksum ? checksumOfFile(path) : (await stat(path), '')));
    if (found === undefined) {
      throw new PerdureError('NotFound', `${this.uri(key)} is not there; run the stage that writes it.`);
    }
    if (checksum && found !== checksum) {
      throw new PerdureError(
        'ObjectCorrupt',
        `${this.uri(key)} does not hold the bytes that were written; delete it and run the stage that writes it again.`,
      );
    }
    return path;
  }

  async isChanged(key: string, checksum: string): Promise<boolean> {
    const found = await this.reading(key, () => checksumOfFile(this.path(key)));
    return found !== undefined && found !== checksum;
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    checkPrefix(prefix);
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    for (const key of await this.keysBelow(folder)) {
      if (!key.startsWith(prefix)) continue;
      const size = await this.reading(key, async () => (await stat(this.path(key))).size);
      if (size !== undefined) yield { key, size };
    }
  }

  async delete(key: string): Promise<void> {
    await this.reading(key, () => rm(this.path(key), { force: true }));
  }

  private async keysBelow(folder: string): Promise<string[]> {
    const entries = await readdir(join(this.root, folder), { withFileTypes: true, recursive: true }).catch(
      (error: unknown) => {
        if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
        throw diskError(error, join(this.root, folder));
      },
    );
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(this.root, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .filter((key) => !key.startsWith(`${STAGING}/`))
      .sort(compareKeys);
  }

  private path(key: string): string {
    checkKey(key);
    return join(this.root, ...key.split('/'));
  }

  private async stage(): Promise<string> {
    const folder = join(this.root, STAGING);
    await makeFolder(folder);
    return join(folder, randomUUID());
  }

  /** Compares and replaces under a lock, as no rename of POSIX is conditional on content. */
  private async replaceIf(key: string, staged: string, target: string, condition: WriteCondition): Promise<void> {
    const release = await lockfile.lock(target, {
      realpath: false,
      lockfilePath: join(dirname(staged), `${sha256(key)}.lock`),
      stale: 10_000,
      retries: { retries: 50, minTimeout: 10, maxTimeout: 200, randomize: true },
    });
    try {
      const current = (await this.head(key))?.etag;
      const holds = 'ifMatch' in condition ? current === condition.ifMatch : current === undefined;
      if (!holds) {
        throw new PerdureError('PreconditionFailed', `${this.uri(key)} was changed by another writer meanwhile.`);
      }
      await rename(staged, target);
    } finally {
      await release();
    }
  }

  private async reading<T>(key: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      const code = systemCode(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw diskError(error, join(this.root, key));
    }
  }

  private async writing<T>(key: string, write: (target: string) => Promise<T>): Promise<T> {
    const target = this.path(key);
    try {
      await makeFolder(dirname(target));
      return await write(target);
    } catch (error) {
      throw diskError(error, join(this.root, key));
    }
  }
}
