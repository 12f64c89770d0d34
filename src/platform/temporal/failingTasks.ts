import { WorkflowNotFoundError, type Client, type WorkflowExecutionInfo } from '@temporalio/client';
import proto from '@temporalio/proto';
import { clipped, WORKFLOW_TYPES } from '../../contracts/index.js';
import { runsOfPipeline, toldPipeline } from './pipelineRuns.js';
import { countOf } from '../../contracts/counts.js';

const { EventType, WorkflowTaskFailedCause } = proto.temporal.api.enums.v1;

/** A run that stands still because its workflow tasks fail, or time out, again and again. */
export interface FailingTasks {
  workflowId: string;
  runId: string;
  /** `steward`, `modelTraining`, ... */
  type: string;
  /** Of the pipeline that it belongs to; `null` where the first task failed, before it could say. */
  pipeline: string | null;
  /** Attempts at the same workflow task so far. */
  attempts: number;
  /** ISO 8601 instant of the first of them. */
  since: string;
  /** What the last failure said. */
  reason: string;
}

/** More open runs than this are not looked at one by one: the newest are, and the stewards. */
const LOOKED_AT = 500;
const AT_ONCE = 10;
/** A task that times out once has lost its worker, which another makes up for; three in a row have a cause. */
const TIMEOUTS_TOLERATED = 2;
/** Of a run's last events: the failure of the present task is among them. */
const LAST_EVENTS = 10;

/**
 * The open runs of Perdure's workflows whose tasks fail. Temporal goes on trying them for ever, and lists them as
 * running. Costs one list, and one short call per open run.
 *
 * @param pipeline whose; by default of all
 */
export async function failingTasks(client: Client, pipeline?: string): Promise<FailingTasks[]> {
  const open = `ExecutionStatus = "Running" AND WorkflowType IN (${WORKFLOW_TYPES.map((type) => `"${type}"`).join(', ')})`;
  // A workflow whose first task fails could not say whose it is; its id is all there is.
  const isOwn = ({ workflowId }: WorkflowExecutionInfo) => workflowId.startsWith(`${pipeline}-`);
  const listed =
    pipeline === undefined ? client.workflow.list({ query: open }) : runsOfPipeline(client, pipeline, open, isOwn);
  const runs: WorkflowExecutionInfo[] = [];
  for await (const run of listed) {
    if (runs.length < LOOKED_AT || run.type === 'steward') runs.push(run);
  }
  const found: FailingTasks[] = [];
  const waiting = runs.values();
  const lane = async () => {
    for (const run of waiting) {
      const failing = await look(client, run);
      if (failing) found.push(failing);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, runs.length) }, lane));
  return found.sort((a, b) => a.since.localeCompare(b.since));
}

/** For people, with what to do. */
export function describeFailing({ workflowId, attempts, since, reason }: FailingTasks): string {
  return (
    `${workflowId} stands still since ${since}: its workflow task has failed ${countOf(attempts, 'time')} (${clipped(reason, REASON_BYTES).replace(/\.$/, '')}). ` +
    'It goes on by itself once the cause is gone; run a version without the fault, or end it with "temporal workflow terminate".'
  );
}

/** Of a failure that may carry what a stranger sent. */
const REASON_BYTES = 500;

async function look(client: Client, run: WorkflowExecutionInfo): Promise<FailingTasks | undefined> {
  const { workflowId, runId, type } = run;
  const execution = { workflowId, runId };
  try {
    const { namespace } = client.options;
    const { pendingWorkflowTask: task } = await client.workflowService.describeWorkflowExecution({
      namespace,
      execution,
    });
    const attempts = task?.attempt ?? 0;
    if (!task || attempts < 2) return undefined;
    const reason = await lastFailure(client, execution, attempts);
    if (reason === undefined) return undefined;
    return {
      workflowId,
      runId,
      type,
      pipeline: toldPipeline(run) ?? null,
      attempts,
      since: instant(task.originalScheduledTime ?? task.scheduledTime),
      reason,
    };
  } catch (error) {
    // It ended meanwhile.
    if (error instanceof WorkflowNotFoundError || (error as { code?: number }).code === NOT_FOUND) return undefined;
    throw error;
  }
}

const NOT_FOUND = 5;

/** What made the present task fail; `undefined` where it did not, or for a reason that passes by itself. */
async function lastFailure(
  client: Client,
  execution: { workflowId: string; runId: string },
  attempts: number,
): Promise<string | undefined> {
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: client.options.namespace,
    execution,
    maximumPageSize: LAST_EVENTS,
  });
  for (const { eventType, workflowTaskFailedEventAttributes: failed } of history?.events ?? []) {
    if (eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED) break;
    if (failed && failed.cause !== WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND) {
      return failed.failure?.message || `its workflow task failed (${WorkflowTaskFailedCause[failed.cause ?? 0]})`;
    }
  }
  return attempts > TIMEOUTS_TOLERATED
    ? 'its workflow task timed out again and again; look into the log of the orchestrator worker'
    : undefined;
}

function instant(time: { seconds?: unknown; nanos?: number | null } | null | undefined): string {
  return new Date(Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6).toISOString();
}
