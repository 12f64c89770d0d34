import proto, { type temporal } from '@temporalio/proto';

const { EventType } = proto.temporal.api.enums.v1;

const WORKFLOW_TASK_UNDER_WAY = new Set([
  EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
  EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
]);
const ACTIVITY_ENDED = new Set([
  EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
  EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED,
  EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT,
  EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED,
]);
const TIMER_ENDED = new Set([EventType.EVENT_TYPE_TIMER_FIRED, EventType.EVENT_TYPE_TIMER_CANCELED]);

/** Whether a workflow waits for a timer, with nothing to decide and no activity at work. */
export function isAsleep({ events }: temporal.api.history.v1.IHistory): boolean {
  const types = (events ?? []).map(({ eventType }) => eventType!);
  const count = (isCounted: (type: temporal.api.enums.v1.EventType) => boolean) => types.filter(isCounted).length;
  const timers = count((type) => type === EventType.EVENT_TYPE_TIMER_STARTED) - count((type) => TIMER_ENDED.has(type));
  const activities =
    count((type) => type === EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) - count((type) => ACTIVITY_ENDED.has(type));
  return timers > 0 && activities === 0 && !WORKFLOW_TASK_UNDER_WAY.has(types.at(-1)!);
}
