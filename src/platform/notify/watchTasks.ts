import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import type { Logger } from '@temporalio/common';
import { listPipelines } from '../../config/load.js';
import type { TasksFailing } from '../../contracts/index.js';
import { messageOf } from '../../errors.js';
import { failingTasks, type FailingTasks } from '../temporal/failingTasks.js';
import { untilStopped, type Repeated } from '../temporal/untilStopped.js';
import { webUiFrom } from './advice.js';
import { raiseFor, type AlertDependencies } from './raiseFor.js';

/** A failing task is told of within a minute, the second attempt and a slow look included. */
const LOOK_EVERY_MS = 20_000;

/**
 * Looks for workflows whose tasks fail, and tells people of those that it knows a pipeline of. Every worker process of
 * a kind may do so: the alert log sees to it that each is told once.
 */
export function watchTasks(
  client: Client,
  dependencies: AlertDependencies,
  log: Logger,
  everyMs = LOOK_EVERY_MS,
): Repeated {
  const logged = new Set<string>();
  /** Pipelines with an alert that may be open; at first any, as an earlier process may have raised it. */
  let told: Set<string> | undefined;

  return untilStopped(look, everyMs, (error) => {
    log.warn('Whether workflow tasks fail can not be told now', { reason: messageOf(error) });
  });

  async function look(signal: AbortSignal): Promise<void> {
    const failing = await failingTasks(client);
    const pipelines = await listPipelines();
    const now = new Set<string>();
    for (const run of failing) {
      const pipeline = run.pipeline ?? pipelineOf(run, pipelines);
      if (!logged.has(run.runId)) log.error('A workflow stands still, as its tasks fail', { ...run, pipeline });
      logged.add(run.runId);
      if (pipeline === undefined) continue;
      now.add(pipeline);
      const { workflowId, runId, type: workflow, attempts, since, reason } = run;
      await tell(
        {
          condition: 'tasks_failing',
          pipeline,
          at: new Date().toISOString(),
          failing: { run: { workflowId, runId }, workflow, attempts, since, reason },
        },
        signal,
      );
    }
    for (const pipeline of told ?? pipelines) {
      if (!now.has(pipeline))
        await tell({ condition: 'tasks_failing', pipeline, at: new Date().toISOString(), failing: null }, signal);
    }
    told = now;
  }

  async function tell(facts: TasksFailing, signal: AbortSignal): Promise<void> {
    const owner = `tasks ${hostname()} ${process.pid}`;
    await raiseFor(dependencies, facts, { owner, signal, log, webUi: webUiFrom(client.options.namespace) });
  }
}

/** By the id, which begins with the pipeline's name: of a run whose first task fails Temporal knows nothing else. */
function pipelineOf({ workflowId }: FailingTasks, pipelines: string[]): string | undefined {
  return pipelines.filter((name) => workflowId.startsWith(`${name}-`)).sort((a, b) => b.length - a.length)[0];
}
