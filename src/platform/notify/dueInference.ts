import { ScheduleNotFoundError, type Client } from '@temporalio/client';
import { msToTs, tsToDate } from '@temporalio/common/lib/time.js';
import { scheduleIdOf } from '../temporal/schedules.js';
import { lastInference } from './runHistory.js';

/** More missed times than this are told as this many: Temporal lists the first thousand. */
const MOST_MISSED = 1_000;

/** Times at which inference was due and did not begin. */
export interface MissedInference {
  /** The first of them, an ISO 8601 instant. */
  since: string;
  /** How many there are. */
  missed: number;
}

/**
 * The runs of inference that a schedule should have started since the last that began, or that did its work. `null` where
 * none was due since; where there is no schedule, or an operator paused it, nothing is due.
 */
export async function missedInference(client: Client, pipeline: string, now: Date): Promise<MissedInference | null> {
  const scheduleId = scheduleIdOf(pipeline, 'inference');
  const schedule = await client.schedule
    .getHandle(scheduleId)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof ScheduleNotFoundError) return undefined;
      throw error;
    });
  if (!schedule || schedule.state.paused) return null;
  const { createdAt, lastUpdatedAt, recentActions } = schedule.info;
  const last = latest([
    createdAt,
    lastUpdatedAt,
    // The schedule remembers what it started for longer than Temporal keeps the run.
    ...recentActions.map(({ scheduledAt }) => scheduledAt),
    await lastInference(client, pipeline),
  ]);
  if (last >= now.getTime()) return null;
  const { startTime } = await client.workflowService.listScheduleMatchingTimes({
    namespace: client.options.namespace,
    scheduleId,
    startTime: msToTs(last),
    endTime: msToTs(now.getTime()),
  });
  const [first, ...others] = startTime.map(tsToDate).filter((due) => due.getTime() > last);
  return first ? { since: first.toISOString(), missed: Math.min(1 + others.length, MOST_MISSED) } : null;
}

function latest(moments: (Date | undefined)[]): number {
  return Math.max(...moments.map((moment) => moment?.getTime() ?? 0));
}
