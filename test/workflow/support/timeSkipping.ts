import { randomUUID } from 'node:crypto';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { afterAll, beforeAll } from 'vitest';
import type { Workflows } from '../../../src/client.js';
import { stewardIdOf, TASK_QUEUES, type AlgorithmTrained, type InferenceOutageInput, type StewardInput, type TrainAlgorithmInput } from '../../../src/contracts/index.js';
import { timeSkippingServer } from '../../../src/setup/timeSkippingServer.js';
import { requireTool } from '../../../src/setup/tool.js';
import { addSearchAttributes } from '../../../src/temporal/searchAttributes.js';
import { fakeActivities, type Activities, type Fakes } from './fakeActivities.js';
import { bundleWorkflows, withWorkers } from './workers.js';

export type AllWorkflows = Workflows & {
  trainAlgorithm(input: TrainAlgorithmInput): Promise<AlgorithmTrained>;
  inferenceOutage(input: InferenceOutageInput): Promise<void>;
  steward(input: StewardInput): Promise<void>;
};

/** A workflow under test, started. */
export interface Started<Name extends keyof AllWorkflows> {
  handle: WorkflowHandle<AllWorkflows[Name]>;
  calls: Fakes['calls'];
  env: TestWorkflowEnvironment;
}

/** Temporal's test server for the tests of one file; its clock leaps over timers while a result is awaited. */
export class TimeSkipping {
  private env?: TestWorkflowEnvironment;
  private bundle?: WorkflowBundleWithSourceMap;

  constructor() {
    beforeAll(async () => {
      const { path } = await requireTool(timeSkippingServer);
      this.bundle = await bundleWorkflows();
      this.env = await TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', path } } });
      // This server can't list them.
      await addSearchAttributes(this.env.connection, 'default');
    });
    afterAll(() => this.env?.teardown());
  }

  /** Runs a workflow to its end, with `changes` to the activities of {@link fakeActivities}. */
  async run<Name extends keyof AllWorkflows>(name: Name, input: Parameters<AllWorkflows[Name]>[0], changes: Partial<Activities> = {}) {
    return this.during(name, input, changes, async ({ handle, calls }) => ({ result: await handle.result(), calls }));
  }

  /** Runs a workflow that is to fail; tells its innermost failure. */
  async fail<Name extends keyof AllWorkflows>(name: Name, input: Parameters<AllWorkflows[Name]>[0], changes: Partial<Activities> = {}) {
    return this.during(name, input, changes, async ({ handle, calls }) => ({ failure: await failureOf(handle), calls }));
  }

  /** Starts a workflow and gives it to `watch`. */
  async during<Name extends keyof AllWorkflows, Seen>(
    name: Name,
    input: Parameters<AllWorkflows[Name]>[0],
    changes: Partial<Activities>,
    watch: (started: Started<Name>) => Promise<Seen>,
  ): Promise<Seen> {
    const { env, bundle } = this;
    if (!env || !bundle) throw new Error('the test server is not up yet');
    const { activities, calls } = fakeActivities(changes);
    return withWorkers(env, bundle, activities, async () => {
      const args = [input] as Parameters<AllWorkflows[Name]>;
      // Whoever tells a steward something finds it by its id.
      const workflowId = name === 'steward' && 'pipeline' in input ? stewardIdOf(input.pipeline) : `test-${randomUUID()}`;
      const handle = await env.client.workflow.start<AllWorkflows[Name]>(name, { args, taskQueue: TASK_QUEUES.orchestrator, workflowId });
      return watch({ handle, calls, env });
    });
  }
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
