import { ScheduleNotFoundError, type Client } from '@temporalio/client';
import { msToTs, tsToDate } from '@temporalio/common/lib/time.js';
import { scheduleIdOf } from '../temporal/schedules.js';
import { hasInferredSince } from './runHistory.js';

const DAY_MS = 24 * 3_600_000;

/** How far to look back: a schedule that is due more seldom than this is not watched. */
const LOOK_BACK_MS = 32 * DAY_MS;

/**
 * Since when runs of inference that a schedule should have started have not begun: the first of those that were due
 * since the last that did, as an ISO 8601 instant. `null` where the newest has begun; where there is no schedule, or
 * an operator paused it, nothing is due.
 */
export async function inferenceMissingSince(client: Client, pipeline: string, now: Date): Promise<string | null> {
  let missing: string | null = null;
  for (const due of (await dueTimes(client, pipeline, now)).reverse()) {
    if (await hasInferredSince(client, pipeline, due)) break;
    missing = due;
  }
  return missing;
}

/** When inference should have started, oldest first, since its schedule was made. */
async function dueTimes(client: Client, pipeline: string, now: Date): Promise<string[]> {
  const scheduleId = scheduleIdOf(pipeline, 'inference');
  const found = await client.schedule
    .getHandle(scheduleId)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof ScheduleNotFoundError) return undefined;
      throw error;
    });
  if (!found || found.state.paused) return [];
  const from = Math.max(
    found.info.createdAt.getTime(),
    found.info.lastUpdatedAt?.getTime() ?? 0,
    now.getTime() - LOOK_BACK_MS,
  );
  const { startTime } = await client.workflowService.listScheduleMatchingTimes({
    namespace: client.options.namespace,
    scheduleId,
    startTime: msToTs(from),
    endTime: msToTs(now.getTime()),
  });
  return startTime.map((time) => tsToDate(time).toISOString());
}
