import { z } from 'zod';
import type { ObjectRef } from '../../src/contracts/index.js';
import { document, type OnDamage } from '../../src/platform/storage/documents.js';
import type { ObjectStore } from '../../src/platform/storage/objectStore.js';

/** Documents of any content in the first format, for tests to which the content is all the same or a fault of its own. */
export const anyDocument = document({ name: 'document of a test', schema: z.looseObject({}) });

export function writeJson(store: ObjectStore, key: string, value: object): Promise<ObjectRef> {
  return anyDocument.write(store, key, { ...value });
}

export function readJson<T extends object>(
  store: ObjectStore,
  key: string,
  onDamage?: OnDamage<T>,
): Promise<T | undefined> {
  return anyDocument.read(store, key, onDamage as OnDamage<Record<string, unknown>>) as Promise<T | undefined>;
}

export function updateJson<T extends object>(
  store: ObjectStore,
  key: string,
  change: (current: T | undefined) => T | undefined,
  onDamage?: OnDamage<T>,
): Promise<T | undefined> {
  return anyDocument.update(
    store,
    key,
    change as unknown as (current: Record<string, unknown> | undefined) => Record<string, unknown> | undefined,
    onDamage as OnDamage<Record<string, unknown>>,
  ) as Promise<T | undefined>;
}

export function createJson(store: ObjectStore, key: string, value: object): Promise<ObjectRef> {
  return anyDocument.create(store, key, { ...value });
}
