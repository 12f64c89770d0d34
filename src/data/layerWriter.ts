import { updateJson } from '../storage/documents.js';
import type { ObjectStore } from '../storage/objectStore.js';
import { manifestKey, readManifest, type LayerManifest, type LayerName, type PartitionEntry, type TableName } from './layers.js';

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
    private readonly sizes: ReadonlyMap<string, number>,
  ) {}

  static async open(datamart: ObjectStore, layer: LayerName): Promise<LayerWriter> {
    const manifest = await readManifest(datamart, layer);
    const keys = Object.values(manifest.partitions).flatMap(({ objects }) => objects.map(({ key }) => key));
    const folders = new Set(keys.map((key) => key.slice(0, key.lastIndexOf('/') + 1)));
    const sizes = new Map<string, number>();
    for (const folder of folders) for await (const { key, size } of datamart.list(folder)) sizes.set(key, size);
    return new LayerWriter(datamart, layer, manifest, sizes);
  }

  /**
   * The partition's entry, where its objects lie in the store at their full size. An object that was deleted or cut
   * short counts as never written, so that the next run mends it.
   */
  intact(partition: string): PartitionEntry | undefined {
    const entry = this.manifest.partitions[partition];
    return entry?.objects.every(({ key, size }) => this.sizes.get(key) === size) ? entry : undefined;
  }

  async write(partition: string, inputs: string, tables: BuiltTable[], more: Pick<PartitionEntry, 'dropped' | 'lastDay'> = {}): Promise<PartitionEntry> {
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
      await updateJson<LayerManifest>(this.datamart, manifestKey(this.layer), (current) => {
        const partitions = Object.entries({ ...current?.partitions, ...this.pending }).sort(([a], [b]) => (a < b ? -1 : 1));
        return { ...current, ...more, partitions: Object.fromEntries(partitions) };
      });
    }
    for (const partition of Object.keys(this.pending)) delete this.pending[partition];
    this.committedAt = Date.now();
  }
}
