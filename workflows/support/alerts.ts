import { defineSearchAttributeKey } from '@temporalio/common';
import { CancellationScope, log, workflowInfo } from '@temporalio/workflow';
import type { AlertFacts } from '../../src/contracts/index.js';
import { activities } from './activityProxies.js';
import { failureOf } from './failures.js';

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
        await activities.sendAlerts.executeWithOptions({ summary: `Tell people, where they have to know: ${about}` }, [
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
