import { defineSearchAttributeKey } from '@temporalio/common';
import {
  ActivityCancellationType,
  CancellationScope,
  log,
  workflowInfo,
  type ActivityOptions,
} from '@temporalio/workflow';
import { TASK_QUEUES, type AlertActivities, type AlertFacts } from '../../src/contracts/index.js';
import { failureOf } from './failures.js';
import { activityProxies } from './activityProxies.js';

const OPTIONS: ActivityOptions = {
  taskQueue: TASK_QUEUES.operations,
  scheduleToCloseTimeout: '6 minutes',
  retry: { initialInterval: '1 second', maximumAttempts: 3 },
  // A run that is over sooner than its service level was read waits for the answer, rather than leave it to nobody.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
};

/**
 * Operations: an alert that waits behind a stage would come when the work it tells of is over.
 * One alert is sent within a minute or given up; all attempts together hold up the end of a run by six at most.
 */
export const alerting = activityProxies<Omit<AlertActivities, 'readServiceLevel'>>({
  ...OPTIONS,
  startToCloseTimeout: '2 minutes',
});

/** Reads one file. Where its worker was killed meanwhile, the end of a phase waits for as long as an attempt may take. */
export const { readServiceLevel } = activityProxies<Pick<AlertActivities, 'readServiceLevel'>>({
  ...OPTIONS,
  startToCloseTimeout: '10 seconds',
});

/**
 * Tells people what they may have to know. Never fails: what becomes of a run doesn't hang on its alerts. Whatever ends
 * or is cancelled meanwhile waits for it: what has happened is worth telling all the same.
 */
export async function raiseAlerts(
  gather: () => AlertFacts | AlertFacts[] | Promise<AlertFacts | AlertFacts[]>,
): Promise<void> {
  try {
    await CancellationScope.nonCancellable(async () => {
      const facts = [await gather()].flat();
      const about = [...new Set(facts.map(({ condition }) => condition.replaceAll('_', ' ')))].join(', ');
      if (facts.length > 0)
        await alerting.sendAlerts.executeWithOptions({ summary: `Tell people, where they have to know: ${about}` }, [
          facts,
        ]);
    });
  } catch (error) {
    log.warn('An alert could not be raised', { reason: failureOf(error).reason });
  }
}

/** The present, as facts have it. */
export function now(): string {
  return new Date().toISOString();
}

const scheduledBy = defineSearchAttributeKey('TemporalScheduledById', 'KEYWORD');

export function startedBySchedule(): boolean {
  return workflowInfo().typedSearchAttributes.get(scheduledBy) !== undefined;
}
