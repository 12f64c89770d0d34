import { z } from 'zod';
import { sha256 } from '../storage/checksum.js';
import { document } from '../storage/documents.js';
import type { ObjectStore } from '../storage/objectStore.js';
import type { TaskInput } from './taskDocuments.js';

/** A checkpoint as it lies beside a task's input. */
const taskCheckpoint = document({
  name: 'checkpoint of a task',
  schema: z.strictObject({
    /** SHA-256 of the input that it belongs to. */
    of: z.string(),
    /** The stage alone knows what it is. */
    checkpoint: z.unknown(),
  }),
});

/**
 * The checkpoint of a task's stage, beside its input in the store: a launch that follows one that was cut short goes on
 * there. One write at a time; what is saved meanwhile replaces what waits.
 */
export class TaskCheckpoint {
  private waiting: unknown;
  private writing: Promise<void> | undefined;

  private constructor(
    private readonly store: ObjectStore,
    private readonly key: string,
    private readonly of: string,
    private readonly warn: (error: unknown) => void,
    /** What an earlier launch saved last. */
    readonly checkpoint: unknown,
  ) {}

  /** @param warn hears of what could not be saved; the stage goes on */
  static async open(
    store: ObjectStore,
    inputKey: string,
    input: TaskInput,
    warn: (error: unknown) => void,
  ): Promise<TaskCheckpoint> {
    const key = checkpointKeyOf(inputKey);
    const of = sha256(JSON.stringify(input));
    // A checkpoint only saves time: where it is damaged, it is done again.
    const found = await taskCheckpoint.read(store, key, () => undefined);
    return new TaskCheckpoint(store, key, of, warn, found?.of === of ? found.checkpoint : undefined);
  }

  saveCheckpoint(checkpoint: unknown): void {
    this.waiting = checkpoint;
    this.writing ??= this.writeAll().finally(() => (this.writing = undefined));
  }

  /** Returns once everything is written. */
  async settle(): Promise<void> {
    await this.writing;
  }

  private async writeAll(): Promise<void> {
    while (this.waiting !== undefined) {
      const value = { of: this.of, checkpoint: this.waiting };
      this.waiting = undefined;
      await taskCheckpoint.write(this.store, this.key, value).catch(this.warn);
    }
  }
}

/** `input.json` to `input.checkpoint.json` */
export function checkpointKeyOf(inputKey: string): string {
  return inputKey.replace(/(\.json)?$/, '.checkpoint.json');
}
