import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { onPath, runCommand } from '../programs/command.js';

/** Several times what the largest program takes on two cores. */
const TIMEOUT_MS = 20 * 60_000;

/**
 * Builds a program of Go, such as `github.com/temporalio/cli/cmd/temporal@v1.5.1`, to `path`.
 * @throws Error that says why it can't be built
 */
export async function goInstall(program: string, path: string): Promise<void> {
  const go = await onPath('go');
  if (!go) throw new Error('there is no go on PATH');
  await mkdir(dirname(path), { recursive: true });
  const folder = await mkdtemp(`${path}.`);
  try {
    const build = await runCommand(go, ['install', program], {
      timeout: TIMEOUT_MS,
      env: { CGO_ENABLED: '0', GOBIN: folder },
    });
    const [built] = await readdir(folder);
    if (!build.ok || !built) throw new Error(build.complaint);
    await rename(join(folder, built), path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
