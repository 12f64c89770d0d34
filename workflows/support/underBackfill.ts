import { patched } from '@temporalio/workflow';
import { backfillIdOf, type Skipped } from '../../src/contracts/index.js';
import { activities } from './activityProxies.js';
import { startedBySchedule } from './alerts.js';

/**
 * Why a run that a schedule started has nothing to do now: a backfill is at work, each period of which sees the store as it
 * was at its time. A run that a person started is meant.
 */
export async function underBackfill(pipeline: string): Promise<Skipped | undefined> {
  if (!startedBySchedule() || !patched('no-schedule-beside-backfill')) return undefined;
  const workflowId = backfillIdOf(pipeline);
  const { open } = await activities.describeRun(workflowId);
  return open ? { status: 'skipped', reason: `A backfill of ${pipeline} is under way: ${workflowId}.` } : undefined;
}
