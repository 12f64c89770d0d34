import { setTimeout } from 'node:timers/promises';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { afterAll, expect, test } from 'vitest';
import {
  SEARCH_ATTRIBUTES,
  STEWARD,
  stewardIdOf,
  type ModelTrainingCompleted,
  type StewardSnapshot,
} from '../../src/contracts/index.js';
import { writeJson } from '../support/anyDocument.js';
import { receiveMail } from '../support/receivers.js';
import { perdure } from '../support/perdure.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { startTestStack } from '../support/testStack.js';
import { createTinyWorld, MONTHS, TINY, tinyEngines, trainTiny } from '../support/tinyPipeline.js';
import { until } from '../support/until.js';

// Monitoring would see a drop in performance, and retrain: here only people ask for something.
const QUIET = { steward: { retrain: { performance_drop: 'off' } } };

const engines = tinyEngines();
const mail = await receiveMail();
afterAll(() => Promise.all([engines.close(), mail.close()]));
const world = await createTinyWorld(engines);
afterAll(() => world.close());
await world.writeGold(MONTHS);
const [first, second] = [nameOf(await trainTiny(world)), nameOf(await trainTiny(world))];
world.configure((config) => Object.assign(config, QUIET));
const stack = await startTestStack(afterAll, world.storeRoot);
const folder = temporaryFolder(afterAll);

function nameOf({ challenger }: ModelTrainingCompleted): string {
  return `${challenger.algorithm} ${challenger.version}`;
}

async function call(command: string): Promise<{ code: number | null; said: string; refused: string }> {
  const { address, namespace } = stack.stack.target;
  const { code, stdout, stderr } = await perdure(folder, command.split(' '), {
    ...{
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
      PERDURE_CONF: process.env.PERDURE_CONF,
      PERDURE_STORE: world.storeRoot,
      PERDURE_USER: 'ana',
    },
    ...{
      PERDURE_SMTP_URL: `smtp://127.0.0.1:${mail.port}`,
      PERDURE_EMAIL_FROM: 'perdure@example.org',
      PERDURE_EMAIL_TO: 'team@example.org',
    },
  });
  return {
    code,
    said: stdout.trimEnd(),
    refused: stderr
      .split('\n')
      .filter((line) => line.startsWith('perdure: '))
      .join('\n'),
  };
}

async function says(command: string): Promise<string> {
  const { code, said, refused } = await call(command);
  expect([refused, code]).toEqual(['', 0]);
  return said;
}

async function json<Result>(command: string): Promise<Result> {
  return JSON.parse(await says(`${command} --json`)) as Result;
}

async function refuses(command: string): Promise<string> {
  const { code, said, refused } = await call(command);
  expect([said, code]).toEqual(['', 1]);
  return refused;
}

test('without a steward the command moves the champion itself, and tells people', async () => {
  expect(await refuses(`steward state ${TINY}`)).toBe(
    'perdure: tiny has no steward; "perdure steward start tiny" starts one.',
  );
  expect(await says(`models rollback ${TINY} --reason worse`)).toBe(
    `champion is now ${first}, no longer ${second}.\nThe next inference uses it.`,
  );
  const letters = mail.received.map(({ message }) => message.replaceAll('=\r\n', '')).join('\n');
  expect(letters).toContain(`${first} is now the champion of tiny, in place of ${second}: worse.`);
  expect(await refuses(`models rollback ${TINY} --reason worse`)).toBe(
    `perdure: There is no version before ${first} to go back to; name one.`,
  );
  expect(await json(`models promote ${TINY} --reason better`)).toMatchObject({
    alias: 'champion',
    reason: 'better',
    by_steward: false,
  });
  expect(await refuses(`models promote ${TINY} --reason again`)).toBe(
    `perdure: ${second} is champion already; name another version.`,
  );
  expect(mail.received).toHaveLength(2);
});

test('versions can be compared, and the moves of an alias read', async () => {
  expect(await says(`models promote ${TINY} champion --alias production --reason release`)).toBe(
    `production is now ${second}.`,
  );
  expect(await says(`models diff ${TINY}`)).toBe(`champion and challenger are the same version, ${second}.`);
  const diff = await says(`models diff ${TINY} champion ${first.replace(' ', '/')}`);
  expect(diff.split('\n')[0]).toMatch(new RegExp(`^ +${second} +${first}$`));
  expect(diff).toMatch(/^trained +\S+Z +\S+Z$/m);
  const history = (await says(`models history ${TINY}`)).split('\n').slice(2);
  expect(history.map((line) => line.replace(/^\S+ \S+ +/, '').split(/ {2,}/))).toEqual([
    [second, 'ana', 'better'],
    [first, 'ana', 'rollback: worse'],
    [second, 'tiny-model-training-local', expect.stringContaining('best oot.roc_auc') as string],
    [first, 'tiny-model-training-local', expect.stringContaining('best oot.roc_auc') as string],
  ]);
  expect(await json(`models history ${TINY} production`)).toMatchObject({
    alias: 'production',
    moves: [{ by: { person: 'ana' }, reason: 'release' }],
  });
});

test('where there is a steward, it moves the champion, knows of it, and starts inference', async () => {
  expect(await says(`steward start ${TINY}`)).toBe('tiny-steward runs for tiny.');
  expect(await json(`steward start ${TINY}`)).toMatchObject({ workflow_id: 'tiny-steward' });
  const query = () => stack.client.workflow.getHandle(stewardIdOf(TINY)).query<StewardSnapshot>(STEWARD.queries.state);
  await until(async () => (await query()).champion !== null);

  expect(await says(`models rollback ${TINY} --reason second_thoughts`)).toBe(
    `champion is now ${first}, no longer ${second}.\nThe steward starts inference with it.`,
  );
  expect(await says(`steward promote ${TINY} challenger`)).toBe(
    `champion is now ${second}, no longer ${first}; inference with it follows.`,
  );
  expect(await refuses(`steward promote ${TINY} ${second.replace(' ', '/')}`)).toBe(
    `perdure: ${second} is champion already.`,
  );
  expect(await json(`steward rollback ${TINY}`)).toMatchObject({
    model: { version: first.split(' ')[1] },
    reason: 'asked of the steward',
  });
  const state = await says(`steward state ${TINY}`);
  expect(state).toMatch(new RegExp(`^  champion    ${first}$`, 'm'));
  expect(state).toContain(`champion moved to ${first} by ana: second_thoughts`);
  expect(state).toMatch(/inference started because of a new champion: tiny-steward-inference-\d+/);
});

test('people pause it, approve, decline and resume, and are told what makes no sense', async () => {
  const steward = stack.client.workflow.getHandle(stewardIdOf(TINY));
  expect(await says(`steward pause ${TINY} --reason audit`)).toBe(
    'Paused: what is asked is kept, and nothing is started.',
  );
  expect(await refuses(`steward pause ${TINY}`)).toMatch(/^perdure: ana paused it already, at \S+Z\.$/);
  for (const report of ['report_1', 'report_2'])
    await steward.signal(STEWARD.signals.driftDetected, { severity: 'moderate', report });
  await until(async () => (await steward.query<StewardSnapshot>(STEWARD.queries.state)).awaitingApproval?.count === 2);

  const state = await says(`steward state ${TINY}`);
  expect(state).toMatch(/^  paused      by ana at \S+ \S+: audit$/m);
  expect(state).toMatch(
    /^  to approve  2 requests since \S+ \S+: drift \(drift:report_1\), drift \(drift:report_2\)$/m,
  );
  expect(await refuses(`steward approve ${TINY} --request drift:report_7`)).toBe(
    'perdure: No request drift:report_7 waits for approval; these do: drift:report_1, drift:report_2.',
  );
  expect(await says(`steward approve ${TINY} --decline --request drift:report_1`)).toBe(
    'Declined: 1 request will not be trained for.',
  );
  expect(await json(`steward approve ${TINY} --decline`)).toEqual({ approved: false, requests: 1, starts_at: null });
  expect(await refuses(`steward approve ${TINY}`)).toBe('perdure: Nothing waits for approval.');
  expect(await says(`steward resume ${TINY}`)).toBe('Resumed.');
  expect(await json(`steward state ${TINY}`)).toMatchObject({
    state: { paused: null, counts: { trainings: 0 } },
    history: expect.any(Array) as unknown[],
  });
});

test('status shows the runs that say they are of the pipeline, whatever their ids', async () => {
  const { client } = stack;
  const of = (pipeline: string) =>
    new TypedSearchAttributes([
      { key: defineSearchAttributeKey(SEARCH_ATTRIBUTES.pipeline, 'KEYWORD'), value: pipeline },
    ]);
  const start = (workflowId: string, pipeline: string) =>
    client.workflow.start('modelTraining', {
      workflowId,
      taskQueue: 'nowhere',
      args: [{ pipeline }],
      typedSearchAttributes: of(pipeline),
    });
  const handles = [await start('started-elsewhere', TINY), await start(`${TINY}-eu-training`, `${TINY}-eu`)];
  const shown = async () =>
    (await json<{ runs: { workflow_id: string }[] }>(`status ${TINY}`)).runs.map(({ workflow_id }) => workflow_id);
  await until(async () => (await shown()).includes('started-elsewhere'));
  expect(await shown()).not.toContain(`${TINY}-eu-training`);
  await Promise.all(handles.map((handle) => handle.terminate()));
});

test('a training that is started while another runs waits for its end, and then trains', async () => {
  const { client } = stack;
  const running = { workflowId: 'by-hand', taskQueue: 'nowhere', args: [{ pipeline: TINY }] };
  const { firstExecutionRunId: runId } = await client.workflow.start('modelTraining', running);
  const claim = { workflowId: 'by-hand', runId, startedAt: new Date().toISOString() };
  await writeJson(world.stores.modelRegistry, 'model_registry/training.json', claim);
  const beside = call(`train ${TINY} --algorithm logistic_regression --json`);
  await setTimeout(5_000);
  await client.workflow.getHandle('by-hand').terminate();
  const { code, said } = await beside;
  expect([code, JSON.parse(said)]).toMatchObject([0, { training: { status: 'completed' } }]);
});
