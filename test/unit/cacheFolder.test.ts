import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { cacheFolder } from '../../src/platform/files/cacheFolder.js';

test('tools are kept where the environment says, else in the home folder; an empty variable says nothing', () => {
  const inHome = join(homedir(), '.cache', 'perdure');
  expect(cacheFolder({})).toBe(inHome);
  expect(cacheFolder({ XDG_CACHE_HOME: '', PERDURE_CACHE: '' })).toBe(inHome);
  expect(cacheFolder({ XDG_CACHE_HOME: '/caches' })).toBe(join('/caches', 'perdure'));
  expect(cacheFolder({ XDG_CACHE_HOME: '/caches', PERDURE_CACHE: 'tools' })).toBe(resolve('tools'));
});
