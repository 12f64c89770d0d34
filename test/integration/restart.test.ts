import { existsSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import {
  hold,
  kill,
  leftBehind,
  registryOf,
  startCommand,
  type Command,
  type Registry,
  type Victim,
} from '../../bench/killedRun.js';
import { processesBelow } from '../../bench/processTree.js';
import { EXIT } from '../../src/cli/exitCodes.js';
import { runningStack } from '../../src/platform/temporal/stack.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { AFTER_ALL, createTinyWorld, MONTHS, TINY, tinyEngines } from '../support/tinyPipeline.js';
import { until } from '../support/until.js';

const engines = tinyEngines();
const world = await createTinyWorld(engines);
// One algorithm, as it is the run that is followed to its end, whatever it trains.
world.configure(({ training_config: training }) => {
  training.enabled_algorithms.xgboost = false;
  training.hyperparameter_tuning = false;
});
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
  // A year, as what is killed here lies around the layers, and a test has a server and three workers of its own.
  run = ['run', TINY, '--csv', await world.writeCsv(MONTHS.slice(-12)), '--as-of', AFTER_ALL];
  const { folder, command } = started(run);
  const { code, stderr } = await command.ended;
  expect(code, stderr).toBe(0);
  wanted = await registryOf(folder, conf, TINY);
  expect(wanted.predictions).toBeGreaterThan(0);
}, 300_000);

function started(args: string[], folder = mkdtempSync(join(root, 'run-'))): { folder: string; command: Command } {
  return { folder, command: startCommand({ folder, conf, args }) };
}

/** Waits until a command has said something. */
async function untilSaid(command: Command, text: string): Promise<void> {
  await until(() => command.said().includes(text) || command.child.exitCode !== null);
  expect(command.said()).toContain(text);
}

interface Begun {
  folder: string;
  command: Command;
  /** Lets a worker that is held go on. */
  goOn: () => void;
}

/** What tests that run side by side leave to be done at their end. */
type Finishing = Pick<TestContext, 'onTestFinished'>;

/** Starts a run, and returns when its workflow is started: it takes seconds from there. */
async function begun({ onTestFinished }: Finishing, folder?: string): Promise<Begun> {
  const made = started(run, folder);
  onTestFinished(() => void made.command.child.kill('SIGKILL'));
  await untilSaid(made.command, 'Run: ');
  return { ...made, goOn: () => undefined };
}

/** As {@link begun}, but when the run trains, which it does until its worker may go on. */
async function inTraining(finishing: Finishing): Promise<Begun> {
  const made = await begun(finishing);
  const goOn = await hold(made.command, 'model-training');
  finishing.onTestFinished(goOn);
  await untilSaid(made.command, 'Train models: ');
  return { ...made, goOn };
}

async function killed(victim: Victim, { folder, command, goOn }: Begun): Promise<{ folder: string; pids: number[] }> {
  const { killed, pids } = await kill(command, victim);
  goOn();
  expect(killed).toBe(true);
  return { folder, pids };
}

// Each waits most of the time: for locks of processes that are gone, and for signs of life of their workers.
describe.concurrent('perdure run', () => {
  test('that SIGKILL ends with all its processes when it has just begun is followed by the same command to the end that an undisturbed one has', async (finishing) => {
    const { folder, pids } = await killed('together', await begun(finishing));
    const { code, stderr } = await started(run, folder).command.ended;
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^An earlier command started this run at .+ UTC; this one follows it to its end\.$/m);
    expect(stderr).not.toContain('skipped');
    expect(await registryOf(folder, conf, TINY)).toEqual(wanted);
    expect(await leftBehind(pids)).toEqual([]);
  });

  test('that SIGKILL ended alone while it trained is finished first by a command that asks for something else, and not stopped by one on another store', async (finishing) => {
    const { folder, pids } = await killed('command', await inTraining(finishing));
    const refused = await started([...run, '--store', join(folder, 'elsewhere')], folder).command.ended;
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /perdure: The run tiny-lifecycle-\S+ is under way here and works on \S+\/store; give --store \S+\/store to go on with it/,
    );

    const { code, stderr } = await started(['predict', TINY, '--as-of', AFTER_ALL], folder).command.ended;
    // The lifecycle has predicted every row by then.
    expect(code, stderr).toBe(EXIT.skipped);
    expect(stderr).toMatch(/^An earlier run is under way, which is finished first: tiny-lifecycle-/m);
    expect(await registryOf(folder, conf, TINY)).toEqual(wanted);
    expect(await leftBehind(pids)).toEqual([]);
  });

  test('leaves no server behind where the helper that watches over it was killed before', async (finishing) => {
    const { folder, command } = await begun(finishing);
    const below = await processesBelow(command.child.pid!);
    const helper = below.find(
      ({ commandLine }) => commandLine.startsWith('/bin/sh ') && commandLine.includes('server start-dev'),
    );
    process.kill(helper!.pid, 'SIGKILL');
    await kill(command, 'command');
    expect(await leftBehind(below.map(({ pid }) => pid))).toEqual([]);
    expect(await runningStack(join(folder, '.perdure'))).toBeUndefined();
  });

  test.for(['SIGTERM', 'SIGKILL'] as const)(
    'whose server ends with perdure up, by %s, goes on with one of its own; one that begins with it waits for it',
    async (signal, finishing) => {
      const { folder, command: up } = started(['up']);
      finishing.onTestFinished(() => void up.child.kill('SIGKILL'));
      // It comes to run while the server is being started.
      await until(() => existsSync(join(folder, '.perdure', 'temporal.lock')));
      const { command } = await begun(finishing, folder);
      expect(command.said()).toContain(`which process ${up.child.pid} runs in this folder.`);
      up.child.kill(signal);
      expect(await up.ended).toMatchObject(signal === 'SIGTERM' ? { code: 0 } : { signal });
      const { code, stderr } = await command.ended;
      expect(code, stderr).toBe(0);
      expect(stderr).toContain(
        `Process ${up.child.pid}, which ran the Temporal server here, has ended: this command goes on with a server and workers of its own.\n`,
      );
      expect(stderr).not.toMatch(/^ +at /m);
      expect(await registryOf(folder, conf, TINY)).toEqual(wanted);
    },
  );
});
