import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { PROGRESS_QUERY, type HeartbeatDetails, type Progress, type RunProgress } from '../contracts/index.js';

/** What a workflow at work looks like from outside. */
export interface RunView {
  workflowId: string;
  /** What the workflow says of itself; absent where no worker answers in time. */
  told?: RunProgress;
  activities: ActivityView[];
  /** The attempt at the decision that is due, 1 for the first; absent where none is due. */
  attempt?: number;
  /** Children at work, by the name that the workflow has for them, e.g. `random_forest`. */
  children: Record<string, RunView>;
}

/** An activity that waits or is at work. */
export interface ActivityView {
  type: string;
  /** 1 for the first. */
  attempt: number;
  /** From its newest heartbeat. */
  progress?: Progress;
  /** Why the attempt before this one failed. */
  lastFailure?: string;
}

type RawActivity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** A query waits for a worker; a view doesn't. */
const QUERY_TIMEOUT_MS = 2_000;

/** Looks at a workflow, its pending activities and its children at work. */
export async function viewRun(client: Client, workflowId: string): Promise<RunView> {
  const handle = client.workflow.getHandle(workflowId);
  const [description, told] = await Promise.all([
    handle.describe(),
    // No answer means that no worker took the query yet; the description still tells the rest.
    client
      .withDeadline(Date.now() + QUERY_TIMEOUT_MS, () => handle.query<RunProgress>(PROGRESS_QUERY))
      .catch(() => undefined),
  ]);
  const activities = (description.raw.pendingActivities ?? []).map((activity) => viewActivity(client, activity));
  const children = Object.entries(told?.children ?? {}).map(
    async ([name, id]) => [name, await viewRun(client, id)] as const,
  );
  return {
    workflowId,
    told,
    activities: await Promise.all(activities),
    attempt: description.raw.pendingWorkflowTask?.attempt ?? undefined,
    children: Object.fromEntries(await Promise.all(children)),
  };
}

async function viewActivity(client: Client, raw: RawActivity): Promise<ActivityView> {
  const [details] = await decodeArrayFromPayloads(client.options.loadedDataConverter, raw.heartbeatDetails?.payloads);
  return {
    type: raw.activityType?.name ?? '',
    attempt: raw.attempt ?? 1,
    progress: (details as HeartbeatDetails | undefined)?.progress,
    lastFailure: innermostMessage(raw.lastFailure),
  };
}

function innermostMessage(failure: RawActivity['lastFailure']): string | undefined {
  let innermost = failure;
  while (innermost?.cause) innermost = innermost.cause;
  return innermost?.message ?? undefined;
}

/** Why workers failed at the newest decision of a workflow; `undefined` where they didn't. */
export async function lastTaskFailure(client: Client, workflowId: string): Promise<string | undefined> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const last = (events ?? []).findLast(
    (event) => event.workflowTaskFailedEventAttributes ?? event.workflowTaskCompletedEventAttributes,
  );
  return innermostMessage(last?.workflowTaskFailedEventAttributes?.failure);
}
