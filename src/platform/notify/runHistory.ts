import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { WORKFLOW_OF_PHASE, type AlertedRun, type Phase } from '../../contracts/index.js';
import { runsOfPipeline } from '../temporal/pipelineRuns.js';

/** More failures in a row than this are told as this many. */
const MOST_FAILURES = 100;

/**
 * The failed runs of data processing since the last that succeeded, and the start of the first of them. The run that
 * asks counts as failed, whatever Temporal's list says of it: it is about to. Cancelled runs count for nothing.
 */
export async function processingFailures(
  client: Client,
  pipeline: string,
  asking: AlertedRun & { startedAt: string },
): Promise<{ failures: number; since: string }> {
  const found = { failures: 1, since: asking.startedAt };
  for await (const run of runsOf(client, pipeline, 'processing', 'ExecutionStatus != "Running"')) {
    if (run.runId === asking.runId || run.status.name === 'CANCELLED') continue;
    if (run.status.name === 'COMPLETED' || found.failures === MOST_FAILURES) break;
    found.failures += 1;
    found.since = run.startTime.toISOString();
  }
  return found;
}

/** Whether a run of inference has succeeded after an instant. */
export async function hasPredictedSince(client: Client, pipeline: string, since: string): Promise<boolean> {
  return hasAny(runsOf(client, pipeline, 'inference', `ExecutionStatus = "Completed" AND CloseTime > "${since}"`));
}

/** Whether a run of inference has begun at an instant or after it, or has succeeded since. */
export async function hasInferredSince(client: Client, pipeline: string, since: string): Promise<boolean> {
  return hasAny(
    runsOf(
      client,
      pipeline,
      'inference',
      `(StartTime >= "${since}" OR (ExecutionStatus = "Completed" AND CloseTime > "${since}"))`,
    ),
  );
}

/** Newest first. */
function runsOf(
  client: Client,
  pipeline: string,
  phase: Phase,
  condition: string,
): AsyncIterable<WorkflowExecutionInfo> {
  return runsOfPipeline(client, pipeline, `WorkflowType = "${WORKFLOW_OF_PHASE[phase]}" AND ${condition}`);
}

async function hasAny(runs: AsyncIterable<unknown>): Promise<boolean> {
  for await (const run of runs) return run !== undefined;
  return false;
}
