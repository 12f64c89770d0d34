import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { diskError } from '../../../platform/files/diskError.js';
import type { ArchivedFile } from './archive.js';

/** What Python leaves beside its sources is no part of them. */
const LEFT_OVER = /(^|\/)__pycache__(\/|$)|\.pyc$/;

/** Every file below a folder, in the order of their paths; what Python leaves behind is left out. */
export async function filesBelow(folder: string): Promise<ArchivedFile[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .filter((path) => !LEFT_OVER.test(path))
      .sort();
    return await Promise.all(paths.map(async (path) => ({ path, bytes: await readFile(join(folder, path)) })));
  } catch (error) {
    throw diskError(error, folder);
  }
}

/** Writes files below a folder, which is made; programs by their first line can be run. */
export async function writeBelow(folder: string, files: readonly ArchivedFile[]): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    for (const { path, bytes } of files) {
      const target = join(folder, path);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, bytes);
      if (bytes[0] === 0x23 && bytes[1] === 0x21) await chmod(target, 0o755);
    }
  } catch (error) {
    throw diskError(error, folder);
  }
}
