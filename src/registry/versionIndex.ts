import { z } from 'zod';
import { splitMetricsShape } from '../contracts/schemas.js';
import { PerdureError } from '../errors.js';
import { checkName } from '../names.js';
import { document, type DocumentOf } from '../platform/storage/documents.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { readVersion, type VersionMetadata } from './versions.js';

/** A line of `versions.json`, the index of an algorithm's versions. */
const versionSummary = z.strictObject({
  algorithm: z.string(),
  version: z.string(),
  /** Absent in lines of earlier releases. */
  number: z.number().int().optional(),
  ...splitMetricsShape,
  training_date: z.string(),
  cv_score: z.number().nullable(),
  model_checksum: z.string(),
});

/** A registered version, with its number: the first of its algorithm is 1. */
export type VersionSummary = z.infer<typeof versionSummary> & { number: number };

const versionIndex = document({
  name: 'index of versions',
  schema: z.strictObject({ versions: z.array(versionSummary) }),
});
type VersionIndex = DocumentOf<typeof versionIndex>;

/**
 * Registered versions of an algorithm, oldest first: those whose folder holds a `metadata.json`. The index spares reading
 * each of them; what it lacks is read, and what is gone from the registry isn't listed.
 */
export async function listVersions(registry: ObjectStore, algorithm: string): Promise<VersionSummary[]> {
  const { versions, damaged } = await lookThrough(registry, algorithm);
  if (damaged[0]) throw damaged[0];
  return versions;
}

/** As {@link listVersions}, with what is wrong with each version that the index lacks and that can't be read. */
async function lookThrough(
  registry: ObjectStore,
  algorithm: string,
): Promise<{ versions: VersionSummary[]; damaged: PerdureError[] }> {
  const { versions: indexed } = (await versionIndex.read(registry, indexKey(algorithm), NO_INDEX)) ?? NO_INDEX();
  const known = new Map(indexed.map((summary) => [summary.version, summary]));
  const versions: VersionIndex['versions'] = [];
  const damaged: PerdureError[] = [];
  for await (const version of registeredVersions(registry, algorithm)) {
    try {
      const metadata = known.has(version)
        ? undefined
        : await readVersion(registry, { algorithm, version }, 'restore it, or delete the folder of this version');
      const summary = known.get(version) ?? (metadata && summaryOf(metadata));
      if (summary) versions.push(summary);
    } catch (error) {
      if (!(error instanceof PerdureError && error.type === 'ObjectCorrupt')) throw error;
      damaged.push(error);
    }
  }
  return { versions: numbered(versions), damaged };
}

/** The id of the version with a number, written such as `v3`; `undefined` where there is none, or it isn't a number. */
export async function versionNumbered(
  registry: ObjectStore,
  algorithm: string,
  name: string,
): Promise<string | undefined> {
  const [, number] = /^v(\d{1,6})$/.exec(name) ?? [];
  if (number === undefined) return undefined;
  return (await listVersions(registry, algorithm)).find((summary) => summary.number === Number(number))?.version;
}

/**
 * Puts a version into its algorithm's index, once.
 * @returns its number: above that of every version that the algorithm has had, unless it has one already
 */
export async function indexVersion(registry: ObjectStore, metadata: VersionMetadata): Promise<number> {
  const summary = summaryOf(metadata);
  const { algorithm, version } = summary;
  // A version that is damaged hinders no newer one, and keeps its number until it is restored.
  const { versions: registered, damaged } = await lookThrough(registry, algorithm);
  const index = await versionIndex.update(
    registry,
    indexKey(algorithm),
    (current) => {
      const versions = current?.versions ?? [];
      if (versions.some((known) => known.version === version)) return undefined;
      const taken = [...numbered(versions), ...registered].map(({ number }) => number);
      const number =
        registered.find((known) => known.version === version)?.number ?? Math.max(0, ...taken) + damaged.length + 1;
      return { versions: sorted([...versions, { ...summary, number }]) };
    },
    NO_INDEX,
  );
  return numbered(index!.versions).find((known) => known.version === version)!.number;
}

/** A damaged index counts as empty: what it lacks is read from the versions. */
const NO_INDEX = (): VersionIndex => ({ versions: [] });

function summaryOf({
  model_name: algorithm,
  version,
  number,
  training_date,
  cv_score,
  performance,
  lineage,
}: VersionMetadata): VersionIndex['versions'][number] {
  return {
    algorithm,
    version,
    ...(number !== undefined && { number }),
    training_date,
    cv_score,
    ...performance,
    model_checksum: lineage.model_checksum,
  };
}

/** Those of earlier releases are numbered by their order, as they were the first ones. */
function numbered(versions: VersionIndex['versions']): VersionSummary[] {
  return sorted(versions).map((summary, i) => ({ ...summary, number: summary.number ?? i + 1 }));
}

function sorted<Summary extends { version: string }>(versions: Summary[]): Summary[] {
  return versions.toSorted((a, b) => (a.version < b.version ? -1 : 1));
}

/** Names of an algorithm's finished versions. */
async function* registeredVersions(registry: ObjectStore, algorithm: string): AsyncGenerator<string> {
  const folder = `model_registry/${checkName('an algorithm', algorithm)}/`;
  for await (const { key } of registry.list(folder)) {
    const [version, file, ...deeper] = key.slice(folder.length).split('/');
    if (version && file === 'metadata.json' && deeper.length === 0) yield version;
  }
}

function indexKey(algorithm: string): string {
  return `model_registry/${checkName('an algorithm', algorithm)}/versions.json`;
}
