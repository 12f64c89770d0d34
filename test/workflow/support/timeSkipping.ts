import { randomUUID } from 'node:crypto';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, type RetryPolicy } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, inject, onTestFinished } from 'vitest';
import type { Workflows } from '../../../src/client.js';
import {
  stewardIdOf,
  TASK_QUEUES,
  type Activities,
  type AlgorithmTrained,
  type InferenceOutageInput,
  type LifecycleOfPeriodInput,
  type PeriodRecord,
  type StewardInput,
  type TrainAlgorithmInput,
} from '../../../src/contracts/index.js';
import { timeSkippingServer } from '../../../src/platform/setup/timeSkippingServer.js';
import { requireTool } from '../../../src/platform/setup/tool.js';
import { addSearchAttributes } from '../../../src/platform/temporal/searchAttributes.js';
import { until } from '../../support/until.js';
import { fakeActivities, type Fakes } from './fakeActivities.js';
import { isAsleep } from './asleep.js';
import { startWorkers } from './workers.js';

export type AllWorkflows = Workflows & {
  lifecycleOfPeriod(input: LifecycleOfPeriodInput): Promise<PeriodRecord>;
  trainAlgorithm(input: TrainAlgorithmInput): Promise<AlgorithmTrained>;
  inferenceOutage(input: InferenceOutageInput): Promise<void>;
  steward(input: StewardInput): Promise<void>;
};

/** A workflow under test, started. */
export interface Started<Name extends keyof AllWorkflows> {
  handle: WorkflowHandle<AllWorkflows[Name]>;
  calls: Fakes['calls'];
  env: TestWorkflowEnvironment;
  /**
   * Lets so much time pass, once a workflow does nothing but wait for a timer: this one, or the one of that id. Where a
   * run is to end in that time, let it be at its very end.
   */
  leap: (milliseconds: number, workflowId?: string) => Promise<void>;
}

/** A server whose clock leaps does so at once; one that is given up too soon costs two seconds, and nothing else. */
const LEAP_PATIENCE_MS = 1_000;

/**
 * Temporal's test server for the tests of one file. Its clock leaps over timers while a result is awaited, or a `leap`,
 * and nothing is at work. What outlives its workflow, such as an activity of one that was cancelled or terminated, is
 * at work for ever to this server (temporalio/sdk-java#1138), and its clock then keeps to the real time. So each test
 * begins with a server whose clock does leap, and a test that needs it to terminates nothing before.
 */
export class TimeSkipping {
  private env?: TestWorkflowEnvironment;

  constructor() {
    beforeAll(async () => {
      this.env = await createServer();
    });
    afterAll(() => this.env?.teardown());
  }

  /** Runs a workflow to its end, with `changes` to the activities of {@link fakeActivities}. */
  async run<Name extends keyof AllWorkflows>(
    name: Name,
    input: Parameters<AllWorkflows[Name]>[0],
    changes: Partial<Activities> = {},
  ) {
    return this.during(name, input, changes, async ({ handle, calls }) => ({ result: await handle.result(), calls }));
  }

  /** Runs a workflow that is to fail; tells its innermost failure, and how many seconds it took by the server's clock. */
  async fail<Name extends keyof AllWorkflows>(
    name: Name,
    input: Parameters<AllWorkflows[Name]>[0],
    changes: Partial<Activities> = {},
  ) {
    return this.during(name, input, changes, async ({ handle, calls }) => {
      const failure = await failureOf(handle);
      const { startTime, closeTime } = await handle.describe();
      return { failure, calls, lasted: (closeTime!.getTime() - startTime.getTime()) / 1000 };
    });
  }

  /** Starts a workflow and gives it to `watch`; `retry` is as a schedule would have it. */
  async during<Name extends keyof AllWorkflows, Seen>(
    name: Name,
    input: Parameters<AllWorkflows[Name]>[0],
    changes: Partial<Activities>,
    watch: (started: Started<Name>) => Promise<Seen>,
    retry?: RetryPolicy,
  ): Promise<Seen> {
    const env = await this.soundServer();
    const { activities, calls } = fakeActivities(changes);
    const stop = await startWorkers(env, { codePath: inject('workflowBundle') }, activities);
    // A test that ran out of time must not leave its workers to the next one.
    onTestFinished(stop);
    try {
      const args = [input] as Parameters<AllWorkflows[Name]>;
      // Whoever tells a steward something finds it by its id.
      const workflowId =
        name === 'steward' && 'pipeline' in input ? stewardIdOf(input.pipeline) : `test-${randomUUID()}`;
      const handle = await env.client.workflow.start<AllWorkflows[Name]>(name, {
        args,
        taskQueue: TASK_QUEUES.orchestrator,
        workflowId,
        ...(retry && { retry }),
      });
      return await watch({ handle, calls, env, leap: (milliseconds, id = workflowId) => leap(env, milliseconds, id) });
    } finally {
      await stop();
    }
  }

  private async soundServer(): Promise<TestWorkflowEnvironment> {
    if (!this.env) throw new Error('the test server is not up yet');
    if (await leaps(this.env)) return this.env;
    await this.env.teardown();
    this.env = await createServer();
    return this.env;
  }
}

function leaps(env: TestWorkflowEnvironment): Promise<boolean> {
  return env.connection
    .withDeadline(Date.now() + LEAP_PATIENCE_MS, () => env.sleep('1 minute'))
    .then(
      () => true,
      () => false,
    );
}

async function createServer(): Promise<TestWorkflowEnvironment> {
  const { path } = await requireTool(timeSkippingServer);
  const start = () =>
    TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', path } } });
  // The SDK gives it 5 s to start, which is too short now and then on a machine that is busy with other tests.
  const env = await start().catch(start).catch(start);
  // This server can't list them.
  await addSearchAttributes(env.connection, 'default');
  return env;
}

async function leap(env: TestWorkflowEnvironment, milliseconds: number, workflowId: string): Promise<void> {
  const sleeper = env.client.workflow.getHandle(workflowId);
  await until(async () => isAsleep(await sleeper.fetchHistory()));
  await env.sleep(milliseconds);
}

/** The innermost failure of a run that failed. */
export async function failureOf(handle: WorkflowHandle): Promise<{ type: string; message: string }> {
  const error: unknown = await handle.result().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof WorkflowFailedError)) throw new Error('the run was expected to fail', { cause: error });
  let failure = error.cause;
  while (failure?.cause instanceof Error) failure = failure.cause;
  const type = failure instanceof ApplicationFailure ? failure.type : failure?.name;
  return { type: type ?? '', message: failure?.message ?? '' };
}
