import { stat } from 'node:fs/promises';
import { checksumOfFile } from '../platform/storage/checksum.js';
import { inOrder } from '../platform/storage/inOrder.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import {
  HISTORY_OF,
  layerManifest,
  manifestKey,
  readManifestToWrite,
  type LayerManifest,
  type LayerName,
  type PartitionEntry,
  type StoredTable,
} from './layers.js';

/** How long written partitions may wait for their manifest entries, in milliseconds; readers wait twice as long. */
const COMMIT_INTERVAL = 500;

/** A Parquet file on its way into a layer. */
export interface BuiltTable {
  table: StoredTable['table'];
  key: string;
  /** Local path; the file is moved away. */
  path: string;
  rows: number;
  labelled?: number;
}

/** Writes partitions of one layer: the objects first, then their entries in the manifest, several at a time. */
export class LayerWriter {
  private readonly pending: Record<string, PartitionEntry> = {};
  private committedAt = Date.now();

  private constructor(
    private readonly datamart: ObjectStore,
    private readonly layer: LayerName,
    private readonly stored: LayerManifest,
    /** The manifest as it stood when the writer was opened, with what a writer that died had begun. */
    readonly manifest: LayerManifest,
    /** The {@link contentOf} of the objects that lie in the store as the manifest says. */
    private readonly whole: ReadonlySet<string>,
    /** Whether a manifest lies in the store. */
    private begun: boolean,
  ) {}

  /**
   * @param recover makes a manifest that is gone or damaged again from the layer's files; without it all partitions count
   * as never written
   */
  static async open(
    datamart: ObjectStore,
    layer: LayerName,
    recover: () => Promise<LayerManifest> = NOTHING_WRITTEN,
  ): Promise<LayerWriter> {
    const found = await readManifestToWrite(datamart, layer);
    const manifest = found ?? (await recover());
    const whole = await wholeObjects(datamart, manifest);
    return new LayerWriter(datamart, layer, manifest, settled(manifest, whole), whole, found !== undefined);
  }

  /**
   * The partition's entry, where its objects lie in the store as they were written. An object that was deleted, cut
   * short or changed counts as never written, so that the next run repairs it.
   */
  intact(partition: string): PartitionEntry | undefined {
    const entry = this.manifest.partitions[partition];
    return entry?.objects.every((object) => this.isWhole(object)) ? entry : undefined;
  }

  /** Whether an object lay in the store as it was written when the writer was opened. */
  isWhole(object: StoredTable): boolean {
    return this.whole.has(contentOf(object));
  }

  /** @param more what the entry says besides; `kept`: objects that stay as they are */
  async write(
    partition: string,
    inputs: string,
    tables: BuiltTable[],
    { kept = [], ...more }: Omit<PartitionEntry, 'inputs' | 'objects' | 'next'> & { kept?: StoredTable[] } = {},
  ): Promise<PartitionEntry> {
    // From the first object on there is a manifest, so that its absence beside files tells of a loss.
    if (!this.begun) await this.commit({ ...this.manifest });
    const objects: PartitionEntry['objects'] = [];
    for (const { path, ...table } of tables) {
      const { checksum, size } = await this.datamart.upload(path, table.key);
      objects.push({ ...table, checksum, size });
    }
    const entry: PartitionEntry = { inputs, objects: [...objects, ...kept], ...more };
    await this.note(partition, entry);
    return entry;
  }

  /** Whether an entry of {@link manifest} is what the stored one says. */
  isNoted(partition: string, entry: PartitionEntry): boolean {
    return this.stored.partitions[partition] === entry;
  }

  /**
   * Says what is about to be written over a partition's objects, so that whoever comes after a writer that died meanwhile
   * knows what lies there, and what it was before.
   */
  async announce(
    partition: string,
    inputs: string,
    tables: BuiltTable[],
    { kept = [], past }: { kept?: StoredTable[]; past?: PartitionEntry['past'] },
  ): Promise<void> {
    const current = this.manifest.partitions[partition];
    if (!current) return;
    const objects: StoredTable[] = [...kept];
    for (const { path, ...table } of tables)
      objects.push({ ...table, checksum: await checksumOfFile(path), size: (await stat(path)).size });
    this.pending[partition] = { ...current, next: { inputs, objects, ...(past && { past }) } };
    await this.commit();
  }

  /** Changes what the manifest says of a partition whose objects stay as they are. */
  async note(partition: string, entry: PartitionEntry): Promise<void> {
    this.pending[partition] = entry;
    if (Date.now() - this.committedAt >= COMMIT_INTERVAL) await this.commit();
  }

  /** Puts what was written, and `more`, into the manifest by compare-and-swap. */
  async commit(more: Partial<LayerManifest> = {}): Promise<void> {
    if (Object.keys(this.pending).length > 0 || Object.keys(more).length > 0) {
      const change = (current = this.manifest): LayerManifest => {
        const partitions = Object.entries({ ...current.partitions, ...this.pending }).sort(([a], [b]) =>
          a < b ? -1 : 1,
        );
        return { ...current, ...more, partitions: Object.fromEntries(partitions) };
      };
      await layerManifest.update(this.datamart, manifestKey(this.layer), change, () => undefined);
      this.begun = true;
    }
    for (const partition of Object.keys(this.pending)) delete this.pending[partition];
    this.committedAt = Date.now();
  }
}

const NOTHING_WRITTEN = (): Promise<LayerManifest> => Promise.resolve({ partitions: {} });

/** How many objects are looked at side by side. */
const LOOKS_AT_ONCE = 8;

/** What tells an object of one content. */
function contentOf({ key, checksum }: StoredTable): string {
  return `${key} ${checksum}`;
}

/** The {@link contentOf} a manifest's objects that have the size, and as far as the store can tell the bytes, that were written. */
async function wholeObjects(datamart: ObjectStore, { partitions }: LayerManifest): Promise<Set<string>> {
  const objects = Object.values(partitions).flatMap(({ objects, next }) => [...objects, ...(next?.objects ?? [])]);
  const folders = new Set(objects.map(({ key }) => key.slice(0, key.lastIndexOf('/') + 1)));
  const sizes = new Map<string, number>();
  for (const folder of folders) for await (const { key, size } of datamart.list(folder)) sizes.set(key, size);
  const whole = new Set<string>();
  const looks = inOrder(objects, LOOKS_AT_ONCE, async (object) =>
    sizes.get(object.key) === object.size && !(await datamart.isChanged(object.key, object.checksum))
      ? contentOf(object)
      : undefined,
  );
  for await (const content of looks) if (content !== undefined) whole.add(content);
  return whole;
}

/**
 * A manifest in which no partition is being written: where a writer died, each table is what lies in the store, with what
 * is known of its past.
 */
function settled(manifest: LayerManifest, whole: ReadonlySet<string>): LayerManifest {
  const partitions = Object.entries(manifest.partitions).map(([name, found]): [string, PartitionEntry] => {
    if (!found.next) return [name, found];
    const { next, ...entry } = found;
    const past: PartitionEntry['past'] = { ...entry.past, ...next.past };
    const objects: StoredTable[] = [];
    let taken = 0;
    for (const table of ['feature_store', 'label_store'] as const) {
      const [old, written] = [entry, next].map(({ objects }) => objects.find((object) => object.table === table));
      const isWritten = written !== undefined && whole.has(contentOf(written));
      const isOld = old !== undefined && whole.has(contentOf(old));
      const from = isWritten && !isOld ? next : entry;
      if (isWritten) taken++;
      objects.push(...from.objects.filter((object) => object.table === table || object.table === HISTORY_OF[table]));
      const versions = from.past?.[table];
      if (versions) past[table] = versions;
      else delete past[table];
    }
    // A mixture is what no inputs make.
    const inputs = objects.every((object) => entry.objects.includes(object))
      ? entry.inputs
      : taken === 2
        ? next.inputs
        : '';
    return [name, { ...entry, inputs, objects, past }];
  });
  return { ...manifest, partitions: Object.fromEntries(partitions) };
}
