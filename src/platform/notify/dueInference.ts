import { ScheduleNotFoundError, type Client, type ScheduleDescription } from '@temporalio/client';
import { msToTs, tsToDate } from '@temporalio/common/lib/time.js';
import { scheduleIdOf } from '../temporal/schedules.js';
import { hasInferredSince } from './runHistory.js';

const DAY_MS = 24 * 3_600_000;

/** The days that are looked at first; of a schedule that was not due in them, as many again before, and so on. */
const LOOK_BACK_MS = 32 * DAY_MS;

/**
 * Since when runs of inference that a schedule should have started have not begun: the first of those that were due
 * since the last that did, as an ISO 8601 instant. `null` where the newest has begun; where there is no schedule, or
 * an operator paused it, nothing is due.
 */
export async function inferenceMissingSince(client: Client, pipeline: string, now: Date): Promise<string | null> {
  const scheduleId = scheduleIdOf(pipeline, 'inference');
  const schedule = await client.schedule
    .getHandle(scheduleId)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof ScheduleNotFoundError) return undefined;
      throw error;
    });
  if (!schedule || schedule.state.paused) return null;
  let missing: string | null = null;
  for (const due of (await newestDueTimes(client, schedule, now)).reverse()) {
    if (hasStartedSince(schedule, due) || (await hasInferredSince(client, pipeline, due.toISOString()))) break;
    missing = due.toISOString();
  }
  return missing;
}

/** Whether a schedule has started a run for a time or a later one: it remembers that for longer than Temporal keeps the run. */
function hasStartedSince({ info: { recentActions } }: ScheduleDescription, due: Date): boolean {
  return recentActions.some(({ scheduledAt }) => scheduledAt.getTime() >= due.getTime());
}

/** The last times that inference should have started at, oldest first, since its schedule was made. */
async function newestDueTimes(
  client: Client,
  { scheduleId, info: { createdAt, lastUpdatedAt } }: ScheduleDescription,
  now: Date,
): Promise<Date[]> {
  const since = Math.max(createdAt.getTime(), lastUpdatedAt?.getTime() ?? 0);
  let to = now.getTime();
  for (let days = LOOK_BACK_MS; to > since; days *= 2) {
    const from = Math.max(since, to - days);
    const { startTime } = await client.workflowService.listScheduleMatchingTimes({
      namespace: client.options.namespace,
      scheduleId,
      startTime: msToTs(from),
      endTime: msToTs(to),
    });
    if (startTime.length > 0) return startTime.map(tsToDate);
    to = from;
  }
  return [];
}
