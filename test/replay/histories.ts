import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageFolder } from '../../src/config/load.js';

const FOLDER = join(packageFolder(), 'test', 'replay', 'histories');

export function historyFile(branch: string): string {
  return join(FOLDER, `${branch}.json`);
}

/** A branch's history, as Temporal's tools write it. */
export async function readHistory(branch: string): Promise<unknown> {
  return JSON.parse(await readFile(historyFile(branch), 'utf8'));
}
