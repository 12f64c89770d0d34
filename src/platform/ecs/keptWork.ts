import { sha256 } from '../storage/checksum.js';
import { readJson, writeJson } from '../storage/documents.js';
import type { ObjectStore } from '../storage/objectStore.js';
import type { TaskInput } from './taskDocuments.js';

/** What lies beside a task's input: how far its work had come. */
interface KeptDocument {
  /** SHA-256 of the input that it belongs to. */
  of: string;
  cursor: unknown;
}

/**
 * What a stage keeps of its work, beside its input in the store: a launch that follows one that was cut short goes on
 * there. One write at a time; what is kept meanwhile takes the place of what waits.
 */
export class KeptWork {
  private waiting: unknown;
  private writing: Promise<void> | undefined;

  private constructor(
    private readonly store: ObjectStore,
    private readonly key: string,
    private readonly of: string,
    private readonly warn: (error: unknown) => void,
    /** What an earlier launch kept last. */
    readonly cursor: unknown,
  ) {}

  /** @param warn hears of what could not be kept; the stage goes on */
  static async open(
    store: ObjectStore,
    inputKey: string,
    input: TaskInput,
    warn: (error: unknown) => void,
  ): Promise<KeptWork> {
    const key = keptKeyOf(inputKey);
    const of = sha256(JSON.stringify(input));
    // Work that is kept saves time alone: where it is damaged, it is done again.
    const found = await readJson<KeptDocument>(store, key, () => undefined);
    return new KeptWork(store, key, of, warn, found?.of === of ? found.cursor : undefined);
  }

  keep(cursor: unknown): void {
    this.waiting = cursor;
    this.writing ??= this.writeAll().finally(() => (this.writing = undefined));
  }

  /** Returns once everything is written. */
  async settle(): Promise<void> {
    await this.writing;
  }

  private async writeAll(): Promise<void> {
    while (this.waiting !== undefined) {
      const document: KeptDocument = { of: this.of, cursor: this.waiting };
      this.waiting = undefined;
      await writeJson(this.store, this.key, document).catch(this.warn);
    }
  }
}

/** `input.json` to `input.kept.json` */
export function keptKeyOf(inputKey: string): string {
  return inputKey.replace(/(\.json)?$/, '.kept.json');
}
