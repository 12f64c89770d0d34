import { storeRoot } from '../storage/stores.js';
import type { StoreOption } from './options.js';

/** Root of the store that a command works on. */
export function chosenStore({ store }: StoreOption): string {
  return storeRoot(store);
}
