import { PerdureError } from '../../errors.js';
import type { ObjectStore } from './objectStore.js';

/** Whether something in a store is gone, or not what was written. A store that is away is a failure to look, and no loss. */
export function isLost(error: unknown): error is PerdureError {
  return error instanceof PerdureError && (error.type === 'NotFound' || error.type === 'ObjectCorrupt');
}

/** What a look finds; `undefined` where it finds a loss. */
export async function unlessLost<T>(look: () => Promise<T>): Promise<T | undefined> {
  return look().catch((error: unknown) => {
    if (isLost(error)) return undefined;
    throw error;
  });
}

/**
 * As {@link ObjectStore.localFile}, of a file whose loss has a remedy of its own.
 *
 * @param told the sentence about its loss, after the object's address
 * @throws PerdureError `ObjectCorrupt` where it is lost
 */
export async function localFileOr(
  store: ObjectStore,
  { key, checksum }: { key: string; checksum?: string | undefined },
  told: string,
): Promise<string> {
  return store.localFile(key, checksum).catch((error: unknown) => {
    if (!isLost(error)) throw error;
    throw new PerdureError('ObjectCorrupt', `${store.uri(key)}${told}`, { cause: error });
  });
}
