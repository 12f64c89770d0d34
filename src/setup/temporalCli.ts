import { join } from 'node:path';
import { PerdureError } from '../errors.js';
import { cacheFolder } from './cache.js';
import { isExecutable, onPath, runCommand } from './command.js';
import { goInstall } from './goInstall.js';
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
    const named = process.env.TEMPORAL_CLI_PATH;
    if (named) {
      const version = await serverVersion(named);
      if (version && isRecent(version)) return { path: named, version: `server ${version}` };
      throw new PerdureError(
        'SetupFailed',
        `TEMPORAL_CLI_PATH names ${named}, which ${version ? `has server ${version}, older than ${OLDEST_SERVER.join('.')}` : 'is not a Temporal CLI'}; name another or unset it.`,
      );
    }
    for (const path of [await onPath('temporal'), cachedPath()]) {
      const version = path && (await isExecutable(path)) ? await serverVersion(path) : undefined;
      if (path && version && isRecent(version)) return { path, version: `server ${version}` };
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

/** The version of the server that a CLI embeds; a CLI built with Go doesn't know its own. */
async function serverVersion(path: string): Promise<string | undefined> {
  const { stdout } = await runCommand(path, ['--version'], { timeout: 30_000 });
  return /Server (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
}

function isRecent(version: string): boolean {
  const parts = version.split('.').map(Number);
  const differing = OLDEST_SERVER.findIndex((oldest, i) => oldest !== parts[i]);
  return differing < 0 || (parts[differing] ?? 0) > (OLDEST_SERVER[differing] ?? 0);
}
