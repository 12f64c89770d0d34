import { loadPipeline, type Pipeline } from '../config/load.js';
import { PerdureError } from '../errors.js';
import type { Stores } from '../platform/storage/objectStore.js';
import { openStores, storeRoot } from '../platform/storage/stores.js';
import type { StoreOption } from './options.js';
import { isThere } from './storeCheck.js';

/** Root of the store that a command works on. */
export function chosenStore({ store }: StoreOption): string {
  return storeRoot(store);
}

/**
 * Root of the store that a command only reads. A folder that `--store` names has to be there: an empty answer would hide
 * a misspelt one.
 *
 * @throws PerdureError `NotFound`
 */
export async function readStore({ store }: StoreOption): Promise<string> {
  const root = storeRoot(store);
  if (!store || root.startsWith('s3:') || (await isThere(root))) return root;
  throw new PerdureError('NotFound', `There is no store ${root}; correct --store, or process data into it first.`);
}

/** A pipeline and its buckets, for a command that only reads them. Throws as {@link readStore} and `loadPipeline`. */
export async function openToRead(name: string, options: StoreOption): Promise<{ pipeline: Pipeline; stores: Stores }> {
  const pipeline = await loadPipeline(name);
  return { pipeline, stores: (await openStores(await readStore(options)))(pipeline) };
}
