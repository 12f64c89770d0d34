import { existsSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { variables } from '../../../environment.js';
import { PerdureError, messageOf } from '../../../errors.js';
import { onPath } from '../../../platform/programs/command.js';
import {
  foundEnvironment,
  importedPackages,
  pinnedPackages,
  pythonEnvironment,
  pythonVersion,
  type PythonEnvironment,
} from '../../../platform/programs/pythonEnvironment.js';
import type { Script } from '../../estimators/estimator.js';
import { sha256Of } from '../digest.js';
import type { ArchivedFile } from './archive.js';
import { filesBelow } from './files.js';

/** Python packages that a script needs, each with its version and hashes, in its folder. */
export const REQUIREMENTS = 'requirements.txt';

/** Variables of the worker that a script gets: none that may hold a secret. */
const PASSED =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_.*|TZ|TMPDIR|TEMP|TMP|LD_LIBRARY_PATH|DYLD_.*|CUDA_.*|NVIDIA_.*|ROCR_.*|HIP_.*|SYSTEMROOT|JAVA_HOME|R_HOME)$/i;

/** A program by its path, and the environment that it runs in. */
export interface Runnable {
  program: string;
  args: string[];
  env: Record<string, string>;
}

/**
 * Digest of a script's files and the versions of its packages: what decides, beside data and parameters, which model it
 * makes. Nothing is installed for it.
 *
 * @throws PerdureError `ConfigInvalid` where its folder is not there
 */
export async function scriptVersion(script: Script): Promise<string> {
  return versionOf(script, await sourcesOf(script));
}

/** As {@link scriptVersion}, of files that were read. */
export async function versionOf(script: Script, files: ArchivedFile[]): Promise<string> {
  const { name, command } = script;
  const digest = sha256Of(JSON.stringify([command, files.map(({ path, bytes }) => [path, sha256Of(bytes)])]));
  const packages = await packagesOf(script, files);
  return [`script ${name} ${digest.slice(0, 16)}`, ...packages].join(', ');
}

/** Those that are pinned; else, of a Python program, those that it imports. */
async function packagesOf({ name, command: [first], folder }: Script, files: ArchivedFile[]): Promise<string[]> {
  const requirements = files.find(({ path }) => path === REQUIREMENTS);
  if (requirements)
    return [
      `Python ${(await pythonVersion()) ?? 'absent'}`,
      ...pinnedPackages(Buffer.from(requirements.bytes).toString()),
    ];
  // One among its own files is in their digest.
  if (!/^(\/.*\/)?python[\d.]*$/.test(first!)) return [];
  const python = isAbsolute(first!) ? first : await found(first!, passedVariables());
  if (python === undefined) return ['Python absent'];
  return importedPackages(python, folder).catch((error: unknown) => {
    throw new PerdureError(
      'EngineMissing',
      `Which packages the script ${name} has can't be told (${messageOf(error)}); see that its "command" begins with Python.`,
      { cause: error },
    );
  });
}

/** The files of a script. Throws `ConfigInvalid` where there are none. */
export async function sourcesOf({ folder }: Pick<Script, 'folder'>): Promise<ArchivedFile[]> {
  const files = existsSync(folder) ? await filesBelow(folder) : [];
  if (files.length > 0) return files;
  throw new PerdureError(
    'ConfigInvalid',
    `There are no files of a script in ${folder}; restore them, or correct "script.folder" in the model config.`,
  );
}

/**
 * What runs a script. Where its folder has a `requirements.txt` its packages are put into an environment of their own, once
 * for all scripts that need the same; where a command does that, they have to be there.
 *
 * @param folder the script's
 * @throws PerdureError `EngineMissing` where its program, Python or a package can't be had; `ConfigInvalid` where the program is
 * said to be among its files, and isn't
 */
export async function runnable(
  script: Pick<Script, 'name' | 'command' | 'setUpBy'>,
  folder: string,
  tell: (line: string) => void,
): Promise<Runnable> {
  const { name, command } = script;
  const env: Record<string, string> = {
    ...passedVariables(),
    OMP_NUM_THREADS: '1',
    OPENBLAS_NUM_THREADS: '1',
    MKL_NUM_THREADS: '1',
    OMP_WAIT_POLICY: 'passive',
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONUNBUFFERED: '1',
    PYTHONNOUSERSITE: '1',
    PYTHONHASHSEED: '0',
    PYTHONIOENCODING: 'utf-8',
  };
  const requirements = join(folder, REQUIREMENTS);
  if (existsSync(requirements)) {
    const { bin, root } = await environmentFor(script, requirements, tell);
    env.PATH = `${bin}:${env.PATH ?? ''}`;
    env.VIRTUAL_ENV = root;
  }
  const [first, ...args] = command as [string, ...string[]];
  const program = first.includes('/') ? await ownProgram(name, folder, first) : await found(first, env);
  if (program === undefined)
    throw new PerdureError(
      'EngineMissing',
      `There is no ${first} on PATH, which the script ${name} runs with; install it, or correct "command".`,
    );
  return { program, args, env };
}

/** @throws PerdureError `EngineMissing` */
async function environmentFor(
  { name, setUpBy }: Pick<Script, 'name' | 'setUpBy'>,
  requirements: string,
  tell: (line: string) => void,
): Promise<PythonEnvironment> {
  if (setUpBy !== undefined) {
    const environment = await foundEnvironment(requirements);
    if (environment) return environment;
    const [lacks, first] =
      (await pythonVersion()) === undefined
        ? ['are not installed, and there is no python3 on PATH', 'install Python 3 with pip, and ']
        : ['are not installed', ''];
    throw new PerdureError(
      'EngineMissing',
      `The packages of the script ${name} ${lacks}; ${first}run \`${setUpBy}\` where it trains to have it.`,
    );
  }
  try {
    return await pythonEnvironment(requirements, tell);
  } catch (error) {
    throw new PerdureError(
      'EngineMissing',
      `The packages of the script ${name} can't be had (${messageOf(error)}); see that python3 has pip and reaches its package index, or correct ${REQUIREMENTS}.`,
      { cause: error },
    );
  }
}

/** A program by its path, of a script's own files or not. What travels with a configuration loses that it may be run. */
async function ownProgram(name: string, folder: string, path: string): Promise<string> {
  if (isAbsolute(path)) return path;
  const own = join(folder, path);
  if (!existsSync(own))
    throw new PerdureError(
      'ConfigInvalid',
      `There is no ${path} among the files of the script ${name}; put it there, or correct "command".`,
    );
  await chmod(own, 0o755);
  return own;
}

/** `python` may be called `python3` alone. */
async function found(name: string, env: Record<string, string>): Promise<string | undefined> {
  if (name === 'node') return process.execPath;
  return (await onPath(name, env)) ?? (name === 'python' ? onPath('python3', env) : undefined);
}

function passedVariables(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables()).flatMap(([name, value]) =>
      PASSED.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
}
