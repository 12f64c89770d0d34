import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import koffi from 'koffi';
import { PerdureError, messageOf } from '../../errors.js';
import { XGBOOST_VERSION, xgboostLibrary } from '../../ml/engines/library.js';
import { variables } from '../../environment.js';
import { cacheFolder } from './cache.js';
import { onPath, runCommand } from './command.js';
import type { FoundTool, Tool } from './tool.js';

/** `xgboost-cpu` leaves out the CUDA code (5.6 MB, not 130); macOS has no such wheel, and none of that code either. */
const WHEELS = {
  cpu: {
    requirement: `xgboost-cpu==${XGBOOST_VERSION}`,
    hashes: [
      '9c10b1653e1a689bf4094a328144cf3633c9be0e5217a76fbdc2fde6abcb2950', // Linux x86-64
      '896b9e2bc52ec0921edf92ddd1cebedf47032e94992b7aca0293524d380ce6e9', // Linux ARM64
      'bfe72e42f73d2c6870a1a8b75324d56ae86ddad9abd4dccefeb36f2c3196dd48', // Windows x86-64
    ],
  },
  macos: {
    requirement: `xgboost==${XGBOOST_VERSION}`,
    hashes: [
      'eabbd40d474b8dbf6cb3536325f9150b9e6f0db32d18de9914fb3227d0bef5b7', // ARM64
      '2f661966d3e322536d9c448090a870fcba1e32ee5760c10b7c46bac7a342079a', // x86-64
    ],
  },
};

const PIP_TIMEOUT_MS = 10 * 60_000;

export const xgboost: Tool = {
  name: 'libxgboost',
  purpose: 'training and prediction',
  testsOnly: false,
  remedy: 'see that python3 has pip and reaches its package index, then run "perdure setup" again',

  async find(): Promise<FoundTool | undefined> {
    try {
      const path = xgboostLibrary();
      return { path, version: loadedVersion(path) };
    } catch (error) {
      if (error instanceof PerdureError && error.type === 'EngineMissing' && !isNamed()) return undefined;
      throw error;
    }
  },

  async install(tell) {
    const python = (await onPath('python3')) ?? (await onPath('python'));
    if (!python) throw new Error('there is no python3 on PATH');
    const { requirement, hashes } = process.platform === 'darwin' ? WHEELS.macos : WHEELS.cpu;
    tell(`${this.name}: fetching ${requirement} with pip`);

    const target = installedFolder();
    const staged = `${target}.${randomUUID()}`;
    try {
      await mkdir(staged, { recursive: true });
      const requirements = join(staged, 'requirements.txt');
      await writeFile(requirements, [requirement, ...hashes.map((hash) => `--hash=sha256:${hash}`)].join(' '));
      // No Python will run the wheel: its unpacked files are all that is wanted, whatever Python they are meant for.
      const options = ['--no-deps', '--no-compile', '--ignore-requires-python', '--only-binary=:all:', '--require-hashes'];
      const pip = await runCommand(
        python,
        ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...options, '--target', staged, '-r', requirements],
        // A user's own `user = true` can't be combined with a target.
        { timeout: PIP_TIMEOUT_MS, env: { PIP_USER: '0' } },
      );
      if (!pip.ok) throw new Error(`pip said "${pip.complaint}"`);
      await putInPlace(staged, target);
    } finally {
      await rm(staged, { recursive: true, force: true });
    }
  },
};

/** Renames a finished folder to its name. Where another set-up came first its folder stays, being the same. */
async function putInPlace(staged: string, target: string): Promise<void> {
  try {
    await rename(staged, target);
  } catch {
    if (await xgboost.find()) return;
    await rm(target, { recursive: true, force: true });
    await rename(staged, target);
  }
}

/** Where set-up puts the library, and nobody else anything. */
function installedFolder(): string {
  return join(cacheFolder(), 'engines', `xgboost-${XGBOOST_VERSION}`);
}

/** Whether the library is a person's own. */
function isNamed(): boolean {
  return Boolean(variables().PERDURE_XGBOOST_LIB);
}

/** Loads the library, which also proves that all it depends on is there. */
function loadedVersion(path: string): string {
  try {
    const library = koffi.load(path);
    const version = [[0], [0], [0]];
    library.func('void XGBoostVersion(_Out_ int *major, _Out_ int *minor, _Out_ int *patch)')(...version);
    return version.flat().join('.');
  } catch (error) {
    const why = messageOf(error);
    if (isNamed()) throw new PerdureError('SetupFailed', `PERDURE_XGBOOST_LIB names ${path}, which can't be loaded as libxgboost (${why}); name another or unset it.`);
    const remedy = process.platform === 'darwin' ? 'install OpenMP ("brew install libomp")' : `delete ${installedFolder()}`;
    throw new PerdureError('SetupFailed', `${path} can't be loaded (${why}); ${remedy} and run "perdure setup" again.`);
  }
}
