import type { ObjectRef } from '../../contracts/index.js';
import { PerdureError } from '../../errors.js';
import { sha256File } from './checksum.js';
import type { CreateOnly, ObjectStore } from './objectStore.js';

/**
 * Stores a local file of any size where there is no object, which may move the file away: files of a model's version are
 * written once and never over. One with the same bytes is its own: an earlier attempt wrote it.
 *
 * @throws PerdureError `AlreadyExists` where there is another
 */
export async function createFile(store: ObjectStore, file: string, key: string): Promise<ObjectRef> {
  return createOnce(store, key, await sha256File(file), (condition) => store.upload(file, key, condition));
}

/**
 * Writes an object with this checksum where there is none.
 * @throws PerdureError `AlreadyExists` where there is one with other bytes
 */
export async function createOnce(
  store: ObjectStore,
  key: string,
  checksum: string,
  write: (condition: CreateOnly) => Promise<unknown>,
): Promise<ObjectRef> {
  try {
    await write({ ifNoneMatch: '*' });
  } catch (error) {
    if (!isType(error, 'PreconditionFailed')) throw error;
    // Of two writers at the same moment S3 may refuse both, and the next attempt creates it.
    if (!(await store.head(key))) throw error;
    await store.localFile(key, checksum).catch((reason: unknown) => {
      throw isType(reason, 'ObjectCorrupt') ? alreadyExists(store, key) : reason;
    });
  }
  return { uri: store.uri(key), checksum };
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
