import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageFolder } from '../../src/package.js';
import { perdure, startPerdure } from '../support/perdure.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const MAIN = join(packageFolder(), 'dist/src/cli/main.js');

describe('a command', () => {
  test('takes variables that are empty as unset, all that the sources name', async () => {
    const sources = readdirSync(join(packageFolder(), 'src'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
    const names = new Set(
      sources
        .join('\n')
        .match(/\b(?:PERDURE|TEMPORAL|AWS|OTEL)_[A-Z0-9_]+\b|\bENVIRONMENT\b|\bALGORITHM\b|\bXDG_CACHE_HOME\b/g),
    );
    for (const own of [
      'PERDURE_STORE',
      'PERDURE_XGBOOST_LIB',
      'TEMPORAL_ADDRESS',
      'PERDURE_ENCRYPTION_KEY',
      'ENVIRONMENT',
    ])
      expect(names).toContain(own);
    const folder = temporaryFolder();
    const empty = Object.fromEntries([...names].map((name) => [name, '']));
    const [plain, emptied] = await Promise.all([
      perdure(folder, ['doctor', '--json']),
      perdure(folder, ['doctor', '--json'], { ...empty, TEMPORAL_CONFIG_FILE: '/nonexistent/temporal.toml' }),
    ]);
    expect(emptied).toEqual(plain);
  });

  test('advises to delete nothing that is not its own: a library that a person named is to be named otherwise', async () => {
    const libc = '/lib/x86_64-linux-gnu/libc.so.6';
    const { stdout } = await perdure(temporaryFolder(), ['doctor'], { PERDURE_XGBOOST_LIB: libc });
    expect(stdout).toMatch(
      new RegExp(
        `^✖ libxgboost +PERDURE_XGBOOST_LIB names ${libc}, which can't be loaded as libxgboost \\(.+\\); name another or unset it\\.$`,
        'm',
      ),
    );
    expect(stdout).not.toContain('delete');
    const missing = await perdure(temporaryFolder(), ['doctor'], { PERDURE_XGBOOST_LIB: '/nowhere/lib.so' });
    expect(missing.stdout).toContain(
      'PERDURE_XGBOOST_LIB names /nowhere/lib.so, which is not there; name another or unset it.',
    );
  });

  test.each([['status', '--json'], ['doctor'], ['--help'], ['models', 'list', 'readmission']])(
    'whose reader goes says nothing of it: %s %s',
    async (...args) => {
      const child = spawn(process.execPath, [MAIN, ...args], {
        cwd: temporaryFolder(),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      // As "| head -0" does.
      child.stdout.destroy();
      let stderr = '';
      child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
      await once(child, 'close');
      expect(stderr).not.toMatch(/EPIPE|^ +at /m);
      expect(child.signalCode).toBeNull();
    },
  );

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('that %s stops while it starts ends with %i', async (signal, code) => {
    const up = startPerdure(temporaryFolder(), ['train', 'readmission']);
    await up.says('Temporal: an embedded server');
    up.process.kill(signal);
    const outcome = await up.outcome;
    expect(outcome.code, outcome.stderr).toBe(code);
    expect(outcome.stderr).toMatch(/^perdure: .+\.$/m);
    expect(outcome.stderr).not.toMatch(/^ +at /m);
  });

  test("on a store that can't be made says so at once", async () => {
    const { code, stderr } = await perdure(temporaryFolder(), ['run', 'readmission', '--store', '/proc/x']);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^perdure: The store's folder \/proc can't be written \(.+\); choose another with --store or PERDURE_STORE\.$/m,
    );
  });
});
