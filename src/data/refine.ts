import type { LayerResult, RefineInput } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import type { Workspace } from './workspace.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { withDuckDb, type Database } from './duckdb.js';
import { LayerWriter, type BuiltTable } from './layerWriter.js';
import {
  partitionFile,
  readManifest,
  tableOf,
  type LayerManifest,
  type LayerName,
  type PartitionEntry,
  type StoredTable,
  type TableName,
} from './layers.js';

/** How one layer's partitions are made from the layer before it. */
export interface Refinement {
  layer: LayerName;
  from: { layer: LayerName; table: TableName };
  /** Fingerprint of all that decides a partition's content, its input file's checksum included. */
  inputs(partition: string, inputChecksum: string): string;
  /** Called once with the first input file, before any partition is built. */
  check(database: Database, inputFile: string): Promise<void>;
  /** Makes a partition's files in the scratch `folder` from its input file; `undefined` where it is not to be written. */
  build(
    database: Database,
    partition: string,
    inputFile: string,
    folder: string,
    before: Before,
  ): Promise<Built | undefined>;
  /** What the manifest says besides its partitions once one is written. @param partitions all that the layer before has */
  begin?(manifest: LayerManifest, partitions: string[]): Partial<LayerManifest>;
  /** Whether what a partition left beside the layer is there; what it lacks is made again with it. */
  isKept?(partition: string, entry: PartitionEntry): boolean;
  /** What is noted of a partition that is up to date; `undefined` where that stands there. */
  amend?(entry: PartitionEntry): PartitionEntry | undefined;
}

/** A layer as it was when it was opened. */
export interface Before {
  manifest: LayerManifest;
  /** Whether an object lies in the store as it was written. */
  isWhole: (object: StoredTable) => boolean;
}

export interface Built extends Pick<PartitionEntry, 'recipe' | 'since' | 'past'> {
  tables: BuiltTable[];
  /** Objects that stay as they are. */
  kept?: StoredTable[];
  /** Whether what is overwritten is wanted afterwards, so that it must be known what lies there at any time. */
  announced?: boolean;
  /** Rows left out, by expectation. */
  dropped?: Record<string, number>;
  validation?: PartitionEntry['validation'];
}

/** What {@link refine} did; `entries` are those of all partitions asked for. */
export interface Refined extends Omit<LayerResult, 'rows'> {
  entries: PartitionEntry[];
}

/**
 * Brings partitions of a layer up to date: builds those whose inputs differ from last time, or that have lost something,
 * and leaves the others alone; a dry run only tells these. Work that was done before a failure stays done.
 *
 * @throws PerdureError `NotFound` for a partition that the layer before lacks; `ObjectCorrupt` for a torn input file
 */
export async function refine(
  context: Workspace,
  datamart: ObjectStore,
  { partitions, dryRun }: RefineInput,
  refinement: Refinement,
): Promise<Refined> {
  const { layer, from } = refinement;
  const upstream = await readManifest(datamart, from.layer);
  const writer = await LayerWriter.open(datamart, layer);
  const result: Refined = { written: [], unchanged: [], entries: [] };
  const stale: { name: string; entry: PartitionEntry }[] = [];
  for (const name of partitions) {
    const entry = upstream.partitions[name];
    if (!entry)
      throw new PerdureError(
        'NotFound',
        `${from.layer} holds no partition ${name}; run data processing with a source that has it.`,
      );
    const current = writer.intact(name);
    const isCurrent = current?.inputs === refinement.inputs(name, tableOf(entry, from.table).checksum);
    if (isCurrent && (refinement.isKept?.(name, current) ?? true)) {
      const amended = refinement.amend?.(current) ?? current;
      // What is to be noted is work, too.
      if (dryRun && !writer.isNoted(name, amended)) continue;
      result.unchanged.push(name);
      result.entries.push(current);
      if (!dryRun && !writer.isNoted(name, amended)) await writer.note(name, amended);
    } else {
      stale.push({ name, entry });
    }
  }
  if (dryRun) return result;
  if (stale.length === 0) {
    await writer.commit();
    return result;
  }

  // One thread: rows must stay in file order, and equal rows must give equal bytes.
  await withDuckDb(context, build, { threads: 1 });
  return result;

  async function build(database: Database): Promise<void> {
    try {
      for (const [done, { name, entry }] of stale.entries()) {
        context.signal.throwIfAborted();
        const input = await partitionFile(datamart, from.layer, from.table, name, tableOf(entry, from.table));
        if (done === 0) await refinement.check(database, input.path);
        const before: Before = { manifest: writer.manifest, isWhole: (object) => writer.isWhole(object) };
        const built = await refinement.build(database, name, input.path, context.scratch, before);
        if (built) {
          const { tables, announced, ...more } = built;
          const inputs = refinement.inputs(name, input.checksum);
          if (result.written.length === 0 && refinement.begin)
            await writer.commit(refinement.begin(writer.manifest, Object.keys(upstream.partitions)));
          if (announced) await writer.announce(name, inputs, tables, more);
          result.entries.push(await writer.write(name, inputs, tables, more));
          result.written.push(name);
        }
        context.report({ what: 'partitions', done: result.unchanged.length + done + 1, total: partitions.length });
      }
    } finally {
      await writer.commit();
    }
  }
}
