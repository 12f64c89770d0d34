import type { ObjectRef } from '../../contracts/index.js';

/** What a listing tells of an object. */
export interface ListedObject {
  key: string;
  /** Bytes. */
  size: number;
}

/** What a look at an object tells. */
export interface ObjectInfo extends ListedObject {
  /** Opaque mark of this content, for conditional writes. */
  etag: string;
}

/** A write that happens only onto nothing. */
export interface CreateOnly {
  ifNoneMatch: '*';
}

/** When a write may happen: only onto nothing, or only over the content with this etag. */
export type WriteCondition = CreateOnly | { ifMatch: string };

/**
 * A bucket of objects. Keys are as {@link checkKey} says, and no object's key is the folder of another's (`a` beside
 * `a/b`). Every write is whole or absent: a reader sees the old bytes or the new, never half.
 *
 * All methods throw `PerdureError`: `StoreUnavailable` (retryable), `StoreRefused`, `StoreFull`, `ObjectCorrupt`,
 * `NotFound` for a bucket that isn't there, `InputInvalid` for a bad key, and `PreconditionFailed` where a
 * {@link WriteCondition} doesn't hold. Absence of an object is `undefined`, never an error.
 */
export interface ObjectStore {
  /** The address of a key, `file://...` or `s3://...`. */
  uri(key: string): string;
  /** The key of an address of this store. */
  key(uri: string): string;
  head(key: string): Promise<ObjectInfo | undefined>;
  /** A small object's bytes (pointers, manifests, metadata). */
  get(key: string): Promise<{ body: Uint8Array; etag: string } | undefined>;
  put(key: string, body: Uint8Array | string, condition?: WriteCondition): Promise<{ etag: string }>;
  /** Stores a local file of any size under `key`; the local file may be moved away. Returns its address and SHA-256. */
  upload(file: string, key: string, condition?: CreateOnly): Promise<ObjectRef & { size: number }>;
  /**
   * A local path that holds the object's bytes for reading. With `checksum` (SHA-256, hex) it holds the bytes with
   * that checksum, verified once a process; `ObjectCorrupt` is thrown where the object's differ, `NotFound` where
   * there is none.
   */
  localFile(key: string, checksum?: string): Promise<string>;
  /**
   * Whether an object that is there has other bytes than those with this checksum, as far as can be told without
   * transferring it: a store that guards its bytes itself says no.
   */
  isChanged(key: string, checksum: string): Promise<boolean>;
  /** Objects whose keys start with `prefix`, in the order of the keys' UTF-8 bytes. */
  list(prefix: string): AsyncIterable<ListedObject>;
  /** Removes an object; absent is fine. */
  delete(key: string): Promise<void>;
}

/** The buckets that the documents name. */
export interface Stores {
  /** Bronze, silver, gold, preprocessed data. */
  datamart: ObjectStore;
  /** Versions, `latest`, aliases. */
  modelRegistry: ObjectStore;
  predictions: ObjectStore;
  /** Reports. */
  monitoring: ObjectStore;
}
