import { resolve } from 'node:path';
import { storeRoot } from '../stages/createContext.js';
import type { StoreOption } from './options.js';

/** Root folder of the store that a command works on. */
export function chosenStore({ store }: StoreOption): string {
  return store ? resolve(store) : storeRoot();
}
