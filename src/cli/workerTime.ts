import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { tsToMs } from '@temporalio/common/lib/time.js';
import { TASK_QUEUES, type TaskUse } from '../contracts/index.js';
import { GIB, parseResources, type Resources } from '../platform/resources/resources.js';
import { WORKERS } from '../platform/temporal/workers.js';

/** A piece of work in a worker process, or a task of Amazon ECS. */
export interface Work {
  /** The process, by its host and number, or the task's ARN. */
  process: string;
  /** As {@link WORKERS} calls its task queue, e.g. `model-training`; of a task `ECS`, and its task definition. */
  worker: string;
  resources: Resources;
  /** Milliseconds since the epoch. */
  from: number;
  to: number;
}

type History = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;

/**
 * What the activities of a run took, and those of its children, from start to close: of an activity that was tried
 * again the last attempt, as histories keep no other. A worker that waits for a task does nothing; the tasks that it
 * tells of took what ECS says. A run whose history is gone took nothing.
 */
export async function workOf(client: Client, workflowId: string, runId: string): Promise<Work[]> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory().catch(ifGone);
  const ofChildren = childrenIn(events).map((child) => workOf(client, child.workflowId, child.runId));
  return [...activitiesIn(events), ...(await tasksIn(client, events)), ...(await Promise.all(ofChildren)).flat()];
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

/** The activities that waited for tasks, by the ids of the events that scheduled them. */
function dispatchedIn(events: History['events']): Set<string> {
  const dispatched = (events ?? []).filter(
    ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.taskQueue?.name === TASK_QUEUES.dispatch,
  );
  return new Set(dispatched.map(({ eventId }) => String(eventId)));
}

async function tasksIn(client: Client, events: History['events']): Promise<Work[]> {
  const dispatched = dispatchedIn(events);
  const told = (events ?? []).flatMap(({ activityTaskCompletedEventAttributes: completed }) =>
    completed && dispatched.has(String(completed.scheduledEventId)) ? [completed.result?.payloads] : [],
  );
  const results = await Promise.all(
    told.map((payloads) => decodeArrayFromPayloads(client.options.loadedDataConverter, payloads)),
  );
  return results.flatMap(([result]) => (result as { tasks: TaskUse[] }).tasks.map(workOfTask));
}

function workOfTask({ task, definition, vcpus, gb, from, to }: TaskUse): Work {
  return {
    process: task,
    worker: `ECS ${definition}`,
    resources: { cpus: vcpus, memory: gb * GIB },
    from: Date.parse(from),
    to: Date.parse(to),
  };
}

function activitiesIn(events: History['events']): Work[] {
  const dispatched = dispatchedIn(events);
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
    if (start && !dispatched.has(String(closed.scheduledEventId)))
      work.push({ ...workerOf(start.identity), from: start.from, to: at });
  }
  return work;
}

/** Reads what a worker of Perdure calls itself, `model-training 2x4@host:123`; any other counts as of the smallest size. */
function workerOf(identity: string): Pick<Work, 'process' | 'worker' | 'resources'> {
  const [, queue, size, process] = /^(\S+) (\S+)@(.+)$/.exec(identity) ?? [];
  // The queue of operations is polled by the process of data processing.
  const worker = Object.values(WORKERS).find(({ taskQueue }) => taskQueue === queue) ?? WORKERS.dataProcessing;
  return {
    process: process ?? identity,
    worker: worker.taskQueue,
    resources: size === undefined ? worker.resources : parseResources(size, `The worker ${identity}`),
  };
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
