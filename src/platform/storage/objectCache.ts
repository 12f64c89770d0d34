import { randomUUID } from 'node:crypto';
import { chmod, copyFile, link, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../../errors.js';
import { checksumOfFile } from './checksum.js';
import { makeFolder } from './folder.js';

/** Files on their way into the cache; of a process that was killed where they are older than this. */
const PARTIAL = '.part';
const PARTIAL_AGE_MS = 24 * 3_600_000;

/** What the cache may grow by before its size is counted again, as a share of its limit. */
const RECOUNT_SHARE = 1 / 16;

/** What a reader asks the cache for. */
export interface Wanted {
  /** Names bytes, the same ones always: a checksum, or an address and its etag. */
  id: string;
  /** SHA-256 of the bytes, where it is known. */
  checksum?: string;
  /** Name of the file that is lent. */
  name: string;
  /** Writes the bytes to a path and returns their checksum. */
  fetch: (path: string) => Promise<string>;
}

/**
 * A folder of objects' bytes, named by their SHA-256, that many processes may share. Whoever reads gets a hard link of
 * his own, so that removing the least recently used entries, which keeps the folder near `limit` bytes, takes nothing
 * from anybody at work.
 */
export class ObjectCache {
  /** Checksums of what was fetched by an address and etag. */
  private readonly checksums = new Map<string, string>();
  private readonly underWay = new Map<string, Promise<string>>();
  /** Bytes added since the folder was last counted. */
  private uncounted = Infinity;

  constructor(
    readonly folder: string,
    private readonly limit: number,
  ) {}

  /**
   * Lends an object's bytes as a file below `borrower`. Those that aren't in the cache are fetched, by one of those who
   * ask for them at once.
   */
  async lend({ id, checksum, name, fetch }: Wanted, borrower: string): Promise<string> {
    const target = (bytes: string) => join(borrower, 'objects', bytes, name);
    for (;;) {
      const known = checksum ?? this.checksums.get(id);
      if (known && (await this.take(known, target(known)))) return target(known);
      const other = this.underWay.get(id);
      if (!other) break;
      // Whether the other one succeeds or not: look again.
      await other.catch(() => undefined);
    }
    const fetching = this.fetchTo(target, fetch);
    this.underWay.set(id, fetching);
    try {
      const fetched = await fetching;
      this.checksums.set(id, fetched);
      return target(fetched);
    } finally {
      this.underWay.delete(id);
    }
  }

  /** Moves a local file with this checksum into the cache, where it lies on the same disk. */
  async adopt(file: string, checksum: string): Promise<void> {
    await makeFolder(this.folder);
    await this.admit(file, checksum).catch((error: unknown) => {
      if (systemCode(error) !== 'EXDEV') throw error;
    });
  }

  private async fetchTo(target: (checksum: string) => string, fetch: Wanted['fetch']): Promise<string> {
    await makeFolder(this.folder);
    const partial = join(this.folder, `${randomUUID()}${PARTIAL}`);
    try {
      const checksum = await fetch(partial);
      await linkOrCopy(partial, target(checksum));
      await this.admit(partial, checksum);
      return checksum;
    } finally {
      await rm(partial, { force: true });
    }
  }

  /** Links an entry to `target` unless it is gone or no longer what it was. */
  private async take(checksum: string, target: string): Promise<boolean> {
    const entry = join(this.folder, checksum);
    try {
      if ((await checksumOfFile(entry)) !== checksum) {
        await rm(entry, { force: true });
        return false;
      }
      await touch(entry);
      await linkOrCopy(entry, target);
      return true;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false;
      throw error;
    }
  }

  private async admit(file: string, checksum: string): Promise<void> {
    const entry = join(this.folder, checksum);
    await chmod(file, 0o444);
    await touch(file);
    await rename(file, entry);
    const { size } = await stat(entry);
    this.uncounted += size;
    if (this.uncounted > this.limit * RECOUNT_SHARE) await this.trim();
  }

  /** Removes the least recently used entries until the rest is within the limit, and what killed processes left. */
  private async trim(): Promise<void> {
    this.uncounted = 0;
    const entries: { path: string; size: number; used: number }[] = [];
    for (const name of await readdir(this.folder)) {
      const path = join(this.folder, name);
      const found = await stat(path).catch(() => undefined);
      if (!found) continue;
      if (!name.endsWith(PARTIAL)) entries.push({ path, size: found.size, used: found.atimeMs });
      else if (found.mtimeMs < Date.now() - PARTIAL_AGE_MS) await rm(path, { force: true });
    }
    let total = entries.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of entries.sort((a, b) => a.used - b.used)) {
      if (total <= this.limit) break;
      await rm(path, { force: true });
      total -= size;
    }
  }
}

/** Marks a file as used now, and leaves its time of change, by which {@link checksumOfFile} knows it, to the second. */
async function touch(path: string): Promise<void> {
  const { mtimeMs } = await stat(path);
  await utimes(path, Date.now() / 1000, Math.floor(mtimeMs / 1000));
}

/** Why a file system makes no hard link where it could copy. */
const UNLINKABLE: ReadonlySet<string | undefined> = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK']);

async function linkOrCopy(from: string, to: string): Promise<void> {
  await makeFolder(dirname(to));
  try {
    await link(from, to);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return;
    if (!UNLINKABLE.has(systemCode(error))) throw error;
    const copy = `${to}.${randomUUID()}`;
    await copyFile(from, copy);
    await rename(copy, to);
  }
}
