import type { VersionRef } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { importanceShift, type ImportanceShift, type VersionImportance } from './importance.js';
import { listVersions } from './versionIndex.js';
import { readVersion, readVersionFileIfAny } from './versions.js';

/** How the importance of a version's features differs from that of the version of its algorithm before it, or why nobody knows. */
export type ImportanceChange = { before: VersionRef } & (ImportanceShift | { unknown: string });

/**
 * The version before is the newest of the algorithm that is older; `undefined` where there is none. One that is damaged hinders
 * no newer one: that it can't be compared with is told.
 */
export async function importanceChange(
  registry: ObjectStore,
  { algorithm, version }: VersionRef,
  importance: VersionImportance,
): Promise<ImportanceChange | undefined> {
  const older = (await listVersions(registry, algorithm)).filter((other) => other.version < version).at(-1);
  if (!older) return undefined;
  const before = { algorithm, version: older.version };
  try {
    const metadata = await readVersion(registry, before);
    const known = metadata && (await readVersionFileIfAny(registry, metadata, 'importance.json'));
    if (!known) return { before, unknown: 'it was made by an earlier release, which measured no importance' };
    const shift = importanceShift(known, importance);
    return { before, ...(shift ?? { unknown: 'the two have no kind of importance in common' }) };
  } catch (error) {
    if (error instanceof PerdureError && (error.type === 'ObjectCorrupt' || error.type === 'FormatNewer'))
      return { before, unknown: error.message.replace(/\.$/, '') };
    throw error;
  }
}
