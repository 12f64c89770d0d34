import { join } from 'node:path';
import { cacheFolder } from '../files/cacheFolder.js';
import { onPath, runCommand } from '../programs/command.js';
import { goInstall } from './goInstall.js';
import { findNamed, type Examination } from './named.js';
import { downloadWithSdk } from './sdkDownload.js';
import type { FoundTool, Tool } from './tool.js';
import { firstThatWorks } from './ways.js';

/** The last release that `go install` can build: later ones replace modules. */
const GO_PACKAGE = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';

/** The oldest server inside the CLI that has all that Perdure uses. */
const OLDEST_SERVER = [1, 28, 0];

export const temporalCli: Tool = {
  name: 'temporal',
  purpose: 'the embedded Temporal server',
  testsOnly: false,
  remedy: 'install the Temporal CLI (docs.temporal.io/cli) on PATH, or name its path in TEMPORAL_CLI_PATH',

  async find(): Promise<FoundTool | undefined> {
    const named = await findNamed('TEMPORAL_CLI_PATH', examine);
    if (named) return named;
    for (const path of [await onPath('temporal'), cachedPath()]) {
      const found = path ? await examine(path) : undefined;
      if (path && found && 'version' in found) return { path, version: found.version };
    }
    return undefined;
  },

  async install(tell) {
    await firstThatWorks(
      this.name,
      [
        { doing: 'downloading it', attempt: () => downloadWithSdk('createLocal', cachedPath()) },
        { doing: 'building it with Go', takes: '2 to 5 minutes', attempt: () => goInstall(GO_PACKAGE, cachedPath()) },
      ],
      tell,
    );
  },
};

function cachedPath(): string {
  return join(cacheFolder(), 'bin', process.platform === 'win32' ? 'temporal.exe' : 'temporal');
}

/** Goes by the version of the server that a CLI embeds; a CLI built with Go doesn't know its own. */
async function examine(path: string): Promise<Examination> {
  const { stdout } = await runCommand(path, ['--version'], { timeout: 30_000 });
  const server = /Server (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (!server) return { fault: 'is not a Temporal CLI' };
  return isRecent(server)
    ? { version: `server ${server}` }
    : { fault: `has server ${server}, older than ${OLDEST_SERVER.join('.')}` };
}

function isRecent(version: string): boolean {
  const parts = version.split('.').map(Number);
  const differing = OLDEST_SERVER.findIndex((oldest, i) => oldest !== parts[i]);
  return differing < 0 || (parts[differing] ?? 0) > (OLDEST_SERVER[differing] ?? 0);
}
