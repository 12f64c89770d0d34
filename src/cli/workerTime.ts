import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import { parseSize, type WorkerSize } from '../sizes/workerSize.js';
import { WORKERS } from '../temporal/workers.js';

/** A piece of work in a worker process. */
export interface Work {
  /** The process: its host and number. */
  process: string;
  /** As {@link WORKERS} calls its task queue, e.g. `model-training`. */
  worker: string;
  size: WorkerSize;
  /** Milliseconds since the epoch. */
  from: number;
  to: number;
}

type History = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;

/**
 * What the activities of a run took, and those of its children, from start to close: of an activity that was tried
 * again the last attempt, as histories keep no other. A run whose history is gone took nothing.
 */
export async function workOf(client: Client, workflowId: string, runId: string): Promise<Work[]> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory().catch(ifGone);
  const ofChildren = childrenIn(events).map((child) => workOf(client, child.workflowId, child.runId));
  return [...activitiesIn(events), ...(await Promise.all(ofChildren)).flat()];
}

function ifGone(error: unknown): Pick<History, 'events'> {
  if (error instanceof WorkflowNotFoundError) return { events: [] };
  throw error;
}

function childrenIn(events: History['events']): { workflowId: string; runId: string }[] {
  return (events ?? []).flatMap(({ childWorkflowExecutionStartedEventAttributes: started }) => {
    const { workflowId, runId } = started?.workflowExecution ?? {};
    return workflowId && runId ? [{ workflowId, runId }] : [];
  });
}

function activitiesIn(events: History['events']): Work[] {
  const starts = new Map<string, { identity: string; from: number }>();
  const work: Work[] = [];
  for (const event of events ?? []) {
    const at = tsToMs(event.eventTime);
    const started = event.activityTaskStartedEventAttributes;
    if (started) starts.set(String(event.eventId), { identity: started.identity ?? '', from: at });
    const closed =
      event.activityTaskCompletedEventAttributes ??
      event.activityTaskFailedEventAttributes ??
      event.activityTaskTimedOutEventAttributes ??
      event.activityTaskCanceledEventAttributes;
    const start = closed && starts.get(String(closed.startedEventId));
    if (start) work.push({ ...workerOf(start.identity), from: start.from, to: at });
  }
  return work;
}

/** Reads what a worker of Perdure calls itself, `model-training 2x4@host:123`; any other counts as of the smallest size. */
function workerOf(identity: string): Pick<Work, 'process' | 'worker' | 'size'> {
  const [, queue, size, process] = /^(\S+) (\S+)@(.+)$/.exec(identity) ?? [];
  // The queue of operations is polled by the process of data processing.
  const worker = Object.values(WORKERS).find(({ taskQueue }) => taskQueue === queue) ?? WORKERS.dataProcessing;
  return { process: process ?? identity, worker: worker.taskQueue, size: size === undefined ? worker.size : parseSize(size, `The worker ${identity}`) };
}

/** Seconds that a process was at work: activities side by side count once. */
export function busySeconds(work: Pick<Work, 'from' | 'to'>[]): number {
  let [ms, until] = [0, -Infinity];
  for (const { from, to } of [...work].sort((a, b) => a.from - b.from)) {
    ms += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  return ms / 1000;
}
