import { randomBytes, randomUUID } from 'node:crypto';
import { Client } from '@temporalio/client';
import { encodingKeys, METADATA_ENCODING_KEY, type Payload } from '@temporalio/common';
import { encode } from '@temporalio/common/lib/encoding.js';
import proto from '@temporalio/proto';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  STEWARD,
  stewardIdOf,
  TASK_QUEUES,
  type StewardEvent,
  type StewardInput,
  type StewardSnapshot,
  WORKFLOW_TYPES,
} from '../../src/contracts/index.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { dataConverterFrom } from '../../src/platform/temporal/dataConverter.js';
import { connectFresh } from '../support/testServer.js';
import { until } from '../support/until.js';
import { fakeActivities } from '../workflow/support/fakeActivities.js';
import { bundleWorkflows, startWorkers } from '../workflow/support/workers.js';

const { UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED: COMPLETED } =
  proto.temporal.api.enums.v1.UpdateWorkflowExecutionLifecycleStage;
const {
  WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND: UNHANDLED_COMMAND,
  WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_UPDATE: UNHANDLED_UPDATE,
} = proto.temporal.api.enums.v1.WorkflowTaskFailedCause;

const SIGNALS = 250;
const UPDATES = 250;
/** The server admits ten updates of one workflow at once. */
const AT_ONCE = 8;

const random = new Mt19937(20_261_126);
const below = (limit: number) => random.uint32() % limit;
const oneOf = <Item>(items: readonly Item[]): Item => items[below(items.length)]!;

const bytes = (length: number) => Uint8Array.from({ length }, () => below(256));
const text = (length: number) => 'ab"\\ä\u0000\ud800😀\n'.repeat(length).slice(0, length);
const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;

/** JSON that no handler may take for a message of its own. */
const VALUES = [
  'null',
  'true',
  '0',
  '-1e999',
  '""',
  '"text"',
  '[]',
  '[null]',
  '{}',
  '[[[]]]',
  '{"__proto__": {"by": "eve", "requestId": "r", "reason": "r"}}',
  '{"constructor": {"prototype": {}}, "toString": 1}',
  '{"by": {"toString": null}}',
  '{"by": ""}',
  '{"by": 7, "reason": []}',
  '{"by": "eve", "model": {"alias": "../x"}}',
  '{"by": "eve", "approved": "no"}',
  '{"by": "eve", "unknown": 1}',
  '{"requestId": 1, "reason": {}}',
  '{"requestId": "", "reason": ""}',
  '{"requestId": "a", "reason": "b", "asOf": "yesterday"}',
  '{"requestId": "a", "reason": "b", "asOf": 1e99}',
  '{"severity": "fatal", "report": "r"}',
  '{"severity": "severe"}',
  '{"workflowId": "w", "runId": "r", "phase": "__proto__", "outcome": "completed"}',
  '{"workflowId": "w", "runId": "r", "phase": "training", "outcome": "constructor"}',
  '{"workflowId": "w", "runId": "r", "phase": "inference", "outcome": "completed", "asOf": {}}',
];

function value(): string {
  switch (below(5)) {
    case 0:
      return deep(1 + below(20_000));
    case 1:
      return JSON.stringify({ by: text(below(50_000)), requestId: text(below(50_000)), reason: text(1) });
    default:
      return oneOf(VALUES);
  }
}

function payload(): Payload {
  const withEncoding = (encoding: Uint8Array, data: Uint8Array): Payload => ({
    metadata: { [METADATA_ENCODING_KEY]: encoding },
    data,
  });
  switch (below(8)) {
    case 0:
      return {};
    case 1:
      return { data: bytes(below(50)) };
    case 2:
      return withEncoding(bytes(5), bytes(10));
    case 3:
      return withEncoding(encodingKeys.METADATA_ENCODING_JSON, bytes(below(100)));
    case 4:
      return {
        metadata: { [METADATA_ENCODING_KEY]: encode('binary/encrypted'), 'encryption-key-id': bytes(3) },
        data: bytes(below(60)),
      };
    case 5:
      return withEncoding(
        oneOf([
          encodingKeys.METADATA_ENCODING_PROTOBUF,
          encodingKeys.METADATA_ENCODING_PROTOBUF_JSON,
          encodingKeys.METADATA_ENCODING_NULL,
          encodingKeys.METADATA_ENCODING_RAW,
        ]),
        bytes(10),
      );
    default:
      return withEncoding(encodingKeys.METADATA_ENCODING_JSON, encode(value()));
  }
}

const args = () =>
  oneOf([
    null,
    { payloads: [] },
    ...Array.from({ length: 6 }, () => ({ payloads: [payload()] })),
    { payloads: [payload(), payload()] },
  ]);
const header = () => (below(4) === 0 ? { fields: { [oneOf(['_tracer-data', 'x'])]: payload() } } : undefined);
const nameOf = (known: object) =>
  oneOf([
    ...Object.values(known),
    ...Object.values(known),
    'nope',
    '__temporal_x',
    '__proto__',
    '__stack_trace',
    'constructor',
    text(40).replaceAll('\ud800', ''),
  ]) as string;

describe('a steward that strangers send what they like', () => {
  test(`outlives ${SIGNALS} malformed signals and ${UPDATES} malformed updates, and trains when it is asked to`, async () => {
    const server = await connectFresh();
    const { activities, calls } = fakeActivities();
    // Payloads that name a key which nobody has come with the others.
    const env = { PERDURE_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
    const client = new Client({
      connection: server.client.connection,
      namespace: server.namespace,
      dataConverter: dataConverterFrom(env),
    });
    onTestFinished(await startWorkers(server, await bundleWorkflows(), activities, env));
    const workflowId = stewardIdOf('fuzzed');
    // It continues as new on the way, and carries along what it was sent.
    const input: StewardInput = { pipeline: 'fuzzed', signalsARun: 100 };
    const first = await client.workflow.start('steward', {
      args: [input],
      taskQueue: TASK_QUEUES.orchestrator,
      workflowId,
    });
    const steward = client.workflow.getHandle(workflowId);

    const refused = { updates: 0 };
    await inTurns(SIGNALS, () => signal(client, workflowId));
    await inTurns(UPDATES, async () => {
      // Not `+= await`, which would read the count before the others have added to it.
      if (await update(client, workflowId)) refused.updates += 1;
    });

    expect(refused.updates).toBe(UPDATES);
    const state = () => steward.query<StewardSnapshot>(STEWARD.queries.state);
    await until(async () => (await state()).counts.signals === SIGNALS);
    // None of them was what it should be, so each is counted, and none had a consequence.
    expect(await state()).toMatchObject({
      counts: { ignored: SIGNALS, trainings: 0, runs: 0 },
      asked: null,
      awaitingApproval: null,
      paused: null,
      inFlight: {},
    });
    const history = await steward.query<StewardEvent[]>(STEWARD.queries.history);
    expect(history.filter(({ what }) => what.startsWith('ignored the signal')).length).toBeGreaterThan(20);

    await steward.signal(STEWARD.signals.requestRetrain, {
      reason: 'the real thing',
      requestId: 'real',
      triggeredBy: 'ana',
    });
    await until(() => calls.preprocess.length === 1);
    expect(await steward.executeUpdate(STEWARD.updates.pause, { args: [{ by: 'ana' }] })).toMatchObject({
      paused: { by: 'ana' },
    });

    const { runId } = await steward.describe();
    expect(runId).not.toBe(first.firstExecutionRunId);
    for (const run of [first.firstExecutionRunId, runId]) {
      const { events } = await client.workflow.getHandle(workflowId, run).fetchHistory();
      const failed = (events ?? []).flatMap(({ workflowTaskFailedEventAttributes: attributes }) => attributes ?? []);
      // That a signal or an update came in while the run was about to continue as new is no fault.
      const faults = failed.filter(({ cause }) => cause !== UNHANDLED_COMMAND && cause !== UNHANDLED_UPDATE);
      expect(faults.map(({ cause, failure }) => ({ cause, message: failure?.message }))).toEqual([]);
    }
  });

  test.each(WORKFLOW_TYPES)(
    'a %s that is started with anything else than its input fails at once, in a sentence',
    async (type) => {
      const server = await connectFresh();
      onTestFinished(await startWorkers(server, await bundle, fakeActivities().activities));
      const inputs = [
        null,
        { payloads: [] },
        ...Array.from({ length: 8 }, () => ({ payloads: [payload()] })),
        { payloads: [json('{"pipeline": "churn", "constructor": {}, "__proto__": 1}')] },
      ];
      const runs = inputs.map(async (input) => {
        const workflowId = randomUUID();
        await server.client.workflowService.startWorkflowExecution({
          namespace: server.namespace,
          workflowId,
          workflowType: { name: type },
          taskQueue: { name: TASK_QUEUES.orchestrator },
          input,
          requestId: randomUUID(),
        });
        const error: unknown = await server.client.workflow
          .getHandle(workflowId)
          .result()
          .catch((reason: unknown) => reason);
        return (error as { cause?: Error }).cause?.message;
      });
      for (const message of await Promise.all(runs))
        expect(message).toMatch(/^The input of \w+ can't be used \(.+\); correct it and start again\.$/);
    },
  );
});

const bundle = bundleWorkflows();

function json(data: string): Payload {
  return { metadata: { [METADATA_ENCODING_KEY]: encodingKeys.METADATA_ENCODING_JSON }, data: encode(data) };
}

async function inTurns(times: number, work: () => Promise<void>): Promise<void> {
  let left = times;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left > 0) {
        left -= 1;
        await work();
      }
    }),
  );
}

async function signal(client: Client, workflowId: string): Promise<void> {
  await client.workflowService.signalWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId },
    signalName: nameOf(STEWARD.signals),
    input: args(),
    header: header(),
    requestId: randomUUID(),
  });
}

/** Whether the steward refused it. */
async function update(client: Client, workflowId: string): Promise<boolean> {
  const { outcome } = await client.workflowService.updateWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId },
    waitPolicy: { lifecycleStage: COMPLETED },
    request: {
      meta: { updateId: randomUUID() },
      input: { name: nameOf(STEWARD.updates), args: args(), header: header() },
    },
  });
  return outcome?.failure !== undefined && outcome.failure !== null;
}
