import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageFolder } from '../../package.js';
import { cacheFolder } from '../files/cacheFolder.js';
import { onPath, runCommand } from './command.js';
import { findNamed } from './named.js';
import type { FoundTool, Tool } from './tool.js';

const VERSION = '1.58.0';

const PIP_TIMEOUT_MS = 10 * 60_000;
const START_TIMEOUT_MS = 60_000;

/** Checks CloudFormation templates, by schemas that it brings along: it asks no network. */
export const cfnLint: Tool = {
  name: 'cfn-lint',
  purpose: 'the tests of deploy/',
  testsOnly: true,
  remedy:
    'see that python3 is 3.10 or newer, has pip and reaches its package index, or name the path of a cfn-lint in PERDURE_CFN_LINT_PATH',

  async find(): Promise<FoundTool | undefined> {
    const named = await findNamed('PERDURE_CFN_LINT_PATH');
    if (named) return named;
    const path = join(cachedFolder(), 'cfn-lint');
    if (!existsSync(path)) return undefined;
    // Its compiled parts are for one Python: where another has taken that one's place, it is fetched anew.
    const { ok } = await runCommand(path, ['--version'], { timeout: START_TIMEOUT_MS });
    return ok ? { path, version: VERSION } : undefined;
  },

  async install(tell) {
    const python = (await onPath('python3')) ?? (await onPath('python'));
    if (!python) throw new Error('there is no python3 on PATH');
    tell(`${this.name}: fetching cfn-lint==${VERSION} with pip`);

    const target = cachedFolder();
    const staged = `${target}.${randomUUID()}`;
    try {
      const packages = join(staged, 'packages');
      await mkdir(packages, { recursive: true });
      const requirements = join(packageFolder(), 'setup', 'cfn-lint.requirements.txt');
      const pip = await runCommand(
        python,
        [
          '-m',
          'pip',
          'install',
          '--quiet',
          '--disable-pip-version-check',
          '--only-binary=:all:',
          '--require-hashes',
          '--target',
          packages,
          '-r',
          requirements,
        ],
        // A user's own `user = true` can't be combined with a target.
        { timeout: PIP_TIMEOUT_MS, env: { PIP_USER: '0' } },
      );
      if (!pip.ok) throw new Error(`pip said "${pip.complaint}"`);
      const launcher = join(staged, 'cfn-lint');
      await writeFile(
        launcher,
        `#!/bin/sh\nfolder="$(dirname "$0")/packages"\nPYTHONPATH="$folder" exec "${python}" "$folder/bin/cfn-lint" "$@"\n`,
      );
      await chmod(launcher, 0o755);
      await rm(target, { recursive: true, force: true });
      await rename(staged, target);
    } finally {
      await rm(staged, { recursive: true, force: true });
    }
  },
};

function cachedFolder(): string {
  return join(cacheFolder(), `cfn-lint-${VERSION}`);
}
