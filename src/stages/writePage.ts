import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { WrittenPage } from '../contracts/index.js';
import { messageOf } from '../errors.js';
import type { Stores } from '../platform/storage/objectStore.js';
import type { StageContext } from './context.js';

/**
 * Stores a page that people look at. What it is made of is stored already, so a failure to make it is told and costs the
 * run nothing else.
 *
 * @param key beside the reports of monitoring
 * @param make the page as HTML
 */
export async function writePage(
  { scratch, signal }: Pick<StageContext, 'scratch' | 'signal'>,
  { monitoring }: Pick<Stores, 'monitoring'>,
  key: string,
  make: () => Promise<string>,
): Promise<WrittenPage> {
  try {
    const file = join(scratch, basename(key));
    await writeFile(file, await make());
    await monitoring.upload(file, key);
    return { uri: monitoring.uri(key) };
  } catch (error) {
    signal.throwIfAborted();
    return { not_written: messageOf(error) };
  }
}
