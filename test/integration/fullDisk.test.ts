import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageFolder } from '../../src/config/load.js';
import { createMedallion, VISITS, visitsOf } from '../support/medallion.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** Runs a step where no file may grow beyond a few kilobytes: to the writer that is a full disk. */
function onFullDisk(args: string[], env: NodeJS.ProcessEnv): string {
  const script = join(packageFolder(), 'dist', 'test', 'support', 'limitedProcess.js');
  return execFileSync('sh', ['-c', 'ulimit -f 8; exec "$0" "$@"', process.execPath, script, ...args], { env: { ...process.env, ...env }, encoding: 'utf8' }).trim();
}

test('a disk that fills up while a layer is written stores nothing and says what to do', async () => {
  const world = await createMedallion();
  const store = join(world.root, 'store');
  const scratch = join(world.root, 'limited');
  world.writeCsv(visitsOf(1, 5000).map((visit, i) => ({ ...visit, day: '2020-01-15', cost: Math.sin(i) })));

  const said = onFullDisk([`bronze`, VISITS, world.csv, store, scratch], world.env);
  expect(said).toMatch(/^StoreFull: No space is left to write .+; free some and run again\.$/);
  expect(world.snapshot()).toEqual({});
  expect(readdirSync(scratch)).toEqual([]);

  expect((await world.process()).bronze.rows).toBe(5000);
});

test('a disk that fills up while data is generated leaves no half of a file', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'generated.csv');
  expect(onFullDisk(['generate', 'readmission', path], { PERDURE_CONF: '' })).toBe(`StoreFull: No space is left to write ${path}; free some and run again.`);
  expect(readdirSync(folder)).toEqual([]);
});
