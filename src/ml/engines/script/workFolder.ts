import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { variables } from '../../../environment.js';
import { diskError } from '../../../platform/files/diskError.js';
import { isAlive } from '../../../platform/programs/command.js';

const BEGINNING = 'perdure-script-';

/** A folder of this process for what its scripts read and write; those of processes that were killed go first. */
export function makeWorkFolder(): string {
  const root = variables().PERDURE_SCRATCH ?? tmpdir();
  try {
    mkdirSync(root, { recursive: true });
    for (const name of readdirSync(root)) {
      const owner = new RegExp(`^${BEGINNING}(\\d+)-`).exec(name)?.[1];
      if (owner !== undefined && !isAlive(Number(owner))) rmSync(join(root, name), { recursive: true, force: true });
    }
    const folder = mkdtempSync(join(root, `${BEGINNING}${process.pid}-`));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    return folder;
  } catch (error) {
    throw diskError(error, root);
  }
}
