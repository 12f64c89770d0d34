import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import lockfile from 'proper-lockfile';
import { cacheFolder } from '../files/cacheFolder.js';
import { runCommand } from './command.js';
import { findPython, unpackWheels } from './pip.js';

const PIP_TIMEOUT_MS = 30 * 60_000;
const START_TIMEOUT_MS = 60_000;
/** A process that makes an environment says every few seconds that it still does. */
const STALE_MS = 30_000;

export interface PythonEnvironment {
  /** The folder of the environment. */
  root: string;
  /** The folder with its `python`. */
  bin: string;
  /** The version of that. */
  version: string;
}

/** `name version` of each package that a requirements file pins, in its order; the name alone of one with an address. */
export function pinnedPackages(requirements: string): string[] {
  const lines = requirements.matchAll(/^\s*([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(?:==\s*([^\s;\\]+)|@)/gm);
  return [...lines].map(([, name, version]) => (version === undefined ? name! : `${name} ${version}`));
}

/** The version of the Python on PATH; `undefined` where there is none. */
export async function pythonVersion(): Promise<string | undefined> {
  const python = await findPython().catch(() => undefined);
  if (python === undefined) return undefined;
  const { ok, stdout } = await runCommand(python, ['--version'], { timeout: START_TIMEOUT_MS });
  return ok ? /[\d.]+/.exec(stdout)?.[0] : undefined;
}

/** Prints the version of Python, and those of the packages that the files below a folder import, a line each. */
const LIST_IMPORTED = `
import ast, importlib.metadata, pathlib, sys
modules = set()
for path in pathlib.Path(sys.argv[1]).rglob("*.py"):
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        continue  # What can't be read can't be run: the script itself says so.
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules.add(node.module.split(".")[0])
owners = getattr(importlib.metadata, "packages_distributions", dict)()  # From 3.10 on.
names = {name for module in modules for name in owners.get(module, [])}
print("Python", sys.version.split()[0])
for name in sorted(names, key=str.lower):
    print(name, importlib.metadata.version(name))
`;

/**
 * `name version` of Python and of each installed package that the Python files below a folder import, as a script needs
 * them that pins none. Those that are not installed are not listed.
 *
 * @throws Error with what Python said
 */
export async function importedPackages(python: string, folder: string): Promise<string[]> {
  // Isolated, as a script sees no packages of the person either.
  const { ok, stdout, complaint } = await runCommand(python, ['-I', '-c', LIST_IMPORTED, folder], {
    timeout: START_TIMEOUT_MS,
  });
  if (!ok) throw new Error(`${python} said "${complaint}"`);
  return stdout.trim().split('\n');
}

/** The environment of a requirements file, where it was made. */
export async function foundEnvironment(requirements: string): Promise<PythonEnvironment | undefined> {
  const version = await pythonVersion();
  if (version === undefined) return undefined;
  const environment = await environmentOf(requirements, version);
  return existsSync(environment.root) ? environment : undefined;
}

/** Where it lies, made or not. */
async function environmentOf(requirements: string, version: string): Promise<PythonEnvironment> {
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 16);
  const root = join(cacheFolder(), 'python', `${digest}-${version}`);
  return { root, bin: join(root, 'bin'), version };
}

/**
 * A virtual environment of the Python on PATH with the packages of a requirements file, each with its hashes. It lies in the
 * cache under the digest of the file and the version of Python, and is made once.
 *
 * @throws Error with what Python or pip said
 */
export async function pythonEnvironment(
  requirements: string,
  tell: (line: string) => void,
): Promise<PythonEnvironment> {
  const python = await findPython();
  const environment = await environmentOf(requirements, (await pythonVersion()) ?? 'unknown');
  const { root } = environment;
  if (existsSync(root)) return environment;

  await mkdir(dirname(root), { recursive: true });
  const release = await lockfile.lock(root, {
    realpath: false,
    stale: STALE_MS,
    retries: { forever: true, minTimeout: 500, maxTimeout: 500 },
  });
  try {
    if (existsSync(root)) return environment;
    tell(
      `fetching its Python packages with pip, which is done once: ${pinnedPackages(await readFile(requirements, 'utf8')).join(', ')}`,
    );
    const staged = `${root}.${randomUUID()}`;
    try {
      await makeEnvironment(python, staged, requirements);
      await rename(staged, root);
    } finally {
      await rm(staged, { recursive: true, force: true });
    }
  } finally {
    await release();
  }
  return environment;
}

async function makeEnvironment(python: string, root: string, requirements: string): Promise<void> {
  const made = await runCommand(python, ['-m', 'venv', '--without-pip', root], { timeout: START_TIMEOUT_MS });
  if (!made.ok) throw new Error(`${python} -m venv said "${made.complaint}"`);
  const own = join(root, 'bin', 'python');
  const asked = await runCommand(own, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'], {
    timeout: START_TIMEOUT_MS,
  });
  if (!asked.ok) throw new Error(`${own} said "${asked.complaint}"`);
  // The environment needs no pip of its own: the one of the Python that it is made of fills it.
  await unpackWheels(python, asked.stdout.trim(), requirements, { timeout: PIP_TIMEOUT_MS });
}
