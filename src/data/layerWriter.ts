import { inOrder } from '../platform/storage/inOrder.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import {
  layerManifest,
  manifestKey,
  readManifestToWrite,
  type LayerManifest,
  type LayerName,
  type PartitionEntry,
  type TableName,
} from './layers.js';

/** How long written partitions may wait for their manifest entries, in milliseconds; readers wait twice as long. */
const COMMIT_INTERVAL = 500;

/** A Parquet file on its way into a layer. */
export interface BuiltTable {
  table: TableName;
  key: string;
  /** Local path; the file is moved away. */
  path: string;
  rows: number;
}

/** Writes partitions of one layer: the objects first, then their entries in the manifest, several at a time. */
export class LayerWriter {
  private readonly pending: Record<string, PartitionEntry> = {};
  private committedAt = Date.now();

  private constructor(
    private readonly datamart: ObjectStore,
    private readonly layer: LayerName,
    /** The manifest as it stood when the writer was opened. */
    readonly manifest: LayerManifest,
    /** Keys of the objects that lie in the store as the manifest says. */
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
    return new LayerWriter(datamart, layer, manifest, await wholeObjects(datamart, manifest), found !== undefined);
  }

  /**
   * The partition's entry, where its objects lie in the store as they were written. An object that was deleted, cut
   * short or changed counts as never written, so that the next run repairs it.
   */
  intact(partition: string): PartitionEntry | undefined {
    const entry = this.manifest.partitions[partition];
    return entry?.objects.every(({ key }) => this.whole.has(key)) ? entry : undefined;
  }

  async write(
    partition: string,
    inputs: string,
    tables: BuiltTable[],
    more: Pick<PartitionEntry, 'dropped' | 'validation' | 'lastDay'> = {},
  ): Promise<PartitionEntry> {
    // From the first object on there is a manifest, so that its absence beside files tells of a loss.
    if (!this.begun) await this.commit({ ...this.manifest });
    const objects: PartitionEntry['objects'] = [];
    for (const { table, key, path, rows } of tables) {
      const { checksum, size } = await this.datamart.upload(path, key);
      objects.push({ table, key, checksum, size, rows });
    }
    const entry: PartitionEntry = { inputs, objects, ...more };
    await this.note(partition, entry);
    return entry;
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

/** Keys of a manifest's objects that have the size, and as far as the store can tell the bytes, that were written. */
async function wholeObjects(datamart: ObjectStore, { partitions }: LayerManifest): Promise<Set<string>> {
  const objects = Object.values(partitions).flatMap(({ objects }) => objects);
  const folders = new Set(objects.map(({ key }) => key.slice(0, key.lastIndexOf('/') + 1)));
  const sizes = new Map<string, number>();
  for (const folder of folders) for await (const { key, size } of datamart.list(folder)) sizes.set(key, size);
  const whole = new Set<string>();
  const looks = inOrder(objects, LOOKS_AT_ONCE, async ({ key, size, checksum }) =>
    sizes.get(key) === size && !(await datamart.isChanged(key, checksum)) ? key : undefined,
  );
  for await (const key of looks) if (key !== undefined) whole.add(key);
  return whole;
}
