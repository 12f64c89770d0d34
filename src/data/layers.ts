import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { PerdureError } from '../errors.js';
import { document, type DocumentOf } from '../platform/storage/documents.js';
import type { ObjectStore, Stores } from '../platform/storage/objectStore.js';
import { partitionDays } from './partitions.js';
import { sourceReading } from './csv.js';

/**
 * What the medallion holds. A layer's manifest names every partition's objects with their checksums, and a reader goes
 * by the manifest only, so that a file without an entry (of a run that died before it wrote one) is never read.
 *
 * A changed partition is written over the old file under the same key (one atomic rename), and the manifest follows
 * within about half a second. A reader that comes between finds bytes that its manifest doesn't know: it looks at the
 * manifest once more before it calls the file torn. Where a writer died between the two, the partition stays torn until
 * the run that is retried writes it again.
 */
export type LayerName = 'bronze' | 'silver' | 'gold';
/** Kinds of files; gold has two. */
const tableName = z.enum(['bronze', 'silver', 'feature_store', 'label_store']);
export type TableName = z.infer<typeof tableName>;

/** Tables of gold, and what each was before: see `goldHistory.ts`. */
export const HISTORY_OF = { feature_store: 'feature_history', label_store: 'label_history' } as const;
export type GoldTable = keyof typeof HISTORY_OF;

const storedTable = z.strictObject({
  table: z.enum([...tableName.options, ...Object.values(HISTORY_OF)]),
  key: z.string(),
  /** SHA-256 of the Parquet file. */
  checksum: z.string(),
  /** Bytes. */
  size: z.number(),
  rows: z.number(),
  /** Rows whose label is not null (label store); absent of earlier releases. */
  labelled: z.number().optional(),
});
export type StoredTable = z.infer<typeof storedTable>;

/** What a table of gold was before: until when, as an ISO 8601 instant, and the SHA-256 of its file; oldest first. */
const formerVersions = z.array(z.strictObject({ until: z.string(), checksum: z.string() }));
export type FormerVersions = z.infer<typeof formerVersions>;

/** What is known of the past of a partition of gold. */
const partitionPast = z.strictObject({
  /** Where what was before this instant is not known: its rows count as they were then. */
  from: z.string().optional(),
  feature_store: formerVersions.optional(),
  label_store: formerVersions.optional(),
});
export type PartitionPast = z.infer<typeof partitionPast>;

const partitionEntry = z.strictObject({
  /** Fingerprint of what the objects were made from: SQL, expectations and, but for bronze, input checksums. */
  inputs: z.string(),
  /** The newest of its rows' days (bronze). */
  lastDay: z.string().optional(),
  objects: z.array(storedTable),
  /** Rows left out, by expectation (silver). */
  dropped: z.record(z.string(), z.number()).optional(),
  /** How it met what is expected of it (silver). */
  validation: z
    .strictObject({
      evaluated: z.number(),
      met: z.number(),
      /** Rows that break an expectation that is not met, by its name; 0 where it is about the table. */
      unmet: z.record(z.string(), z.number()),
      /** The newest day of a column whose age is expected, by the expectation's name; `null` where there is none. */
      newest: z.record(z.string(), z.string().nullable()).optional(),
      /** Rows that break an expectation, met or not, and are kept in quarantine; absent where there are none. */
      quarantined: z.number().optional(),
    })
    .optional(),
  /** Fingerprint of all but the data that decides what its rows are (gold): where it changes, rows differ without a correction. */
  recipe: z.string().optional(),
  /** When it was first made, as an ISO 8601 instant, where gold was begun before (gold). */
  since: z.string().optional(),
  past: partitionPast.optional(),
  /** What is being written over the objects: whichever of them lie there already count (gold). */
  next: z
    .strictObject({ inputs: z.string(), objects: z.array(storedTable), past: partitionPast.optional() })
    .optional(),
});
export type PartitionEntry = z.infer<typeof partitionEntry>;

const sourceEntry = z.strictObject({
  /** Where it lay; absent for the pipeline's own in the store. */
  path: z.string().optional(),
  checksum: z.string(),
  /** Fingerprint of SQL and column types. */
  sql: z.string(),
  /** The columns that were found, where `pipeline.json` leaves them to the source, as the first file of them was written. */
  reading: sourceReading.optional(),
  /** How this file is written, with the same columns; absent of earlier releases. */
  own: sourceReading.optional(),
  /** Last day in the file. */
  lastDay: z.string(),
  /** Last day that was read: the file's, or the day that the run stood at. */
  through: z.string(),
  /** Names of the partitions with rows in the file. */
  partitions: z.array(z.string()),
  /** The store's own mark of the content, where it lay in a store: the same mark is the same file. */
  etag: z.string().optional(),
});
export type SourceEntry = z.infer<typeof sourceEntry>;

/** Labels of a second file, as bronze keeps them. */
const labelsEntry = z.strictObject({
  /** Where the file that was read last lay; absent for the pipeline's own in the store. */
  path: z.string().optional(),
  /** Of that file. */
  checksum: z.string(),
  etag: z.string().optional(),
  /** Fingerprint of which columns are kept. */
  recipe: z.string(),
  /** Parquet with a row per key: the columns that labels are joined on, by the source's names, and those of the file. */
  object: z.strictObject({ key: z.string(), checksum: z.string(), size: z.number(), rows: z.number() }),
  /** Fingerprint of the bronze partitions that `partitions` is of. */
  bronze: z.string(),
  /** A digest of the labels that the rows of a partition have, by its name. */
  partitions: z.record(z.string(), z.string()),
  /** Labels of keys that no row has. */
  unknown: z.number(),
});
export type LabelsEntry = z.infer<typeof labelsEntry>;

const duplicatesEntry = z.strictObject({
  /** Fingerprint of the bronze partitions that were looked at. */
  inputs: z.string(),
  /** Parquet of `name` (of the partition) and `row` (number within its file, from 0); absent where there are none. */
  file: z.strictObject({ key: z.string(), checksum: z.string() }).optional(),
  /** How many per partition, and a digest of which; partitions without any are left out. */
  partitions: z.record(z.string(), z.strictObject({ rows: z.number(), digest: z.string() })),
});
export type DuplicatesEntry = z.infer<typeof duplicatesEntry>;

/** `manifest.json` of a layer. */
export const layerManifest = document({
  name: 'manifest of a layer',
  schema: z.strictObject({
    partitions: z.record(z.string(), partitionEntry),
    /** The CSV that bronze was read from (bronze). */
    source: sourceEntry.optional(),
    /** The labels of a second file, where the pipeline has one (bronze). */
    labels: labelsEntry.optional(),
    /** Rows that repeat an earlier one, as last looked for (silver). */
    duplicates: duplicatesEntry.optional(),
    /** Fingerprint of the partitions whose keys were last found to stand in one partition each (gold). */
    keys: z.string().optional(),
    /**
     * The moment at which the first processing stood, as an ISO 8601 instant, and the partitions that it was to make: what it
     * read was there from the start, also where a later one had to go on with it (gold).
     */
    began: z.strictObject({ at: z.string(), partitions: z.array(z.string()) }).optional(),
  }),
  // Whose data it is stands in owner.json now.
  upgrades: [({ pipeline: _, ...manifest }) => manifest],
});
export type LayerManifest = DocumentOf<typeof layerManifest>;

/** A partition of gold. */
export interface GoldPartition {
  name: string;
  /** First and last day, ISO 8601. */
  start: string;
  end: string;
  rows: number;
  featureStore: StoredTable;
  labelStore: StoredTable;
  entry: PartitionEntry;
}

/** A partition's Parquet file on the local disk, verified against its checksum. */
export interface PartitionFile {
  partition: string;
  path: string;
  checksum: string;
  rows: number;
}

/** Days to look at, both included; a partition counts when it has a day among them. */
export interface DayRange {
  from?: string;
  to?: string;
}

export function manifestKey(layer: LayerName): string {
  return `${layer}/manifest.json`;
}

/** Where the pipeline's own CSV lies, which bronze reads when it is given no other. */
export function rawKey(file: string): string {
  return `raw/${file}`;
}

/** What is done about a layer that lost something: it is made again from the layer before it. */
const PROCESS_AGAIN = 'run data processing again, which writes it anew';

/**
 * The manifest of a layer; without partitions where the layer was never written.
 * @throws PerdureError `ObjectCorrupt` where it is damaged, or gone though the layer has files
 */
export async function readManifest(datamart: ObjectStore, layer: LayerName): Promise<LayerManifest> {
  const found = await layerManifest.read(datamart, manifestKey(layer), PROCESS_AGAIN);
  if (found) return found;
  for await (const { key } of datamart.list(`${layer}/`)) {
    throw new PerdureError(
      'ObjectCorrupt',
      `${datamart.uri(manifestKey(layer))} is gone, though there is ${key}; ${PROCESS_AGAIN}.`,
    );
  }
  return { partitions: {} };
}

/** As {@link readManifest}, for those who write the layer: `undefined` where it is gone or damaged, as they write it anew. */
export async function readManifestToWrite(datamart: ObjectStore, layer: LayerName): Promise<LayerManifest | undefined> {
  return layerManifest.read(datamart, manifestKey(layer), () => undefined);
}

/** Gold's partitions in order of time; none where gold was never written. */
export async function goldPartitions(stores: Pick<Stores, 'datamart'>, days: DayRange = {}): Promise<GoldPartition[]> {
  const manifest = await readManifest(stores.datamart, 'gold');
  return partitionsBetween(manifest, days).map(([name, entry]) => {
    const featureStore = tableOf(entry, 'feature_store');
    return {
      name,
      ...partitionDays(name),
      rows: featureStore.rows,
      featureStore,
      labelStore: tableOf(entry, 'label_store'),
      entry,
    };
  });
}

/** The feature store's files in order of time. Throws `ObjectCorrupt`, `NotFound`. */
export function featureStoreFiles(stores: Pick<Stores, 'datamart'>, days: DayRange = {}): Promise<PartitionFile[]> {
  return tableFiles(stores.datamart, 'gold', 'feature_store', days);
}

/** The label store's files in order of time. Throws `ObjectCorrupt`, `NotFound`. */
export function labelStoreFiles(stores: Pick<Stores, 'datamart'>, days: DayRange = {}): Promise<PartitionFile[]> {
  return tableFiles(stores.datamart, 'gold', 'label_store', days);
}

/** A table's files in order of time. */
export async function tableFiles(
  datamart: ObjectStore,
  layer: LayerName,
  table: TableName,
  days: DayRange = {},
): Promise<PartitionFile[]> {
  const files: PartitionFile[] = [];
  for (const [name, entry] of partitionsBetween(await readManifest(datamart, layer), days)) {
    files.push(await partitionFile(datamart, layer, table, name, tableOf(entry, table)));
  }
  return files;
}

function partitionsBetween(
  { partitions }: LayerManifest,
  { from = '', to = '9999-12-31' }: DayRange,
): [string, PartitionEntry][] {
  return Object.entries(partitions)
    .filter(([name]) => partitionDays(name).end >= from && partitionDays(name).start <= to)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** How long a writer may take from an object to its manifest entry, in milliseconds; writers commit twice as often. */
const COMMIT_LAG = 1_000;

/**
 * A partition's file, verified. `known` is its entry in the manifest that the caller has read; where the bytes differ
 * from it the manifest is read once more, as a writer may have been at work.
 */
export async function partitionFile(
  datamart: ObjectStore,
  layer: LayerName,
  table: StoredTable['table'],
  partition: string,
  known: StoredTable,
): Promise<PartitionFile> {
  const open = async ({ key, checksum, rows }: StoredTable): Promise<PartitionFile> => ({
    partition,
    path: await datamart.localFile(key, checksum).catch((error: unknown) => {
      throw lossOf(error, datamart, layer, partition, key);
    }),
    checksum,
    rows,
  });
  try {
    return await open(known);
  } catch (error) {
    if (!(error instanceof PerdureError && error.type === 'ObjectCorrupt')) throw error;
    await sleep(COMMIT_LAG);
    const entry = (await readManifest(datamart, layer)).partitions[partition];
    if (!entry) throw error;
    return open(tableOf(entry, table));
  }
}

/** What a partition's file that is gone or damaged is told as, with the step that brings it back. */
function lossOf(error: unknown, datamart: ObjectStore, layer: LayerName, partition: string, key: string): unknown {
  if (!(error instanceof PerdureError)) return error;
  // Only the raw data has what bronze holds.
  const again = layer === 'bronze' ? `run data processing with a CSV that has the rows of ${partition}` : PROCESS_AGAIN;
  if (error.type === 'NotFound') return new PerdureError('ObjectCorrupt', `${datamart.uri(key)} is gone; ${again}.`);
  if (error.type === 'ObjectCorrupt')
    return new PerdureError(
      'ObjectCorrupt',
      `${datamart.uri(key)} is damaged: it is not what was written; delete it and ${again}.`,
    );
  return error;
}

export function tableOf(entry: PartitionEntry, table: StoredTable['table']): StoredTable {
  const found = entry.objects.find((object) => object.table === table);
  if (!found)
    throw new PerdureError(
      'ObjectCorrupt',
      `A manifest names no ${table} file for a partition; delete the manifest and ${PROCESS_AGAIN}.`,
    );
  return found;
}
