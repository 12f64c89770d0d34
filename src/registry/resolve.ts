import type { ModelSelector, ResolvedModel, VersionRef } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { CHAMPION } from './aliases.js';
import { aliasKey, latestKey, listAliases, readPointer } from './pointers.js';
import { listVersions, versionNumbered } from './versionIndex.js';
import { modelRef, readVersion, requireVersion } from './versions.js';
import { agreeing, listOf } from '../contracts/counts.js';

/**
 * Finds the version that a selector means. Skipped where nothing is trained yet.
 *
 * @param algorithms names that the pipeline knows
 * @throws PerdureError `NotFound` for a name that nothing answers to, `ObjectCorrupt` for a pointer to nothing
 */
export async function resolveModel(
  registry: ObjectStore,
  algorithms: string[],
  selector: ModelSelector = { alias: CHAMPION },
): Promise<ResolvedModel> {
  const found =
    'alias' in selector
      ? await byAlias(registry, algorithms, selector.alias)
      : await byAlgorithm(registry, algorithms, selector);
  return 'status' in found
    ? found
    : { status: 'ready', model: modelRef(registry, await requireVersion(registry, found)) };
}

/** What an algorithm's `latest` points to; where the pointer is gone or damaged, the newest version, which it stood for. */
export async function latestVersion(registry: ObjectStore, algorithm: string): Promise<VersionRef | undefined> {
  return (
    (await readPointer(registry, latestKey(algorithm), () => undefined)) ??
    (await listVersions(registry, algorithm)).at(-1)
  );
}

type Found = VersionRef | Exclude<ResolvedModel, { status: 'ready' }>;

async function byAlias(registry: ObjectStore, algorithms: string[], alias: string): Promise<Found> {
  const pointer = await readPointer(registry, aliasKey(alias));
  if (pointer) return pointer;
  if (alias === CHAMPION) return { status: 'skipped', reason: await whyNoChampion(registry, algorithms) };
  throw new PerdureError(
    'NotFound',
    `There is no alias "${alias}" in the registry; there ${await knownAliases(registry)}.`,
  );
}

async function whyNoChampion(registry: ObjectStore, algorithms: string[]): Promise<string> {
  for (const algorithm of algorithms) {
    if ((await listVersions(registry, algorithm)).length > 0)
      return 'No version is champion: promote one of those that are registered, or train again.';
  }
  return 'No model is registered yet: train one first.';
}

async function byAlgorithm(
  registry: ObjectStore,
  algorithms: string[],
  { algorithm, version }: { algorithm: string; version?: string },
): Promise<Found> {
  if (!algorithms.includes(algorithm)) {
    throw new PerdureError(
      'NotFound',
      `There is no algorithm ${JSON.stringify(algorithm)}; this pipeline has ${algorithms.join(', ')}.`,
    );
  }
  if (version === undefined) {
    return (
      (await latestVersion(registry, algorithm)) ?? {
        status: 'skipped',
        reason: `No version of ${algorithm} is registered yet: train one first.`,
      }
    );
  }
  if (await readVersion(registry, { algorithm, version })) return { algorithm, version };
  const numbered = await versionNumbered(registry, algorithm, version);
  if (numbered !== undefined) return { algorithm, version: numbered };
  const known = (await listVersions(registry, algorithm)).map(({ number, version }) => `v${number} (${version})`);
  // The newest first, as they are what somebody looks for, and the oldest are only counted.
  known.reverse();
  throw new PerdureError(
    'NotFound',
    `There is no version "${version}" of ${algorithm}; registered are ${listOf(known) || 'none'}.`,
  );
}

async function knownAliases(registry: ObjectStore): Promise<string> {
  const names = await listAliases(registry);
  return names.length === 0 ? 'are none yet' : `${agreeing(names.length, 'is', 'are')} ${names.join(', ')}`;
}
