import type { WorkflowHandle } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import { temporal } from '@temporalio/proto';

const { PENDING_ACTIVITY_STATE_STARTED: STARTED } = temporal.api.enums.v1.PendingActivityState;

/** An activity that a worker has, as far as the server knows. */
export interface ActivityAtWork {
  id: string;
  type: string;
  /** 1 for the first. */
  attempt: number;
  /** Number of the worker's process. */
  worker: number;
}

/** The activities of a run that a worker has; none of a run that hasn't begun. */
export async function atWork(run: WorkflowHandle): Promise<ActivityAtWork[]> {
  if (!(await hasBegun(run))) return [];
  const { raw } = await run.describe();
  return (raw.pendingActivities ?? [])
    .filter(({ state }) => state === STARTED)
    .map(({ activityId, activityType, attempt, lastWorkerIdentity }) => ({
      id: activityId!,
      type: activityType!.name!,
      attempt: attempt!,
      worker: processOf(lastWorkerIdentity!),
    }));
}

export async function isAtWork(run: WorkflowHandle, type: string): Promise<boolean> {
  return (await atWork(run)).some((activity) => activity.type === type);
}

/** Whether a run has asked for an activity, be it over or not. */
export async function wasScheduled(run: WorkflowHandle, type: string): Promise<boolean> {
  const { events } = await run.fetchHistory();
  return (events ?? []).some((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === type);
}

/** What a run waits for, for a person who asks why it doesn't end. */
export async function pendingOf(run: WorkflowHandle) {
  const { raw } = await run.describe();
  return { run: run.workflowId, status: raw.workflowExecutionInfo?.status, pending: raw.pendingActivities };
}

/** Whether a child was started yet. */
export async function hasBegun(run: WorkflowHandle): Promise<boolean> {
  try {
    await run.describe();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Workers are named after their queue, host and process. */
export function processOf(identity: string): number {
  return Number(identity.split(':').at(-1));
}
