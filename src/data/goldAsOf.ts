import { join } from 'node:path';
import type { Pipeline } from '../config/load.js';
import type { Stores } from '../platform/storage/objectStore.js';
import { literal, type Database } from './duckdb.js';
import { formerRowsSql, standsAt } from './goldHistory.js';
import {
  goldPartitions,
  HISTORY_OF,
  partitionFile,
  tableOf,
  type DayRange,
  type GoldPartition,
  type GoldTable,
  type PartitionEntry,
  type PartitionFile,
} from './layers.js';
import { partitionDays } from './partitions.js';

/** A partition's two files. */
export interface GoldFiles {
  features: PartitionFile;
  labels: PartitionFile;
  /** Where the run stands before it: the moment as of which the rows are, as nothing older is known. */
  knownFrom?: string;
  /** Whether none of its rows has a label, nor had one before. */
  unlabelled?: true;
}

/** Where gold is read. */
export interface GoldReader {
  database: Database;
  /** A folder for files of rows as they were. */
  scratch: string;
  pipeline: Pick<Pipeline, 'definition'>;
  stores: Pick<Stores, 'datamart'>;
}

/**
 * Both gold files of every partition with one of the days, as they were at `asOf`: rows that arrived later are not in them, and
 * what was corrected since is as it was. Where nothing arrived since they are the stored ones; the checksum is that of
 * the file as it was in either case.
 */
export async function goldFilesAsOf(reader: GoldReader, days: Required<DayRange>, asOf: string): Promise<GoldFiles[]> {
  const files: GoldFiles[] = [];
  for (const partition of await partitionsAsOf(reader.stores, days, asOf)) {
    const opened = await openAsOf(reader, partition, asOf);
    if (opened) files.push(opened);
  }
  return files;
}

/** Gold's partitions that were there at `asOf`, in order of time. */
export async function partitionsAsOf(
  stores: Pick<Stores, 'datamart'>,
  days: Required<DayRange>,
  asOf: string,
): Promise<GoldPartition[]> {
  return (await goldPartitions(stores, days)).filter(({ entry }) => wasThere(entry, asOf));
}

/** Whether none of a partition's rows has a label, nor had one before, by its manifest entry. */
export function isUnlabelled(entry: PartitionEntry): boolean {
  return tableOf(entry, 'label_store').labelled === 0 && entry.past?.label_store === undefined;
}

/**
 * Whether a partition may have a row that a training learns from: one with a label, of a day whose labels count. What is in
 * any other changes nothing about a training.
 *
 * @param labelledTo the last day whose rows' labels count
 */
export function mayTrain(partition: string, unlabelled: boolean, labelledTo: string): boolean {
  return !unlabelled && partitionDays(partition).start <= labelledTo;
}

/** SHA-256 of a partition's files as they were at `asOf`, by its manifest entry. */
export function checksumsAsOf(entry: PartitionEntry, asOf: string): Record<GoldTable, string> {
  return {
    feature_store: checksumAsOf(entry, 'feature_store', asOf),
    label_store: checksumAsOf(entry, 'label_store', asOf),
  };
}

function checksumAsOf(entry: PartitionEntry, table: GoldTable, asOf: string): string {
  const former = entry.past?.[table]?.find(({ until }) => Date.parse(until) > momentOf(entry, asOf));
  return former?.checksum ?? tableOf(entry, table).checksum;
}

/** The moment as of which a partition is read: that of the run, or the first that is known, in milliseconds. */
function momentOf({ past }: PartitionEntry, asOf: string): number {
  return past?.from === undefined ? standsAt(asOf) : Math.max(standsAt(asOf), Date.parse(past.from));
}

function wasThere({ since }: PartitionEntry, asOf: string): boolean {
  return since === undefined || Date.parse(since) <= standsAt(asOf);
}

async function openAsOf(reader: GoldReader, partition: GoldPartition, asOf: string): Promise<GoldFiles | undefined> {
  let { entry } = partition;
  const { name } = partition;
  for (;;) {
    const features = await openTable(reader, name, entry, 'feature_store', asOf);
    const labels = features && (await openTable(reader, name, entry, 'label_store', asOf));
    if (labels) {
      const isKnown = momentOf(entry, asOf) === standsAt(asOf);
      return {
        features,
        labels,
        ...(isUnlabelled(entry) && { unlabelled: true }),
        ...(!isKnown && { knownFrom: entry.past!.from! }),
      };
    }
    // A writer came between: what the present file says goes with the past that its own entry knows.
    const again = (await goldPartitions(reader.stores, { from: partition.start, to: partition.end })).find(
      (candidate) => candidate.name === name,
    );
    if (!again || !wasThere(again.entry, asOf)) return undefined;
    entry = again.entry;
  }
}

/** A table's file as it was; `undefined` where the entry is no longer the partition's. */
async function openTable(
  { database, scratch, pipeline, stores }: GoldReader,
  partition: string,
  entry: PartitionEntry,
  table: GoldTable,
  asOf: string,
): Promise<PartitionFile | undefined> {
  const open = async (table: GoldTable | (typeof HISTORY_OF)[GoldTable]) => {
    const known = tableOf(entry, table);
    const file = await partitionFile(stores.datamart, 'gold', table, partition, known);
    return file.checksum === known.checksum ? file : undefined;
  };
  const present = await open(table);
  if (!present) return undefined;
  const checksum = checksumAsOf(entry, table, asOf);
  const hasHistory = entry.objects.some((object) => object.table === HISTORY_OF[table]);
  if (checksum === present.checksum || !hasHistory) return { ...present, checksum };
  const history = await open(HISTORY_OF[table]);
  if (!history) return undefined;
  const path = join(scratch, `${table}_${partition}_as_of.parquet`);
  const sql = formerRowsSql(pipeline.definition.keys, present.path, history.path, momentOf(entry, asOf));
  const [written] = await database.rows<{ Count: bigint }>(`COPY (${sql}) TO ${literal(path)} (FORMAT parquet)`);
  return { partition, path, checksum, rows: Number(written!.Count) };
}
