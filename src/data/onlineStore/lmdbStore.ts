import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { z } from 'zod';
import { document } from '../../platform/storage/documents.js';
import { localFileOr } from '../../platform/storage/lost.js';
import type { ObjectStore } from '../../platform/storage/objectStore.js';
import { onlineFeatures, type OnlineFeatures, type OnlineRow, type OnlineStore } from './onlineStore.js';

/** Of the embedded store's objects. */
export const FOLDER = 'gold/online_store';
const CURRENT = `${FOLDER}/current.json`;
const WRITE_AGAIN = 'run data processing again, which writes it anew';

const currentFile = document({
  name: 'current version of the online store',
  schema: onlineFeatures.extend({
    /** SHA-256 of the file. */
    checksum: z.string(),
    /** The version before, whose file stays: a lookup that has begun may still open it. */
    previous: z.string().optional(),
  }),
});

/**
 * The embedded store: an LMDB file per version in the datamart, which is read where it lies in a folder, and from the
 * cache of this machine where it lies in S3.
 */
export class LmdbStore implements OnlineStore {
  readonly address: string;
  private opened: { version: string; database: RootDatabase<string, string> } | undefined;

  /** @param scratch a folder for a file on its way */
  constructor(
    private readonly datamart: ObjectStore,
    private readonly scratch: string,
  ) {
    this.address = datamart.uri(FOLDER);
  }

  async current(): Promise<OnlineFeatures | undefined> {
    const found = await currentFile.read(this.datamart, CURRENT, () => undefined);
    // One whose file is lost is none: processing writes it anew.
    if (!found || !(await this.datamart.head(fileKey(found.version)))) return undefined;
    const { checksum: _, previous: __, ...features } = found;
    return features;
  }

  async write(features: OnlineFeatures, rows: AsyncIterable<OnlineRow[]>): Promise<void> {
    await mkdir(this.scratch, { recursive: true });
    const path = join(this.scratch, `${features.version}.mdb`);
    const database = open<string, string>({ path, noSubdir: true, encoding: 'string', noSync: true });
    try {
      for await (const batch of rows)
        database.transactionSync(() => {
          for (const [key, value] of batch) database.putSync(key, value);
        });
      await database.flushed;
    } finally {
      await database.close();
    }
    const { checksum } = await this.datamart.upload(path, fileKey(features.version));

    let old: string | undefined;
    await currentFile.update(
      this.datamart,
      CURRENT,
      (before) => {
        const changed = before && before.version !== features.version;
        old = changed ? before.previous : undefined;
        return { ...features, checksum, ...(changed && { previous: before.version }) };
      },
      () => undefined,
    );
    if (old !== undefined && old !== features.version) await this.datamart.delete(fileKey(old));
  }

  async lookup(version: string, keys: string[]): Promise<(string | undefined)[]> {
    const database = await this.database(version);
    return keys.map((key) => database.get(key));
  }

  async close(): Promise<void> {
    await this.opened?.database.close();
    this.opened = undefined;
  }

  private async database(version: string): Promise<RootDatabase<string, string>> {
    if (this.opened?.version === version) return this.opened.database;
    await this.close();
    const current = await currentFile.read(this.datamart, CURRENT, WRITE_AGAIN);
    const path = await localFileOr(
      this.datamart,
      { key: fileKey(version), checksum: current?.version === version ? current.checksum : undefined },
      ` is gone or damaged; delete ${this.datamart.uri(CURRENT)} and ${WRITE_AGAIN}.`,
    );
    const database = open<string, string>({
      path,
      noSubdir: true,
      encoding: 'string',
      readOnly: true,
      // A version never changes, so nobody has to be kept from writing; and the folder may be one that can only be read.
      noLock: true,
    } as Parameters<typeof open<string, string>>[0]);
    this.opened = { version, database };
    return database;
  }
}

function fileKey(version: string): string {
  return `${FOLDER}/${version}.mdb`;
}
