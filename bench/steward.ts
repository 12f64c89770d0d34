import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { confFolder } from '../src/config/load.js';
import {
  STEWARD,
  stewardIdOf,
  TASK_QUEUES,
  type RetrainRequest,
  type StewardInput,
  type StewardSnapshot,
} from '../src/contracts/index.js';
import { connectClient } from '../src/platform/temporal/connection.js';
import { startStack } from '../src/platform/temporal/stack.js';
import { residentOf } from './processTree.js';
import type { Section } from './section.js';

const TRAININGS = 20;
const SIGNALS = 1_000;
const SIGNALS_A_RUN = 100;
const SENDERS = 2;
const PIPELINES = 50;
const POLL_MS = 20;

/** What a steward costs: the embedded server with its database file, and the three workers as processes. */
export const steward: Section = {
  title: `Steward: signal to training, ${SIGNALS} signals, ${PIPELINES} pipelines`,
  async run(pipeline, folder, tell) {
    process.env.PERDURE_CONF = await copiesOf(folder, pipeline);
    const stack = await startStack({ storeRoot: join(folder, 'store'), stateFolder: folder });
    try {
      const client = await connectClient(stack.target);
      const orchestrator = () => residentOf(stack.workers.orchestrator.pid!);
      tell(`${TRAININGS} requests, one after another`);
      const lines = [await signalToTraining(client, pipeline)];
      tell(`${SIGNALS} signals`);
      lines.push(await throughContinueAsNew(client, `${pipeline}-0`));
      tell(`${PIPELINES} stewards`);
      lines.push(await manyStewards(client, pipeline, orchestrator));
      await client.connection.close();
      return lines;
    } finally {
      await stack.stop();
    }
  },
};

/** From sending `requestRetrain` to the start of the training's workflow. Without data it is skipped, so no cooldown follows. */
async function signalToTraining(client: Client, pipeline: string): Promise<string> {
  const handle = await start(client, { pipeline });
  await until(async () => (await stateOf(handle)) !== undefined);
  const taken: number[] = [];
  for (let i = 1; i <= TRAININGS; i++) {
    const sent = Date.now();
    await handle.signal(STEWARD.signals.requestRetrain, request(i));
    const training = client.workflow.getHandle(`${stewardIdOf(pipeline)}-training-${i}`);
    await until(() =>
      training.describe().then(
        () => true,
        () => false,
      ),
    );
    taken.push((await training.describe()).startTime.getTime() - sent);
    await until(async () => Object.keys((await stateOf(handle)).inFlight).length === 0);
  }
  const [median = NaN, most = NaN] = [taken.sort((a, b) => a - b)[TRAININGS / 2], taken.at(-1)];
  return `signal to training start    ${median} ms (median of ${TRAININGS}, at most ${most} ms)`;
}

/**
 * Signals to a paused steward that continues as new every so often: all of them must be asked at the end. They come in
 * one after another from each sender, with a pause after as many as a run takes: without one, a server puts off
 * continuing as new until no more come in.
 */
async function throughContinueAsNew(client: Client, pipeline: string): Promise<string> {
  const handle = await start(client, { pipeline, signalsARun: SIGNALS_A_RUN });
  await handle.executeUpdate(STEWARD.updates.pause, { args: [{ by: 'bench' }] });
  const began = performance.now();
  let sent = 0;
  const sendTo = async (total: number) => {
    while (sent < total) await handle.signal(STEWARD.signals.requestRetrain, request(sent++));
  };
  while (sent < SIGNALS) {
    const total = sent + SIGNALS_A_RUN;
    await Promise.all(Array.from({ length: SENDERS }, () => sendTo(total)));
    await until(async () => ((await stateOf(handle)).asked?.count ?? 0) >= total);
  }
  const seconds = (performance.now() - began) / 1000;
  const { asked, counts } = await stateOf(handle);
  const { count: runs } = await client.workflow.count(`WorkflowId = "${handle.workflowId}"`);
  return `${SIGNALS} signals                ${SIGNALS - (asked?.count ?? 0)} lost of ${counts.signals}, over ${runs} runs, in ${seconds.toFixed(1)} s`;
}

async function manyStewards(client: Client, pipeline: string, resident: () => Promise<number>): Promise<string> {
  const before = await resident();
  const handles = await Promise.all(
    Array.from({ length: PIPELINES }, (_, i) => start(client, { pipeline: `${pipeline}-${i + 1}` })),
  );
  await Promise.all(handles.map((handle) => until(async () => (await stateOf(handle)).heldUp === null)));
  for (const handle of handles) await handle.executeUpdate(STEWARD.updates.pause, { args: [{ by: 'bench' }] });
  const after = await resident();
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  return `${PIPELINES} stewards                 orchestrator ${mib(before)} before, ${mib(after)} with them: ${((after - before) / PIPELINES / 1024).toFixed(0)} KiB each`;
}

function start(client: Client, input: StewardInput): Promise<WorkflowHandle> {
  return client.workflow.start('steward', {
    args: [input],
    taskQueue: TASK_QUEUES.orchestrator,
    workflowId: stewardIdOf(input.pipeline),
  });
}

/** A handle of the workflow, not of the run that was started. */
async function stateOf({ client, workflowId }: WorkflowHandle): Promise<StewardSnapshot> {
  return client.getHandle(workflowId).query<StewardSnapshot>(STEWARD.queries.state);
}

function request(i: number): RetrainRequest {
  return { reason: 'bench', triggeredBy: 'bench', requestId: `request-${i}` };
}

/** A `conf` folder with as many pipelines like this one, beside itself. */
async function copiesOf(folder: string, pipeline: string): Promise<string> {
  const conf = join(folder, 'conf');
  await cp(confFolder(), conf, { recursive: true });
  for (let i = 0; i <= PIPELINES; i++) {
    const copy = join(conf, 'pipelines', `${pipeline}-${i}`);
    await cp(join(conf, 'pipelines', pipeline), copy, { recursive: true });
    const definition = JSON.parse(await readFile(join(copy, 'pipeline.json'), 'utf8')) as { name: string };
    await writeFile(join(copy, 'pipeline.json'), JSON.stringify({ ...definition, name: `${pipeline}-${i}` }));
  }
  return conf;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(POLL_MS);
}
