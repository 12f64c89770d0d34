import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import type { temporal } from '@temporalio/proto';
import { packageFolder } from '../../src/package.js';

const FOLDER = join(packageFolder(), 'test', 'replay', 'histories');

export function historyFile(branch: string): string {
  return join(FOLDER, `${branch}.json`);
}

export async function readHistory(branch: string): Promise<temporal.api.history.v1.IHistory> {
  return historyFromJSON(JSON.parse(await readFile(historyFile(branch), 'utf8')));
}
