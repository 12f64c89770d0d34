import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageFolder } from '../../package.js';
import { cacheFolder } from '../files/cacheFolder.js';
import { runCommand } from '../programs/command.js';
import { findNamed } from './named.js';
import { findPython, unpackWheels } from '../programs/pip.js';
import type { FoundTool, Tool } from './tool.js';

const PIP_TIMEOUT_MS = 15 * 60_000;
const START_TIMEOUT_MS = 60_000;

/** A program of Python packages, which pip puts into a folder of the cache beside a launcher; for tests alone. */
export function pythonTool({
  name,
  purpose,
  version,
  program,
  check,
  variable,
  optional,
  python: oldest,
}: {
  name: string;
  purpose: string;
  /** Of the package of the same name. `setup/<name>.requirements.txt` has it, and all that it needs, by their hashes. */
  version: string;
  /** What the launcher runs, below the folder of packages; Python itself with these packages where there is none. */
  program?: string;
  /** Arguments by which it says that it runs. */
  check: string[];
  /** The environment variable that may name the path of another. */
  variable: string;
  optional?: true;
  /** The oldest Python that the packages are for. */
  python: string;
}): Tool {
  const target = () => join(cacheFolder(), `${name}-${version}`);
  return {
    name,
    purpose,
    testsOnly: true,
    ...(optional && { optional }),
    remedy: `see that python3 is ${oldest} or newer, has pip and reaches its package index, or name the path of a ${name} in ${variable}`,

    async find(): Promise<FoundTool | undefined> {
      const named = await findNamed(variable);
      if (named) return named;
      const path = join(target(), name);
      if (!existsSync(path)) return undefined;
      // Compiled parts are for one Python: where another has taken that one's place, it is fetched anew.
      const { ok } = await runCommand(path, check, { timeout: START_TIMEOUT_MS });
      return ok ? { path, version } : undefined;
    },

    async install(tell) {
      const python = await findPython();
      tell(`${name}: fetching ${name}==${version} with pip`);

      const staged = `${target()}.${randomUUID()}`;
      try {
        const packages = join(staged, 'packages');
        await mkdir(packages, { recursive: true });
        const requirements = join(packageFolder(), 'setup', `${name}.requirements.txt`);
        await unpackWheels(python, packages, requirements, { timeout: PIP_TIMEOUT_MS });
        const launcher = join(staged, name);
        const runs = program === undefined ? '' : `"$folder/${program}" `;
        await writeFile(
          launcher,
          `#!/bin/sh\nfolder="$(dirname "$0")/packages"\nPYTHONPATH="$folder" exec "${python}" ${runs}"$@"\n`,
        );
        await chmod(launcher, 0o755);
        await rm(target(), { recursive: true, force: true });
        await rename(staged, target());
      } finally {
        await rm(staged, { recursive: true, force: true });
      }
    },
  };
}
