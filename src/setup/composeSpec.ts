import { join } from 'node:path';
import { cacheFolder } from './cache.js';
import { isExecutable } from './command.js';
import { goInstall } from './goInstall.js';
import { findNamed } from './named.js';
import type { FoundTool, Tool } from './tool.js';
import { firstThatWorks } from './ways.js';

const VERSION = '2.16.2';

/** The reference implementation of the Compose Specification: says what Docker Compose would make of a file. */
export const composeSpec: Tool = {
  name: 'compose-spec',
  purpose: 'the tests of deploy/',
  testsOnly: true,
  remedy: 'install Go, or name the path of a compose-spec in PERDURE_COMPOSE_SPEC_PATH',

  async find(): Promise<FoundTool | undefined> {
    const named = await findNamed('PERDURE_COMPOSE_SPEC_PATH');
    if (named) return named;
    return (await isExecutable(cachedPath())) ? { path: cachedPath(), version: VERSION } : undefined;
  },

  async install(tell) {
    const build = () => goInstall(`github.com/compose-spec/compose-go/v2/cmd@v${VERSION}`, cachedPath());
    await firstThatWorks(this.name, [{ doing: 'building it with Go', takes: 'up to a minute', attempt: build }], tell);
  },
};

/** The version is in the name, as a program that Go installed doesn't know its own. */
function cachedPath(): string {
  return join(cacheFolder(), 'bin', `compose-spec-${VERSION}${process.platform === 'win32' ? '.exe' : ''}`);
}
