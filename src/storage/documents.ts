import type { ObjectRef } from '../contracts/index.js';
import { PerdureError, messageOf } from '../errors.js';
import { sha256 } from './checksum.js';
import type { ObjectStore } from './objectStore.js';

/** Reads a JSON object; `undefined` where it isn't there. Throws `ObjectCorrupt` where it isn't JSON. */
export async function readJson<T>(store: ObjectStore, key: string): Promise<T | undefined> {
  const found = await store.get(key);
  return found && (parse(store, key, found.body) as T);
}

/** Writes a JSON object. Returns its address and SHA-256. */
export async function writeJson(store: ObjectStore, key: string, value: unknown): Promise<ObjectRef> {
  const text = serialize(value);
  await store.put(key, text);
  return { uri: store.uri(key), checksum: sha256(text) };
}

/**
 * Changes a JSON object by compare-and-swap: `change` gets the present value and returns the next, or `undefined`
 * to leave it. It runs again when another writer came first, so it must be pure.
 */
export async function updateJson<T>(
  store: ObjectStore,
  key: string,
  change: (current: T | undefined) => T | undefined,
): Promise<T | undefined> {
  for (;;) {
    const found = await store.get(key);
    const current = found && (parse(store, key, found.body) as T);
    const next = change(current);
    if (next === undefined) return current;
    try {
      await store.put(key, serialize(next), found ? { ifMatch: found.etag } : { ifNoneMatch: '*' });
      return next;
    } catch (error) {
      if (!(error instanceof PerdureError && error.type === 'PreconditionFailed')) throw error;
    }
  }
}

function serialize(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function parse(store: ObjectStore, key: string, body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (error) {
    throw new PerdureError('ObjectCorrupt', `${store.uri(key)} is not valid JSON (${messageOf(error)}); restore or delete it.`);
  }
}
