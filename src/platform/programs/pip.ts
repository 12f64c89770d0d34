import { onPath, runCommand } from './command.js';

/** @throws Error where there is none */
export async function findPython(): Promise<string> {
  const python = (await onPath('python3')) ?? (await onPath('python'));
  if (!python) throw new Error('there is no python3 on PATH');
  return python;
}

/**
 * Has pip unpack wheels into a folder: those of a file of requirements, which has all of them with their hashes.
 * @param more `timeout` in milliseconds; `options` of `pip install` besides
 * @throws Error with what pip said
 */
export async function unpackWheels(
  python: string,
  folder: string,
  requirements: string,
  { timeout, options = [] }: { timeout: number; options?: string[] },
): Promise<void> {
  const always = ['--quiet', '--disable-pip-version-check', '--no-deps', '--no-compile', '--only-binary=:all:'];
  const pip = await runCommand(
    python,
    ['-m', 'pip', 'install', ...always, '--require-hashes', ...options, '--target', folder, '-r', requirements],
    // A user's own `user = true` can't be combined with a target.
    { timeout, env: { PIP_USER: '0' } },
  );
  if (!pip.ok) throw new Error(`pip said "${pip.complaint}"`);
}
