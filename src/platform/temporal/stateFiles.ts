import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PerdureError, messageOf, systemCode } from '../../errors.js';
import { diskError } from '../files/diskError.js';
import { Damage, type Document } from '../storage/documents.js';

/** Called with one line for people. */
export type Tell = (line: string) => void;

/**
 * Has the state folder in place, with its folder of logs.
 * @throws PerdureError `SetupFailed` where it can't be made or written
 */
export async function requireStateFolder(stateFolder: string): Promise<void> {
  const probe = join(stateFolder, `.${randomUUID()}`);
  try {
    await mkdir(join(stateFolder, 'logs'), { recursive: true });
    await (await open(probe, 'wx')).close();
    await rm(probe);
  } catch (error) {
    throw new PerdureError(
      'SetupFailed',
      `The folder ${stateFolder} can't be used (${messageOf(error)}); move away what is in its place, or run in a folder that you may write.`,
      { cause: error },
    );
  }
}

/** Writes a small file whole or not at all: under another name first, which is then renamed. */
export async function writeState<T extends object>(path: string, kind: Document<T>, value: T): Promise<void> {
  const aside = `${path}.${randomUUID()}.new`;
  try {
    const file = await open(aside, 'w');
    try {
      await file.writeFile(stateText(kind, value));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true }).catch(() => undefined);
    throw diskError(error, path);
  }
}

/** What {@link writeState} writes. */
export function stateText<T extends object>(kind: Document<T>, value: T): string {
  return `${kind.textOf(value)}\n`;
}

/**
 * Reads what {@link writeState} wrote; `undefined` where it isn't there. A file that says something else is set aside,
 * which `tell` hears, and counts as not there.
 * @throws PerdureError `FormatNewer`
 */
export async function readState<T extends object>(path: string, kind: Document<T>, tell: Tell): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') await setAside([path], messageOf(error), tell);
    return undefined;
  }
  try {
    return kind.unpack(JSON.parse(text), path);
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof Damage)) throw error;
    await setAside(
      [path],
      error instanceof SyntaxError ? `it is no JSON: ${messageOf(error)}` : 'it lacks what belongs there',
      tell,
    );
    return undefined;
  }
}

/**
 * Renames files that can't be used, so that others can take their places and nothing is lost. Those that aren't there
 * are left out.
 *
 * @param why as the end of "can't be used, because"
 */
export async function setAside(paths: string[], why: string, tell: Tell): Promise<void> {
  const suffix = `.broken-${new Date().toISOString().replace(/[-:.]/g, '')}`;
  const present = paths.filter((path) => existsSync(path));
  const [first] = present;
  if (first === undefined) return;
  for (const path of present) {
    await rename(path, `${path}${suffix}`).catch((error: unknown) => {
      // Another command was faster.
      if (systemCode(error) !== 'ENOENT') throw diskError(error, path);
    });
  }
  tell(
    `${first} can't be used (${why.replace(/\.$/, '')}); it is kept as ${basename(first)}${suffix}, and a new one takes its place.`,
  );
}
