import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../platform/files/cacheFolder.js';
import { isAlive } from '../../platform/programs/command.js';

/** How long what a training left is kept that never went on. */
const KEPT_MS = 7 * 24 * 3_600_000;

/** A folder in which a training keeps what another attempt at the very same training goes on with. */
export interface CheckpointFolder {
  path: string;
  /** The training needs it no more. */
  remove(): void;
}

/**
 * The folder of a training on this machine, as the attempt before left it. `undefined` where another process has it at work, or the
 * cache can't be written: a training is as good without, only another attempt begins anew.
 *
 * @param key says the training, all that it depends on included: letters and digits
 */
export function checkpointFolder(key: string): CheckpointFolder | undefined {
  const root = join(cacheFolder(), 'training-checkpoints');
  const [path, owner] = [join(root, key), join(root, `${key}.owner`)];
  try {
    mkdirSync(root, { recursive: true });
    removeOld(root);
    if (isOthers(owner)) return undefined;
    writeFileSync(owner, String(process.pid));
    mkdirSync(path, { recursive: true });
    return {
      path,
      remove() {
        rmSync(path, { recursive: true, force: true });
        rmSync(owner, { force: true });
      },
    };
  } catch {
    return undefined;
  }
}

function isOthers(owner: string): boolean {
  if (!existsSync(owner)) return false;
  const pid = Number(readFileSync(owner, 'utf8'));
  return pid !== process.pid && isAlive(pid);
}

function removeOld(root: string): void {
  for (const name of readdirSync(root)) {
    const path = join(root, name);
    if (statSync(path).mtimeMs < Date.now() - KEPT_MS) rmSync(path, { recursive: true, force: true });
  }
}
