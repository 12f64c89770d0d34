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

/** The last moment at which a run of inference began, or succeeded; `undefined` where Temporal knows of none. */
export async function lastInference(client: Client, pipeline: string): Promise<Date | undefined> {
  let last: Date | undefined;
  for await (const { startTime, closeTime, status } of runsOf(client, pipeline, 'inference')) {
    // Those that are open come first, then the last that ended: what ended before this moment also began before it.
    if (last && closeTime && closeTime <= last) break;
    const moment = closeTime && status.name === 'COMPLETED' ? closeTime : startTime;
    if (!last || moment > last) last = moment;
  }
  return last;
}

/** Newest first. */
function runsOf(
  client: Client,
  pipeline: string,
  phase: Phase,
  condition?: string,
): AsyncIterable<WorkflowExecutionInfo> {
  const ofPhase = `WorkflowType = "${WORKFLOW_OF_PHASE[phase]}"`;
  return runsOfPipeline(client, pipeline, condition === undefined ? ofPhase : `${ofPhase} AND ${condition}`);
}

async function hasAny(runs: AsyncIterable<unknown>): Promise<boolean> {
  for await (const run of runs) return run !== undefined;
  return false;
}
