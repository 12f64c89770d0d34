import { fork, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Client } from '@temporalio/client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { processesBelow } from '../../bench/processTree.js';
import { followRun } from '../../src/cli/follow.js';
import { startWorkflow } from '../../src/client.js';
import { packageFolder } from '../../src/package.js';
import { temporalCli } from '../../src/platform/setup/temporalCli.js';
import { requireTool } from '../../src/platform/setup/tool.js';
import { connectClient } from '../../src/platform/temporal/connection.js';
import { startDevServer } from '../../src/platform/temporal/devServer.js';
import { encryptionCodecFrom } from '../../src/platform/temporal/encryptionCodec.js';
import { startEmbeddedServer } from '../../src/platform/temporal/embeddedServer.js';
import { isAlive } from '../../src/platform/programs/command.js';
import { listens } from '../../src/platform/temporal/processes.js';
import { runningStack } from '../../src/platform/temporal/stack.js';
import { SupervisedWorker } from '../../src/platform/temporal/supervisedWorker.js';
import { WORKERS } from '../../src/platform/temporal/workers.js';
import { until } from '../support/until.js';
import { freshNamespace } from '../support/testServer.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

describe('the dev server', () => {
  test('takes another port where its own is taken, and is gone when stopped', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void squatter.close());
    await once(squatter, 'listening');
    const taken = (squatter.address() as AddressInfo).port;

    const server = await startDevServer({ ...(await cliAndLog()), port: taken, uiPort: 0 });
    expect(server.target.address).not.toBe(`127.0.0.1:${taken}`);
    expect((await fetch(server.webUi ?? '')).status).toBe(200);

    await server.stop();
    expect(await listens(server.target.address)).toBe(false);
    expect(isAlive(server.process.pid!)).toBe(false);
  });

  test('takes another port where its own is taken just before it starts', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const { port } = squatter.address() as AddressInfo;
    squatter.close();
    await once(squatter, 'close');
    const prepare = async () => {
      if (!squatter.listening) await once(squatter.listen(port, '127.0.0.1'), 'listening');
    };

    const server = await startDevServer({ ...(await cliAndLog()), port, prepare });
    onTestFinished(() => server.stop());
    onTestFinished(() => void squatter.close());
    expect(server.target.address).not.toBe(`127.0.0.1:${port}`);
    const client = await connectClient(server.target);
    await client.connection.close();
  });

  test('keeps its workflows in a database between runs', async () => {
    const options = { ...(await cliAndLog()), database: join(temporaryFolder(), 'temporal.db') };

    const before = await startDevServer(options);
    const client = await connectClient(before.target);
    await client.workflow.start('lifecycle', { taskQueue: 'orchestrator', workflowId: 'kept', args: [] });
    await client.connection.close();
    await before.stop();

    const after = await startDevServer(options);
    onTestFinished(() => after.stop());
    const again = await connectClient(after.target);
    onTestFinished(() => again.connection.close());
    expect((await again.workflow.getHandle('kept').describe()).status.name).toBe('RUNNING');
  });

  test('that does not start is one sentence with its last words', async () => {
    const options = { ...(await cliAndLog()), database: '/nowhere/temporal.db' };

    await expect(startDevServer(options)).rejects.toMatchObject({
      type: 'TemporalUnavailable',
      message: expect.stringMatching(
        /^The embedded Temporal server ended with code 1 \(".+"\); see .+temporal\.log and run "perdure doctor"\.$/,
      ),
    });
  });
});

describe('an embedded stack', () => {
  test('is found by others while it runs, and leaves no process behind when it is killed', async () => {
    const stateFolder = temporaryFolder();
    const owner = spawn(process.execPath, [join(packageFolder(), 'dist/test/support/stackProcess.js'), stateFolder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void owner.kill('SIGKILL'));
    const pids = JSON.parse(await firstLine(owner.stdout)) as number[];
    expect(pids.map(isAlive)).toEqual([true, true, true, true]);
    const running = await runningStack(stateFolder);
    expect(running?.pid).toBe(owner.pid);
    expect(await listens(running!.target.address)).toBe(true);

    owner.kill('SIGKILL');
    await until(() => !pids.some(isAlive));
    expect(await runningStack(stateFolder)).toBeUndefined();
  });

  test('keeps its server: one that is killed comes back at its address, knowing what it knew', async () => {
    const told: string[] = [];
    const server = await startEmbeddedServer(temporaryFolder(), { tell: (line) => told.push(line) });
    onTestFinished(async () => {
      const { pid } = server;
      await server.stop();
      expect(isAlive(pid!)).toBe(false);
    });
    const client = await connectClient(server.target);
    onTestFinished(() => client.connection.close());
    await client.workflow.start('lifecycle', { taskQueue: 'orchestrator', workflowId: 'kept', args: [] });

    const { pid } = server;
    process.kill(pid!, 'SIGKILL');
    await until(() => server.pid !== pid);
    expect((await client.workflow.getHandle('kept').describe()).status.name).toBe('RUNNING');
    expect(told).toEqual(['The Temporal server was ended by SIGKILL; starting it again.']);
  });

  test('whose server is killed while it makes its database makes another', async () => {
    const stateFolder = temporaryFolder();
    const starting = startEmbeddedServer(stateFolder);
    await until(() => ['temporal.db', 'temporal.db.making'].every((name) => existsSync(join(stateFolder, name))));
    const made = (await processesBelow(process.pid)).filter(
      ({ commandLine }) => commandLine.includes(stateFolder) && !commandLine.startsWith('/bin/sh '),
    );
    for (const { pid } of made) process.kill(pid, 'SIGKILL');
    expect(made).toHaveLength(1);
    const server = await starting;
    onTestFinished(() => server.stop());
    expect(await listens(server.target.address)).toBe(true);
  });

  test('is not started twice on one state folder', async () => {
    const stateFolder = temporaryFolder();
    const server = await startEmbeddedServer(stateFolder);
    onTestFinished(() => server.stop());

    await expect(startEmbeddedServer(stateFolder)).rejects.toMatchObject({
      type: 'TemporalUnavailable',
      message: `Process ${process.pid} runs the Temporal server of ${stateFolder}; wait until it ends, or use another folder.`,
    });
  });
});

describe('a worker', () => {
  test('is started again when it is killed, which is told, and ends when stopped', async () => {
    const told: string[] = [];
    const worker = await orchestrator((line) => told.push(line));
    await worker.start();
    const first = worker.pid;
    process.kill(first!, 'SIGKILL');
    await until(() => told.length > 0 && worker.pid !== first);

    expect(told).toEqual(['The orchestrator worker was ended by SIGKILL; starting it again.']);
    const second = worker.pid;
    await worker.stop();
    expect(isAlive(second!)).toBe(false);
  });

  test('that is killed while it starts is started again', async () => {
    const told: string[] = [];
    const worker = await orchestrator((line) => told.push(line));
    const starting = worker.start();
    process.kill(worker.pid!, 'SIGKILL');
    await starting;
    expect(told).toEqual(['The orchestrator worker was ended by SIGKILL; starting it again.']);
    expect(isAlive(worker.pid!)).toBe(true);
  });

  test('whose command ends before it has loaded ends too', async () => {
    const worker = fork(join(packageFolder(), 'dist/workers/dataProcessing.js'), [], { stdio: 'ignore' });
    onTestFinished(() => void worker.kill('SIGKILL'));
    worker.disconnect();
    const [code] = (await once(worker, 'exit')) as [number | null];
    expect(code).toBe(0);
  });

  test('that dies again and again is given up', async () => {
    const told: string[] = [];
    const worker = await orchestrator((line) => told.push(line));
    await worker.start();
    const given = expect(worker.broken).rejects.toMatchObject({
      type: 'WorkerFailed',
      message: expect.stringContaining('was ended by SIGKILL, and not for the first time'),
    });
    for (let exits = 1; exits <= 6; exits += 1) {
      const { pid } = worker;
      process.kill(pid!, 'SIGKILL');
      if (exits < 6) await until(() => worker.pid !== pid);
    }

    await given;
    expect(told).toHaveLength(5);
  });

  test('that cannot start says why, and where its log is', async () => {
    const target = await freshNamespace();
    const logFolder = temporaryFolder();
    const worker = new SupervisedWorker(WORKERS.orchestrator, {
      target: { ...target, namespace: 'nowhere' },
      storeRoot: temporaryFolder(),
      logFolder,
    });

    await expect(worker.start()).rejects.toMatchObject({
      type: 'WorkerFailed',
      message: expect.stringContaining(
        'The orchestrator worker could not start: No Temporal server answers for namespace "nowhere"',
      ),
    });
    expect(isAlive(worker.pid!)).toBe(false);
    expect(readFileSync(join(logFolder, 'orchestrator.log'), 'utf8')).toContain('"nowhere"');
  });
});

test("a run that its workers can't read is told of, not waited for: they lack the key that the client has", async () => {
  const target = await freshNamespace();
  const worker = new SupervisedWorker(WORKERS.orchestrator, {
    target,
    storeRoot: temporaryFolder(),
    logFolder: temporaryFolder(),
  });
  onTestFinished(() => worker.stop());
  await worker.start();
  const { connection } = await connectClient(target);
  onTestFinished(() => connection.close());
  const codec = encryptionCodecFrom({ PERDURE_ENCRYPTION_KEY: randomBytes(32).toString('base64') })!;
  const client = new Client({ connection, namespace: target.namespace, dataConverter: { payloadCodecs: [codec] } });
  const { workflowId, firstExecutionRunId: runId } = await startWorkflow(client, 'modelInference', {
    pipeline: 'tiny',
  });

  const followed = followRun(client, { name: 'modelInference', workflowId, runId }, new AbortController().signal);
  await expect(followed).rejects.toMatchObject({
    cause: {
      type: 'ConfigInvalid',
      message: expect.stringContaining('not decodable: Unknown encoding: binary/encrypted') as string,
    },
  });
});

async function firstLine(output: Readable): Promise<string> {
  for await (const line of createInterface(output)) return line;
  throw new Error('the process ended without a line');
}

async function orchestrator(tell: (line: string) => void): Promise<SupervisedWorker> {
  const options = { target: await freshNamespace(), storeRoot: temporaryFolder(), logFolder: temporaryFolder(), tell };
  const worker = new SupervisedWorker(WORKERS.orchestrator, options);
  onTestFinished(() => worker.stop());
  return worker;
}

async function cliAndLog(): Promise<{ executable: string; log: string }> {
  return { executable: (await requireTool(temporalCli)).path, log: join(temporaryFolder(), 'temporal.log') };
}
