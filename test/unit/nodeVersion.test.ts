import { expect, test } from 'vitest';
import { checkNodeVersion } from '../../src/platform/setup/nodeVersion.js';

const WANTED = '^20.19 || ^22.12 || ^24';

test.each([
  ['18.20.8', 'missing', '18.20.8; install Node.js 24, or 20.19 or newer'],
  ['20.9.0', 'missing', '20.9.0; install Node.js 24, or 20.19 or newer'],
  ['20.19.0', 'ok', '20.19.0, which has had no security fixes since April 2026; Node.js 24 has them'],
  ['21.7.3', 'optional', '21.7.3, which Perdure is not tested on; it is on 20, 22, 24'],
  ['22.9.0', 'missing', '22.9.0; install Node.js 24, or 22.12 or newer'],
  ['22.12.0', 'ok', '22.12.0'],
  ['24.0.0', 'ok', '24.0.0'],
  ['26.1.0', 'optional', '26.1.0, which Perdure is not tested on; it is on 20, 22, 24'],
])('Node.js %s is %s: %s', (version, status, detail) => {
  expect(checkNodeVersion(version, WANTED)).toEqual({ status, detail });
});
