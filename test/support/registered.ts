import type { VersionRef } from '../../src/contracts/index.js';
import type { ObjectStore } from '../../src/platform/storage/objectStore.js';
import { indexVersion } from '../../src/registry/versionIndex.js';
import { versionKey, versionMetadata } from '../../src/registry/versions.js';
import { versionMetadataOf } from './wholeDocuments.js';

/**
 * Registers a version as a training does, without the files beside its metadata: its line in the index comes first.
 * @returns its number
 */
export async function register(
  registry: ObjectStore,
  ref: VersionRef,
  more: Parameters<typeof versionMetadataOf>[1] = {},
): Promise<number> {
  const metadata = versionMetadataOf(ref, more);
  const number = await indexVersion(registry, metadata);
  await versionMetadata.create(registry, versionKey(ref, 'metadata.json'), { ...metadata, number });
  return number;
}
