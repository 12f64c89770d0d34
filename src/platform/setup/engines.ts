import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import koffi from 'koffi';
import { variables } from '../../environment.js';
import { PerdureError, messageOf } from '../../errors.js';
import { LIBRARY_FILES, libraryFolder, libraryPath, type LibraryFile } from '../../ml/engines/library.js';
import { lightGbmVersion } from '../../ml/engines/lightgbm.js';
import { findPython, unpackWheels } from '../programs/pip.js';
import type { FoundTool, Tool } from './tool.js';

/** A wheel that holds a library: what pip is asked for, and the checksums of what it may bring. */
interface Wheel {
  requirement: string;
  hashes: string[];
}

/** What differs between the libraries. */
interface Source {
  library: LibraryFile;
  wheel: Wheel;
  /** Loads the library, which proves that all it depends on is there, and asks for its version. */
  load: (path: string) => string;
}

const { libxgboost, lib_lightgbm } = LIBRARY_FILES;

/** `xgboost-cpu` leaves out the CUDA code (5.6 MB, not 130); macOS has no such wheel, and none of that code either. */
const XGBOOST_WHEELS = {
  cpu: {
    requirement: `xgboost-cpu==${libxgboost.version}`,
    hashes: [
      '9c10b1653e1a689bf4094a328144cf3633c9be0e5217a76fbdc2fde6abcb2950', // Linux x86-64
      '896b9e2bc52ec0921edf92ddd1cebedf47032e94992b7aca0293524d380ce6e9', // Linux ARM64
      'bfe72e42f73d2c6870a1a8b75324d56ae86ddad9abd4dccefeb36f2c3196dd48', // Windows x86-64
    ],
  },
  macos: {
    requirement: `xgboost==${libxgboost.version}`,
    hashes: [
      'eabbd40d474b8dbf6cb3536325f9150b9e6f0db32d18de9914fb3227d0bef5b7', // ARM64
      '2f661966d3e322536d9c448090a870fcba1e32ee5760c10b7c46bac7a342079a', // x86-64
    ],
  },
};

const LIGHTGBM_WHEEL = {
  requirement: `lightgbm==${lib_lightgbm.version}`,
  hashes: [
    'd23e922acd891e77212e4d0fbcee9ba973c96dee479491341d05ba595357ebb7', // Linux x86-64
    'd4529acec5c6fefe4768302a529707d0ead90f6a6f42df694b856212e09695b8', // Linux ARM64
    'f42d1e5b32b6f170e606d7c689c6165671da98d7bf37f1addec2623efc8740c9', // Windows x86-64
    '129535462686f274df179133643118c5c5c5667167fe6c3a28d955f0b3c8e868', // macOS ARM64
    'dfc1cfe8e760387be1e7ba7a214688be21fdff96e4ed9749188f83e1877c2477', // macOS x86-64
  ],
};

const PIP_TIMEOUT_MS = 10 * 60_000;

export const xgboost: Tool = libraryTool({
  library: libxgboost,
  wheel: process.platform === 'darwin' ? XGBOOST_WHEELS.macos : XGBOOST_WHEELS.cpu,
  load(path) {
    const version = [[0], [0], [0]];
    koffi.load(path).func('void XGBoostVersion(_Out_ int *major, _Out_ int *minor, _Out_ int *patch)')(...version);
    return version.flat().join('.');
  },
});

export const lightgbm: Tool = libraryTool({
  library: lib_lightgbm,
  wheel: LIGHTGBM_WHEEL,
  load(path) {
    koffi.load(path).func('const char *LGBM_GetLastError()')();
    return lightGbmVersion(path);
  },
});

function libraryTool({ library, wheel, load }: Source): Tool {
  const isNamed = () => Boolean(variables()[library.variable]);

  async function find(): Promise<FoundTool | undefined> {
    try {
      const path = libraryPath(library.name);
      return { path, version: loadedVersion(path) };
    } catch (error) {
      if (error instanceof PerdureError && error.type === 'EngineMissing' && !isNamed()) return undefined;
      throw error;
    }
  }

  function loadedVersion(path: string): string {
    try {
      return load(path);
    } catch (error) {
      const why = messageOf(error);
      if (isNamed())
        throw new PerdureError(
          'SetupFailed',
          `${library.variable} names ${path}, which can't be loaded as ${library.name} (${why}); name another or unset it.`,
        );
      const remedy =
        process.platform === 'darwin' ? 'install OpenMP ("brew install libomp")' : `delete ${libraryFolder(library)}`;
      throw new PerdureError(
        'SetupFailed',
        `${path} can't be loaded (${why}); ${remedy} and run "perdure setup" again.`,
      );
    }
  }

  /** Renames a finished folder to its name. Where another set-up came first its folder stays, being the same. */
  async function putInPlace(staged: string, target: string): Promise<void> {
    try {
      await rename(staged, target);
    } catch {
      if (await find()) return;
      await rm(target, { recursive: true, force: true });
      await rename(staged, target);
    }
  }

  return {
    name: library.name,
    purpose: 'training and prediction',
    testsOnly: false,
    remedy: 'see that python3 has pip and reaches its package index, then run "perdure setup" again',
    find,
    async install(tell) {
      const python = await findPython();
      tell(`${library.name}: fetching ${wheel.requirement} with pip`);

      const target = libraryFolder(library);
      const staged = `${target}.${randomUUID()}`;
      try {
        await unpack(python, wheel, staged);
        await putInPlace(staged, target);
      } finally {
        await rm(staged, { recursive: true, force: true });
      }
    },
  };
}

/** Has pip unpack a wheel into a folder. */
async function unpack(python: string, { requirement, hashes }: Wheel, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const requirements = join(folder, 'requirements.txt');
  await writeFile(requirements, [requirement, ...hashes.map((hash) => `--hash=sha256:${hash}`)].join(' '));
  // No Python will run the wheel: its unpacked files are all that is wanted, whatever Python they are meant for.
  await unpackWheels(python, folder, requirements, { timeout: PIP_TIMEOUT_MS, options: ['--ignore-requires-python'] });
}
