import { join } from 'node:path';
import { cacheFolder } from './cache.js';
import { isExecutable } from './command.js';
import { goInstall } from './goInstall.js';
import { findNamed } from './named.js';
import type { FoundTool, Tool } from './tool.js';
import { firstThatWorks } from './ways.js';

const VERSION = '1.8.0';

/** An S3 server over a folder, with conditional writes as S3 has them. */
export const versitygw: Tool = {
  name: 'versitygw',
  purpose: 'the tests of the S3 store',
  testsOnly: true,
  remedy: 'install Go, or name the path of a versitygw in PERDURE_VERSITYGW_PATH',

  async find(): Promise<FoundTool | undefined> {
    const named = await findNamed('PERDURE_VERSITYGW_PATH');
    if (named) return named;
    return (await isExecutable(cachedPath())) ? { path: cachedPath(), version: VERSION } : undefined;
  },

  async install(tell) {
    const build = () => goInstall(`github.com/versity/versitygw/cmd/versitygw@v${VERSION}`, cachedPath());
    await firstThatWorks(this.name, [{ doing: 'building it with Go', takes: '1 to 2 minutes', attempt: build }], tell);
  },
};

/** The version is in the name, as a program that Go installed doesn't know its own. */
function cachedPath(): string {
  return join(cacheFolder(), 'bin', `versitygw-${VERSION}${process.platform === 'win32' ? '.exe' : ''}`);
}
