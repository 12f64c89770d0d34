import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../src/platform/files/cacheFolder.js';
import { measure } from './processTree.js';

/** What the Python reference and the plain script need. */
const PACKAGES = ['pandas', 'pyarrow', 'scikit-learn==1.9.1', 'xgboost-cpu==3.2.0', 'lightgbm==4.7.0', 'optuna==5.0.0'];

/** Made when all of them are installed. */
const READY = `ready-${createHash('sha256').update(PACKAGES.join()).digest('hex').slice(0, 12)}`;

/** The interpreter of a virtual environment with the reference's libraries, made once in the cache. */
export async function referencePython(): Promise<string> {
  const folder = join(cacheFolder(), 'bench-python');
  const python = join(folder, 'bin', 'python');
  if (!existsSync(join(folder, READY))) {
    const cwd = process.cwd();
    await measure('python3', ['-m', 'venv', '--clear', folder], { cwd });
    await measure(python, ['-m', 'pip', 'install', '--quiet', ...PACKAGES], { cwd });
    await measure('touch', [join(folder, READY)], { cwd });
  }
  return python;
}
