import type { ObjectRef } from '../../contracts/index.js';
import { PerdureError } from '../../errors.js';
import { sha256, sha256File } from './checksum.js';
import { serializeDocument } from './documents.js';
import type { ObjectStore } from './objectStore.js';

/** Objects that are written once and never over: those of a model's version. */

const CREATE = { ifNoneMatch: '*' } as const;

/**
 * Writes a JSON object where there is none. One with the same bytes is its own: an earlier attempt wrote it.
 *
 * @throws PerdureError `AlreadyExists` where there is another
 */
export async function createJson(store: ObjectStore, key: string, value: object): Promise<ObjectRef> {
  const text = serializeDocument(value);
  const checksum = sha256(text);
  await create(store, key, checksum, () => store.put(key, text, CREATE));
  return { uri: store.uri(key), checksum };
}

/**
 * The same for a local file of any size, which may be moved away.
 *
 * @throws PerdureError `AlreadyExists`
 */
export async function createFile(store: ObjectStore, file: string, key: string): Promise<ObjectRef> {
  const checksum = await sha256File(file);
  await create(store, key, checksum, () => store.upload(file, key, CREATE));
  return { uri: store.uri(key), checksum };
}

async function create(store: ObjectStore, key: string, checksum: string, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!isType(error, 'PreconditionFailed')) throw error;
    // Of two writers at the same moment S3 may refuse both, and the next attempt creates it.
    if (!(await store.head(key))) throw error;
    await store.localFile(key, checksum).catch((reason: unknown) => {
      throw isType(reason, 'ObjectCorrupt') ? alreadyExists(store, key) : reason;
    });
  }
}

function alreadyExists(store: ObjectStore, key: string): PerdureError {
  return new PerdureError(
    'AlreadyExists',
    `${store.uri(key)} is there with other bytes, and a version is never overwritten; start the training again, which makes a new one.`,
  );
}

function isType(error: unknown, type: PerdureError['type']): boolean {
  return error instanceof PerdureError && error.type === type;
}
