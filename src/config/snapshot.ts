import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep, win32 } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PerdureError, systemCode } from '../errors.js';
import { checkName } from '../names.js';
import { sha256, sha256File } from '../platform/storage/checksum.js';
import { makeFolder } from '../platform/storage/folder.js';
import { readRegularFile } from '../platform/storage/regularFile.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { openAddress, S3_ROOT } from '../platform/storage/stores.js';

/** SHA-256 of each file of a pipeline's folder, by its path there; the digest of it is the version of the configuration. */
export type ConfigFiles = Record<string, string>;

export function digestOf(files: ConfigFiles): string {
  return sha256(JSON.stringify(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** A whole, consistent copy of a pipeline's folder. */
export interface Snapshot {
  digest: string;
  files: ConfigFiles;
  /** The conf folder on the local disk that holds the copy, as `pipelines/<name>`. */
  conf: string;
}

/** Where the files of a folder lie now: what changes when one of them does, and how each is had. */
export interface Source {
  /** A mark per path; a file with the same mark is the same. */
  marks(): Promise<Record<string, string>>;
  copy(path: string, target: string): Promise<void>;
}

/** How often a folder that is being changed is looked at before it is refused. */
const LOOKS = 10;
const BETWEEN_LOOKS_MS = 300;

/**
 * Copies a pipeline's configuration as it stands at one moment. Where files change meanwhile it is copied again, so that
 * no copy mixes two versions.
 *
 * @param address a folder, or `s3://bucket/prefix`, that holds `pipelines/<name>`
 * @param scratch folder for copies; those of one version are made once
 * @throws PerdureError `NotFound` where there is no such pipeline, `StoreUnavailable` where its files don't stop changing
 */
export async function takeSnapshot(address: string, name: string, scratch: string): Promise<Snapshot> {
  const source = isRemote(address)
    ? await remoteSource(address, name, scratch)
    : localSource(join(address, 'pipelines', name));
  return snapshotOf(source, address, name, scratch);
}

/** As {@link takeSnapshot}, of a folder wherever its files lie. */
export async function snapshotOf(source: Source, address: string, name: string, scratch: string): Promise<Snapshot> {
  for (let look = 0; look < LOOKS; look++) {
    const copied = await copyOnce(source, name, scratch);
    if (copied) return copied;
    await sleep(BETWEEN_LOOKS_MS);
  }
  throw new PerdureError(
    'StoreUnavailable',
    `${folderAt(address, name)} is being changed again and again; run again once its files are complete.`,
  );
}

async function copyOnce(source: Source, name: string, scratch: string): Promise<Snapshot | undefined> {
  const partial = join(scratch, 'conf', `.${randomUUID()}`);
  const folder = join(partial, 'pipelines', name);
  try {
    const before = await source.marks();
    await makeFolder(folder);
    const files: ConfigFiles = {};
    for (const path of Object.keys(before).sort()) {
      const target = join(folder, path);
      await makeFolder(dirname(target));
      await source.copy(path, target);
      files[path] = await sha256File(target);
    }
    if (JSON.stringify(await source.marks()) !== JSON.stringify(before)) return undefined;
    const digest = digestOf(files);
    return { digest, files, conf: await keep(partial, scratch, digest) };
  } catch (error) {
    // What is gone since it was listed is looked for again.
    if (systemCode(error) === 'ENOENT' || (error instanceof PerdureError && error.type === 'NotFound'))
      return undefined;
    throw error;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Gives a finished copy its name; where another process was faster, its copy is the same. */
async function keep(partial: string, scratch: string, digest: string): Promise<string> {
  const conf = localCopy(scratch, digest);
  await rename(partial, conf).catch((error: unknown) => {
    if (!existsSync(conf)) throw error;
  });
  return conf;
}

/** The local copy of a version, where this machine has it already. */
export function copyOf(digest: string, name: string, scratch: string): string | undefined {
  const conf = localCopy(scratch, digest);
  return existsSync(join(conf, 'pipelines', name)) ? conf : undefined;
}

function localCopy(scratch: string, digest: string): string {
  return join(scratch, 'conf', digest);
}

async function copyRegularFile(from: string, to: string): Promise<void> {
  await writeFile(to, await readRegularFile(from));
}

/**
 * The local copy of a version whose files are kept elsewhere.
 * @param fetch has a file by its checksum, verified
 */
export async function unpack(
  name: string,
  files: ConfigFiles,
  scratch: string,
  fetch: (checksum: string) => Promise<string>,
): Promise<string> {
  const digest = digestOf(files);
  const conf = localCopy(scratch, digest);
  if (existsSync(conf)) return conf;
  const partial = join(scratch, 'conf', `.${randomUUID()}`);
  try {
    for (const [path, checksum] of Object.entries(files)) {
      const target = join(partial, 'pipelines', name, path);
      await makeFolder(dirname(target));
      await copyRegularFile(await fetch(checksum), target);
    }
    return await keep(partial, scratch, digest);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

export function isRemote(address: string): boolean {
  return address.startsWith(S3_ROOT);
}

/** What people call a pipeline's folder. */
export function folderAt(address: string, name: string): string {
  return isRemote(address) ? `${address}/pipelines/${name}` : join(address, 'pipelines', name);
}

/** The conf folder, or address, that {@link folderAt} made a pipeline's folder of; on whichever system it did. */
export function confOf(folder: string): string {
  return win32.dirname(win32.dirname(folder));
}

/** Names of the pipelines below an address in S3. */
export async function remotePipelines(address: string, scratch: string): Promise<string[]> {
  const { store, prefix } = await openPrefix(address, scratch);
  return pipelinesIn(store, prefix);
}

/** Names of the pipelines whose folders lie below a prefix of a store's keys. */
export async function pipelinesIn(store: ObjectStore, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of store.list(prefix)) {
    const name = /^([^/]+)\/pipeline\.json$/.exec(key.slice(prefix.length))?.[1];
    if (name) names.push(name);
  }
  return names.sort();
}

async function openPrefix(address: string, scratch: string): Promise<{ store: ObjectStore; prefix: string }> {
  const probe = 'pipelines/any';
  const { store, key } = await openAddress(`${address}/${probe}`, S3_ROOT, scratch);
  return { store, prefix: key.slice(0, -'any'.length) };
}

async function remoteSource(address: string, name: string, scratch: string): Promise<Source> {
  const { store, prefix } = await openPrefix(address, scratch);
  return storeSource(store, `${prefix}${checkName('a pipeline', name)}/`);
}

/** @param folder the beginning of the keys of its files, which ends in a slash */
export function storeSource(store: ObjectStore, folder: string): Source {
  return {
    async marks() {
      const marks: Record<string, string> = {};
      for await (const { key } of store.list(folder)) {
        const found = await store.head(key);
        if (found) marks[key.slice(folder.length)] = found.etag;
      }
      return marks;
    },
    async copy(path, target) {
      await copyRegularFile(await store.localFile(`${folder}${path}`), target);
    },
  };
}

function localSource(folder: string): Source {
  return {
    async marks() {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
        // Without a folder there are no files, as in a bucket.
        if (systemCode(error) === 'ENOENT') return [];
        throw error;
      });
      const paths = entries
        .filter((entry) => !entry.isDirectory())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
      const marks = paths.sort().map(async (path) => {
        const { ino, size, mtimeNs } = await stat(join(folder, path), { bigint: true });
        return [path.split(sep).join('/'), `${ino} ${size} ${mtimeNs}`] as const;
      });
      return Object.fromEntries(await Promise.all(marks));
    },
    copy: (path, target) => copyRegularFile(join(folder, path), target),
  };
}
