import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { SEARCH_ATTRIBUTES, WORKFLOW_OF_PART, type AlertedRun, type PipelinePart } from '../contracts/index.js';

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
  for await (const run of endedRuns(client, pipeline, 'processing')) {
    if (run.runId === asking.runId || run.status.name === 'CANCELLED') continue;
    if (run.status.name === 'COMPLETED' || found.failures === MOST_FAILURES) break;
    found.failures += 1;
    found.since = run.startTime.toISOString();
  }
  return found;
}

/** Whether a run of inference has succeeded after an instant. */
export async function hasPredictedSince(client: Client, pipeline: string, since: string): Promise<boolean> {
  const query = `${runsOf(pipeline, 'inference')} AND ExecutionStatus = "Completed" AND CloseTime > "${since}"`;
  const { count } = await client.workflow.count(query);
  return count > 0;
}

/** Whether a run of inference has begun at an instant or after it, or has succeeded since. */
export async function hasInferredSince(client: Client, pipeline: string, since: string): Promise<boolean> {
  const { count } = await client.workflow.count(`${runsOf(pipeline, 'inference')} AND (StartTime >= "${since}" OR (ExecutionStatus = "Completed" AND CloseTime > "${since}"))`);
  return count > 0;
}

/** Newest first. */
function endedRuns(client: Client, pipeline: string, part: PipelinePart): AsyncIterable<WorkflowExecutionInfo> {
  return client.workflow.list({ query: `${runsOf(pipeline, part)} AND ExecutionStatus != "Running"` });
}

function runsOf(pipeline: string, part: PipelinePart): string {
  return `${SEARCH_ATTRIBUTES.pipeline} = "${pipeline}" AND WorkflowType = "${WORKFLOW_OF_PART[part]}"`;
}
