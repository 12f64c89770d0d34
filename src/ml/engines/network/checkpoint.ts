import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { CheckpointFolder } from '../checkpointFolder.js';
import { sha256Of } from '../digest.js';

/** Bytes of the digest before what it is of. */
const DIGEST = 64;

/** What a training is after an epoch, which another attempt goes on with; `undefined` where there is none that is whole. */
export function readCheckpoint<State>(folder: CheckpointFolder | undefined): State | undefined {
  const path = folder && fileIn(folder);
  if (path === undefined || !existsSync(path)) return undefined;
  const file = readFileSync(path);
  const bytes = file.subarray(DIGEST);
  return file.subarray(0, DIGEST).toString() === sha256Of(bytes) ? (deserialize(bytes) as State) : undefined;
}

/** Takes the place of the one before, as a whole. A disk that is full costs another attempt its start, and nothing else. */
export function writeCheckpoint(folder: CheckpointFolder | undefined, state: unknown): void {
  if (!folder) return;
  const bytes = serialize(state);
  const path = fileIn(folder);
  try {
    writeFileSync(`${path}.new`, Buffer.concat([Buffer.from(sha256Of(bytes)), bytes]));
    renameSync(`${path}.new`, path);
  } catch {
    return;
  }
}

function fileIn({ path }: CheckpointFolder): string {
  return join(path, 'epoch');
}
