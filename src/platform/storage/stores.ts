import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { variables, type Variables } from '../../environment.js';
import { PerdureError } from '../../errors.js';
import { FolderStore } from './folderStore.js';
import { checkKey } from './key.js';
import type { ObjectStore, Stores } from './objectStore.js';
import type { BucketUser } from './owner.js';
import { BucketOwner, OwnedStore } from './ownedStore.js';

/** Root of the buckets in S3. */
export const S3_ROOT = 's3://';

const GIBIBYTE = 2 ** 30;

/** Whether a source is named by an object's address rather than by a path. */
export function isAddress(source: string): boolean {
  return /^(s3|file):\/\//.test(source);
}

/**
 * A source by a name that means the same in every folder: an object's address as it is, else an absolute path.
 * @throws PerdureError `InputInvalid` for an address that no store has
 */
export function absoluteSource(source: string): string {
  if (isAddress(source)) return source;
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(source)) {
    throw new PerdureError(
      'InputInvalid',
      `${source} is neither a path nor an address that begins with s3:// or file://; download the file and name its path.`,
    );
  }
  return resolve(source);
}

/** What differs from one user of the stores to the next. */
export interface StoreUse {
  /** Folder for objects that are lent out as local files; whoever made it removes it. */
  scratch?: string;
  /** Aborted when nobody waits for the store any more. */
  signal?: AbortSignal;
}

/** The buckets that a pipeline's config names. */
export type OpenStores = (pipeline: BucketUser, use?: StoreUse) => Stores;

/**
 * Where the buckets lie: a folder that holds a folder a bucket, or `s3://`.
 *
 * @param named as a person names it; by default `PERDURE_STORE` does, else it is `.perdure/store` in the current folder
 * @throws PerdureError `ConfigInvalid`
 */
export function storeRoot(named = variables().PERDURE_STORE): string {
  if (!named) return resolve('.perdure', 'store');
  if (!/^s3:/.test(named)) return resolve(named);
  if (named !== S3_ROOT) {
    throw new PerdureError(
      'ConfigInvalid',
      `The store "${named}" names a bucket, which the pipelines' model config does; name "${S3_ROOT}" alone.`,
    );
  }
  return named;
}

/**
 * Where a process keeps files on their way: `PERDURE_SCRATCH`, else beside the buckets of a folder, so that a finished
 * file is stored by a rename, and where room for data is; for S3 `.perdure/scratch` in the current folder.
 */
export function scratchRoot(root: string, env: Variables = variables()): string {
  if (env.PERDURE_SCRATCH) return resolve(env.PERDURE_SCRATCH);
  return root === S3_ROOT ? resolve('.perdure', 'scratch') : join(root, '.scratch');
}

/**
 * Makes ready to use the buckets below a root, once a process.
 *
 * @param root as {@link storeRoot} returns it
 * @param scratch folder in which objects of S3 are cached, as {@link scratchRoot} returns it
 */
export async function openStores(root: string, scratch = scratchRoot(root)): Promise<OpenStores> {
  const openBucket = root === S3_ROOT ? await openS3(scratch) : (bucket: string) => new FolderStore(join(root, bucket));
  const owners = new Map<string, BucketOwner>();
  return (pipeline, use = {}) => {
    const { config } = pipeline;
    const open = (name: string, setting: string) => {
      const bucket = openBucket(name, use);
      const owner = owners.get(name) ?? new BucketOwner();
      owners.set(name, owner);
      return new OwnedStore(bucket, owner, { pipeline, setting });
    };
    return {
      datamart: open(config.storage.datamart_bucket, 'storage.datamart_bucket'),
      modelRegistry: open(config.model_config.model_registry_bucket, 'model_config.model_registry_bucket'),
      predictions: open(config.storage.predictions_bucket, 'storage.predictions_bucket'),
      monitoring: open(config.storage.monitoring_bucket, 'storage.monitoring_bucket'),
    };
  };
}

/**
 * The bucket in which an address lies, and the key there.
 * @throws PerdureError `InputInvalid` for an address outside of the root
 */
export async function openAddress(
  uri: string,
  root: string,
  scratch = scratchRoot(root),
): Promise<{ store: ObjectStore; key: string }> {
  const beginning = root === S3_ROOT ? S3_ROOT : `${pathToFileURL(root).href}/`;
  const bucket = uri.startsWith(beginning)
    ? /^[a-z0-9][a-z0-9.-]*(?=\/)/.exec(uri.slice(beginning.length))?.[0]
    : undefined;
  if (!bucket)
    throw new PerdureError(
      'InputInvalid',
      `${JSON.stringify(uri)} is no address of an object below ${root}; name one of the store that PERDURE_STORE names.`,
    );
  const store = root === S3_ROOT ? (await openS3(scratch))(bucket, {}) : new FolderStore(join(root, bucket));
  const key = store.key(uri);
  checkKey(key);
  return { store, key };
}

/** The SDK is loaded only where it is used, as that takes longer than many a command. */
async function openS3(scratch: string): Promise<(bucket: string, use: StoreUse) => ObjectStore> {
  const [{ S3Store }, { createS3Client }, { ObjectCache }] = await Promise.all([
    import('./s3Store.js'),
    import('./s3Client.js'),
    import('./objectCache.js'),
  ]);
  const client = createS3Client();
  const cache = new ObjectCache(join(scratch, 'objects'), cacheLimit());
  return (bucket, use) => new S3Store({ client, bucket, cache, ...use });
}

/** Bytes that cached objects may take: `PERDURE_OBJECT_CACHE_GIB`, else 10 GiB. */
function cacheLimit(env: Variables = variables()): number {
  const named = env.PERDURE_OBJECT_CACHE_GIB ?? '10';
  const gibibytes = Number(named);
  if (named.trim() === '' || !(gibibytes >= 0)) {
    throw new PerdureError(
      'ConfigInvalid',
      `PERDURE_OBJECT_CACHE_GIB is "${named}"; expected a number of GiB such as 10.`,
    );
  }
  return gibibytes * GIBIBYTE;
}
