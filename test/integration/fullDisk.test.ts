import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageFolder } from '../../src/package.js';
import { createMedallion, VISITS, visitsOf } from '../support/medallion.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const LIMITED = join(packageFolder(), 'dist', 'test', 'support', 'limitedProcess.js');

/** Runs a step where no file may grow beyond a few kilobytes: to the writer that is a full disk. */
function onFullDisk(args: string[], env: NodeJS.ProcessEnv): string {
  return execFileSync('sh', ['-c', 'ulimit -f 8; exec "$0" "$@"', process.execPath, LIMITED, ...args], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  }).trim();
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

/** A mount that only this process sees, and that goes with it; root in a name space of its own may make one. */
const MOUNTING = ['--user', '--map-root-user', '--mount'];
const canMount = spawnSync('unshare', [...MOUNTING, 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0;

/** Runs a step whose scratch folder lies on a disk that has room for so many files, folders and links. */
function withRoomFor(files: number, args: string[], scratch: string, env: NodeJS.ProcessEnv): string {
  const mount = `mount -t tmpfs -o nr_inodes=${files + 1} tmpfs "$SCRATCH" && exec "$0" "$@"`;
  return execFileSync('unshare', [...MOUNTING, 'sh', '-c', mount, process.execPath, LIMITED, ...args, scratch], {
    env: { ...process.env, ...env, SCRATCH: scratch },
    encoding: 'utf8',
  }).trim();
}

test.runIf(canMount)('a disk without room for one more file says so, whichever file it is', async () => {
  const world = await createMedallion();
  world.writeCsv(visitsOf(1));
  const scratch = join(world.root, 'limited');
  mkdirSync(scratch);
  const args = ['bronze', VISITS, world.csv, join(world.root, 'store')];

  const refused: string[] = [];
  for (let files = 0; ; files++) {
    const said = withRoomFor(files, args, scratch, world.env);
    if (said === '') break;
    expect(said).toMatch(/^StoreFull: No space is left to write .+; free some and run again\.$/);
    expect(world.snapshot()).toEqual({});
    refused.push(said);
  }
  // At least: the stage's folder, its link to the source, and what DuckDB writes.
  expect(refused.length).toBeGreaterThan(3);
  expect((await world.process()).bronze).toMatchObject({ rows: 4, written: [], unchanged: ['2020_01'] });
});

test('a disk that fills up while data is generated leaves no half of a file', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'generated.csv');
  expect(onFullDisk(['generate', 'readmission', path], { PERDURE_CONF: '' })).toBe(
    `StoreFull: No space is left to write ${path}; free some and run again.`,
  );
  expect(readdirSync(folder)).toEqual([]);
});
