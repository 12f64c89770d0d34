import type { ObjectRef } from '../../contracts/index.js';
import { PerdureError } from '../../errors.js';
import { sha256 } from './checksum.js';
import type { ObjectStore } from './objectStore.js';

/**
 * Documents are JSON objects that carry their own checksum under {@link SEAL}, so that one that was cut short or
 * changed, or that something else wrote, is never taken for what was written: each that is read has the shape that was
 * written.
 */
const SEAL = '$sha256';

/**
 * What is done about a damaged document: the end of the sentence that says so, which is what a person does about it; or
 * what stands in for the document where it can be had from elsewhere.
 */
export type OnDamage<T> = string | ((damage: PerdureError) => T | undefined | Promise<T | undefined>);

const RESTORE = 'restore it, or delete it and run again';

/** Reads a JSON object; `undefined` where it isn't there. Throws `ObjectCorrupt` where it isn't what was written. */
export async function readJson<T>(
  store: ObjectStore,
  key: string,
  onDamage: OnDamage<T> = RESTORE,
): Promise<T | undefined> {
  const found = await store.get(key);
  return found && read(store, key, found.body, onDamage);
}

/** Writes a JSON object. Returns its address and SHA-256. */
export async function writeJson(store: ObjectStore, key: string, value: object): Promise<ObjectRef> {
  const text = serializeDocument(value);
  await store.put(key, text);
  return { uri: store.uri(key), checksum: sha256(text) };
}

/**
 * Changes a JSON object by compare-and-swap: `change` gets the present value and returns the next, or `undefined`
 * to leave it. It runs again when another writer came first, so it must be pure.
 */
export async function updateJson<T extends object>(
  store: ObjectStore,
  key: string,
  change: (current: T | undefined) => T | undefined,
  onDamage: OnDamage<T> = RESTORE,
): Promise<T | undefined> {
  for (;;) {
    const found = await store.get(key);
    const current = found && (await read(store, key, found.body, onDamage));
    const next = change(current);
    if (next === undefined) return current;
    try {
      await store.put(key, serializeDocument(next), found ? { ifMatch: found.etag } : { ifNoneMatch: '*' });
      return next;
    } catch (error) {
      if (!(error instanceof PerdureError && error.type === 'PreconditionFailed')) throw error;
    }
  }
}

/**
 * The value of a document's bytes, without its seal.
 *
 * @param remedy ends the sentence that tells of damage
 * @throws PerdureError `ObjectCorrupt`
 */
export function parseDocument<T>(store: ObjectStore, key: string, body: Uint8Array, remedy: string): T {
  const damaged = (why: string) =>
    new PerdureError('ObjectCorrupt', `${store.uri(key)} is damaged: ${why}; ${remedy}.`);
  if (body.length === 0) throw damaged('it is empty');
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    throw damaged('it is not whole JSON');
  }
  if (!isObject(parsed) || !(SEAL in parsed))
    throw damaged(`it has no ${JSON.stringify(SEAL)}, so that it is not what was written`);
  const { [SEAL]: seal, ...value } = parsed;
  if (seal !== sha256(textOf(value))) throw damaged('it is not what was written');
  return value as T;
}

async function read<T>(
  store: ObjectStore,
  key: string,
  body: Uint8Array,
  onDamage: OnDamage<T>,
): Promise<T | undefined> {
  if (typeof onDamage === 'string') return parseDocument<T>(store, key, body, onDamage);
  try {
    return parseDocument<T>(store, key, body, RESTORE);
  } catch (error) {
    if (error instanceof PerdureError && error.type === 'ObjectCorrupt') return onDamage(error);
    throw error;
  }
}

/** A document's text, sealed. */
export function serializeDocument(value: object): string {
  return `${textOf({ ...value, [SEAL]: sha256(textOf(value)) })}\n`;
}

function textOf(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
