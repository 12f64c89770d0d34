import { mkdtemp, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loadPipeline } from '../config/load.js';
import { PerdureError, messageOf, systemCode } from '../errors.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { openStores } from '../platform/storage/stores.js';

/** An S3 server that says nothing for so long is as good as away, to a person who waits. */
const PATIENCE_MS = 10_000;

/**
 * Insists that the store of these pipelines can be used: that every bucket answers, or the folder can be written.
 * Leaves nothing behind, and takes seconds at most, where stages try again for minutes.
 *
 * @param root as `storeRoot` of `src/platform/storage/stores.ts` returns it
 * @throws PerdureError `StoreUnavailable`, `StoreRefused`, `ConfigInvalid`; `NotFound` for a bucket that isn't there
 */
export async function requireStore(root: string, pipelines: string[]): Promise<void> {
  if (root.startsWith('s3:')) await reachBuckets(root, pipelines);
  else await checkFolder(root);
}

async function reachBuckets(root: string, pipelines: string[]): Promise<void> {
  const openBuckets = await openStores(root);
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    for (const pipeline of pipelines) {
      const stores = openBuckets(await loadPipeline(pipeline), { signal });
      await Promise.all(Object.values(stores).map((store: ObjectStore) => store.head('perdure')));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new PerdureError(
      'StoreUnavailable',
      `The store says nothing for ${PATIENCE_MS / 1000} s; see that it is up, and that AWS_REGION or AWS_ENDPOINT_URL_S3 leads to it.`,
    );
  }
}

/** The folder, or the nearest one above it that is there. */
async function checkFolder(root: string): Promise<void> {
  let folder = root;
  while (!(await isThere(folder))) folder = dirname(folder);
  try {
    if (!(await stat(folder)).isDirectory()) throw new Error('it is not a folder');
    // Some file systems, such as /proc, admit to be written and refuse each write.
    await rmdir(await mkdtemp(join(folder, '.perdure-')));
  } catch (error) {
    throw new PerdureError(
      'StoreRefused',
      `The store's folder ${folder} can't be written (${messageOf(error)}); choose another with --store or PERDURE_STORE.`,
    );
  }
}

/** Whether a path leads to something. */
export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => systemCode(error) !== 'ENOENT',
  );
}
