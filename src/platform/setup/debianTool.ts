import { onPath, runCommand } from '../programs/command.js';
import { findNamed } from './named.js';
import type { FoundTool, Tool } from './tool.js';
import { firstThatWorks } from './ways.js';

const TIMEOUT_MS = 10 * 60_000;

/**
 * A program of the operating system, which Debian and its descendants have as a package. Others may have it by other
 * names, or not at all, so it is optional.
 */
export function debianTool({
  name,
  purpose,
  packages,
  variable,
}: {
  /** The program. */
  name: string;
  purpose: string;
  /** Debian packages that bring it. */
  packages: string[];
  /** The environment variable that may name its path. */
  variable: string;
}): Tool {
  const command = `apt-get install ${packages.join(' ')}`;
  return {
    name,
    purpose,
    testsOnly: true,
    optional: true,
    remedy: `install it (on Debian and Ubuntu by "${command}" as root), or name its path in ${variable}`,

    async find(): Promise<FoundTool | undefined> {
      const named = await findNamed(variable);
      if (named) return named;
      const path = await onPath(name);
      if (!path) return undefined;
      const { stdout } = await runCommand(path, ['--version'], { timeout: 30_000 });
      return { path, version: /\d+(\.\d+)+/.exec(stdout)?.[0] ?? 'of unknown version' };
    },

    async install(tell) {
      await firstThatWorks(
        name,
        [{ doing: `by "${command}"`, takes: 'a minute', attempt: () => install(packages) }],
        tell,
      );
    },
  };
}

async function install(packages: string[]): Promise<void> {
  const apt = await onPath('apt-get');
  if (!apt) throw new Error('there is no apt-get on PATH');
  if (process.getuid?.() !== 0) throw new Error('only root may install packages');
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeout: TIMEOUT_MS };
  // Lists that can't be brought up to date may still do.
  await runCommand(apt, ['update', '-qq'], options);
  const done = await runCommand(apt, ['install', '-qq', '-y', '--no-install-recommends', ...packages], options);
  if (!done.ok) throw new Error(done.complaint);
}
