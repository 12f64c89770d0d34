import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { leftBehind, startCommand, type Command } from '../../bench/killedRun.js';
import { processesBelow } from '../../bench/processTree.js';
import { packageFolder } from '../../src/package.js';
import { freePort } from '../../src/platform/temporal/processes.js';
import { runningStack } from '../../src/platform/temporal/stack.js';
import { freshNamespace } from '../support/testServer.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { AFTER_ALL, createTinyWorld, MONTHS, TINY, tinyEngines } from '../support/tinyPipeline.js';
import { until } from '../support/until.js';

/**
 * A terminal sends Ctrl-C to every process of the foreground group, a package runner there passes it on once more, and a
 * service manager stops every process of a unit: whoever gets it, and how often, a command ends in its own way.
 */

const engines = tinyEngines();
const world = await createTinyWorld(engines);
const conf = process.env.PERDURE_CONF!;
const csv = await world.writeCsv(MONTHS);
const root = temporaryFolder(afterAll);
afterAll(async () => {
  world.close();
  await engines.close();
});

interface Begun extends Command {
  folder: string;
  pids: number[];
}

/** A command in a group of its own, once it has said that much. */
async function begun(args: string[], said: string): Promise<Begun> {
  const folder = mkdtempSync(join(root, 'run-'));
  const command = startCommand({ folder, conf, args, detached: true });
  onTestFinished(() => void command.child.kill('SIGKILL'));
  await until(() => command.said().includes(said) || command.child.exitCode !== null);
  expect(command.said()).toContain(said);
  return { ...command, folder, pids: (await processesBelow(command.child.pid!)).map(({ pid }) => pid) };
}

const GROUP = 'the group';
const GROUP_TWICE = 'the group, and again by a runner';
const EVERYBODY = 'every process';

function send(signal: NodeJS.Signals, { child, pids }: Begun, whom: string): void {
  process.kill(-child.pid!, signal);
  if (whom === GROUP_TWICE) process.kill(child.pid!, signal);
  if (whom === EVERYBODY) {
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended already.
      }
    }
  }
}

/** The code that the command ends with, and its last sentence. Nothing of it may be left. */
async function endOf({ ended, pids }: Begun): Promise<{ code: number | null; last: string | undefined }> {
  const { code, stderr } = await ended;
  expect(stderr).not.toMatch(/^ +at |Channel has been shut down/m);
  expect(await leftBehind(pids)).toEqual([]);
  return { code, last: stderr.trim().split('\n').at(-1) };
}

describe('in the middle of a run', () => {
  test.each([
    ['SIGINT', 130, GROUP],
    ['SIGTERM', 143, GROUP_TWICE],
  ] as const)('%s ends it with %i where %s gets it, and cancels the run', async (signal, code, whom) => {
    const run = await begun(['run', TINY, '--csv', csv, '--as-of', AFTER_ALL], 'Process data: ');
    send(signal, run, whom);
    expect(await endOf(run)).toEqual({
      code,
      last: 'perdure: The run was cancelled; processed data and registered models are kept.',
    });
    expect(await runningStack(join(run.folder, '.perdure'))).toBeUndefined();
  });

  test('SIGTERM ends it with 143 where every process of it gets it', async () => {
    const run = await begun(['run', TINY, '--csv', csv, '--as-of', AFTER_ALL], 'Process data: ');
    send('SIGTERM', run, EVERYBODY);
    expect(await endOf(run)).toEqual({ code: 143, last: expect.stringMatching(/^perdure: [A-Z].+\.$/) as string });
  });

  test('SIGINT ends a training in its own process with 130, and is no crash of an engine', async () => {
    const processed = await begun(['process', TINY, '--csv', csv, '--as-of', AFTER_ALL], 'Run: ');
    expect((await processed.ended).code).toBe(0);
    const training = startCommand({
      folder: processed.folder,
      conf,
      args: ['train', TINY, '--local', '--as-of', AFTER_ALL],
      detached: true,
    });
    onTestFinished(() => void training.child.kill('SIGKILL'));
    await until(async () => (await processesBelow(training.child.pid!)).length > 0);
    const pids = (await processesBelow(training.child.pid!)).map(({ pid }) => pid);
    send('SIGINT', { ...training, folder: processed.folder, pids }, GROUP);
    expect(await endOf({ ...training, folder: processed.folder, pids })).toEqual({
      code: 130,
      last: 'perdure: Interrupted.',
    });
  });
});

test('a worker that gives itself a heap ends well where its whole group is told to stop', async () => {
  const folder = temporaryFolder();
  const { address, namespace } = await freshNamespace();
  const port = await freePort();
  const settings = {
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    PERDURE_STORE: join(folder, 'store'),
    PERDURE_HEALTH_PORT: String(port),
    NODE_OPTIONS: '',
  };
  const child = spawn(process.execPath, [join(packageFolder(), 'dist/workers/modelTraining.js')], {
    env: { ...process.env, ...settings },
    stdio: 'ignore',
    detached: true,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await until(() =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  process.kill(-child.pid!, 'SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
