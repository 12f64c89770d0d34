import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { openRegularFile } from './regularFile.js';

/** SHA-256 in hex, as all checksums are. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A file's checksum. Throws `InputInvalid` for what is no regular file, the raw system error otherwise. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await openRegularFile(path);
  await pipeline(file.createReadStream({ highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** Checksums by path, each with the state in which the file was hashed. */
const hashed = new Map<string, { state: string; checksum: string }>();

/** A local file's checksum, computed once a process for as long as nobody touches the file. */
export async function checksumOfFile(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true });
  const state = `${ino} ${size} ${mtimeNs}`;
  const known = hashed.get(path);
  if (known?.state === state) return known.checksum;
  const checksum = await sha256File(path);
  hashed.set(path, { state, checksum });
  return checksum;
}
