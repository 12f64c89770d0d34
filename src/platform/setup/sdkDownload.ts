import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { packageFolder } from '../../package.js';
import { runCommand } from '../programs/command.js';

/** What the Temporal SDK downloads, by the call that makes it: the CLI, or the time-skipping server. */
export type SdkServer = 'createLocal' | 'createTimeSkipping';

/** A download that is refused fails at once; one that stalls has to be given up. */
const TIMEOUT_MS = 4 * 60_000;

/** Has the SDK download a server's executable to `path`. */
export async function downloadWithSdk(server: SdkServer, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const folder = await mkdtemp(`${path}.`);
  try {
    const script = join(packageFolder(), 'setup', 'downloadServer.js');
    const download = await runCommand(process.execPath, [script, server, folder], { timeout: TIMEOUT_MS });
    const [file] = await readdir(folder);
    if (!download.ok || !file) throw new Error(download.complaint);
    await rename(join(folder, file), path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
