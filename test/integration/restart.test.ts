import { existsSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { kill, leftBehind, registryOf, startCommand, type Command, type Registry, type Victim } from '../../bench/killedRun.js';
import { processesBelow } from '../../bench/processTree.js';
import { EXIT } from '../../src/cli/exitCodes.js';
import { runningStack } from '../../src/temporal/stack.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { AFTER_ALL, createTinyWorld, MONTHS, TINY, tinyEngines } from '../support/tinyPipeline.js';
import { until } from '../support/until.js';

const engines = tinyEngines();
const world = await createTinyWorld(engines);
world.configure(({ training_config: training }) => (training.hyperparameter_tuning = false));
const conf = process.env.PERDURE_CONF!;
const root = temporaryFolder(afterAll);
afterAll(async () => {
  world.close();
  await engines.close();
});

let run: string[];
/** What an undisturbed run leaves. */
let wanted: Registry;

beforeAll(async () => {
  run = ['run', TINY, '--csv', await world.writeCsv(MONTHS), '--as-of', AFTER_ALL];
  const { folder, command } = started(run);
  const { code, stderr } = await command.ended;
  expect(code, stderr).toBe(0);
  wanted = await registryOf(folder, conf, TINY);
  expect(wanted.predictions).toBeGreaterThan(0);
}, 300_000);

function started(args: string[], folder = mkdtempSync(join(root, 'run-'))): { folder: string; command: Command } {
  return { folder, command: startCommand({ folder, conf, args }) };
}

/** Starts a run in a new folder, and waits until it has said something. */
async function runUntil(text: string, folder?: string): Promise<{ folder: string; command: Command }> {
  const begun = started(run, folder);
  onTestFinished(() => void begun.command.child.kill('SIGKILL'));
  await until(() => begun.command.said().includes(text) || begun.command.child.exitCode !== null);
  return begun;
}

async function killedAt(text: string, victim: Victim): Promise<{ folder: string; pids: number[] }> {
  const { folder, command } = await runUntil(text);
  const { killed, pids } = await kill(command, victim);
  expect(killed).toBe(true);
  return { folder, pids };
}

describe('perdure run that is killed, and started again the same way', () => {
  test.each<[string, Victim]>([
    ['Train models: training', 'command'],
    ['Process data: ', 'together'],
  ])('after "%s", by SIGKILL for the %s: is followed to the end that an undisturbed one has', async (text, victim) => {
    const { folder, pids } = await killedAt(text, victim);
    const { code, stderr } = await started(run, folder).command.ended;
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^An earlier command started this run at .+ UTC; this one follows it to its end\.$/m);
    expect(stderr).not.toContain('skipped');
    expect(await registryOf(folder, conf, TINY)).toEqual(wanted);
    expect(await leftBehind(pids)).toEqual([]);
  });

  test('is finished first by a command that asks for something else, and not stopped by one on another store', async () => {
    const { folder } = await killedAt('Train models: training', 'command');
    const refused = await started([...run, '--store', join(folder, 'elsewhere')], folder).command.ended;
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/perdure: The run tiny-lifecycle-\S+ is under way here and works on \S+\/store; give --store \S+\/store to go on with it/);

    const { code, stderr } = await started(['predict', TINY, '--as-of', AFTER_ALL], folder).command.ended;
    // The lifecycle has predicted every row by then.
    expect(code, stderr).toBe(EXIT.skipped);
    expect(stderr).toMatch(/^An earlier run is under way, which is finished first: tiny-lifecycle-/m);
    expect(await registryOf(folder, conf, TINY)).toEqual(wanted);
  });

  test('leaves no server behind where the helper that watches over it was killed before', async () => {
    const { folder, command } = await runUntil('Train models: ');
    const below = await processesBelow(command.child.pid!);
    const helper = below.find(({ commandLine }) => commandLine.startsWith('/bin/sh ') && commandLine.includes('server start-dev'));
    process.kill(helper!.pid, 'SIGKILL');
    await kill(command, 'command');
    expect(await leftBehind(below.map(({ pid }) => pid))).toEqual([]);
    expect(await runningStack(join(folder, '.perdure'))).toBeUndefined();
  });
});

test('a run whose server ends with perdure up goes on with one of its own; one that begins with it waits for it', async () => {
  const { folder, command: up } = started(['up']);
  onTestFinished(() => void up.child.kill('SIGKILL'));
  // It comes to run while the server is being started.
  await until(() => existsSync(join(folder, '.perdure', 'temporal.lock')));
  const { command } = await runUntil('Train models: training', folder);
  expect(command.said()).toContain(`which process ${up.child.pid} runs in this folder.`);
  up.child.kill('SIGTERM');
  expect(await up.ended).toMatchObject({ code: 0 });
  const { code, stderr } = await command.ended;
  expect(code, stderr).toBe(0);
  expect(stderr).toContain(`Process ${up.child.pid}, which ran the Temporal server here, has ended: this command goes on with a server and workers of its own.\n`);
  expect(stderr).not.toMatch(/^ +at /m);
  expect(await registryOf(folder, conf, TINY)).toEqual(wanted);
});
