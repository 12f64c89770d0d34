import { join } from 'node:path';
import { cacheFolder } from '../files/cacheFolder.js';
import { isExecutable } from '../programs/command.js';
import { goInstall } from './goInstall.js';
import { findNamed } from './named.js';
import type { Tool } from './tool.js';
import { firstThatWorks } from './ways.js';

export interface GoProgram {
  name: string;
  purpose: string;
  /** Its import path, such as `github.com/versity/versitygw/cmd/versitygw`. */
  program: string;
  /** Without the `v`. */
  version: string;
  /** Environment variable that may name one that is there already. */
  variable: string;
  /** How long the build takes. */
  takes: string;
}

/** A program for the tests that Go builds at one version. */
export function goTool({ name, purpose, program, version, variable, takes }: GoProgram): Tool {
  // The version is in the name, as a program that Go installed doesn't know its own.
  const cachedPath = () =>
    join(cacheFolder(), 'bin', `${name}-${version}${process.platform === 'win32' ? '.exe' : ''}`);
  return {
    name,
    purpose,
    testsOnly: true,
    remedy: `install Go, or name the path of a ${name} in ${variable}`,

    async find() {
      const named = await findNamed(variable);
      if (named) return named;
      return (await isExecutable(cachedPath())) ? { path: cachedPath(), version } : undefined;
    },

    async install(tell) {
      const build = () => goInstall(`${program}@v${version}`, cachedPath());
      await firstThatWorks(name, [{ doing: 'building it with Go', takes, attempt: build }], tell);
    },
  };
}
