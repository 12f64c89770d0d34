import { stat } from 'node:fs/promises';
import { sha256File } from './folderStore.js';

/** What this process has hashed: SHA-256 by path, with the file's state at the time. */
const hashed = new Map<string, { state: string; checksum: string }>();

/** A local file's SHA-256, computed once a process for as long as the file isn't touched. */
export async function checksumOfFile(path: string): Promise<string> {
  const state = await stateOf(path);
  const known = hashed.get(path);
  if (known?.state === state) return known.checksum;
  const checksum = await sha256File(path);
  hashed.set(path, { state, checksum });
  return checksum;
}

async function stateOf(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true });
  return `${ino} ${size} ${mtimeNs}`;
}
