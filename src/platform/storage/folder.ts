import { mkdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { systemCode } from '../../errors.js';

/** Makes a folder and those above it where they aren't there. Throws the raw system error. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    // Node's asynchronous call says so on a full disk as well; the synchronous one tells the truth.
    mkdirSync(path, { recursive: true });
  }
}
