import { constants, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { PerdureError, systemCode } from '../../errors.js';

/**
 * Opens a local file for reading, and never waits: what is no regular file is refused, as a named pipe would have its
 * reader wait for ever.
 *
 * @throws PerdureError `InputInvalid` for a folder, a named pipe, a socket or a device; the raw system error otherwise
 */
export async function openRegularFile(path: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    // What can't be opened but is there: a socket.
    throw systemCode(error) === 'ENXIO' ? notAFile(path, 'a socket or a device') : error;
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw notAFile(path, kindOf(stats));
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The bytes of a regular file. Throws as {@link openRegularFile} does. */
export async function readRegularFile(path: string): Promise<Buffer> {
  const handle = await openRegularFile(path);
  try {
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a named pipe';
  return stats.isSocket() ? 'a socket' : 'a device';
}

function notAFile(path: string, kind: string): PerdureError {
  return new PerdureError(
    'InputInvalid',
    `${path} is ${kind}, where a regular file is expected; give a file, or write what is read from there into one.`,
  );
}
