import { patched } from '@temporalio/workflow';
import { backfillIdOf, type Skipped, type StageInput } from '../../src/contracts/index.js';
import { activities } from './activityProxies.js';
import { startedBySchedule } from './alerts.js';

/**
 * Why a run that a schedule started has nothing to do now: a backfill is at work, each period of which sees the store as it
 * was at its time. A run that a person started is meant.
 */
export async function underBackfill(stage: StageInput): Promise<Skipped | undefined> {
  if (!startedBySchedule()) return undefined;
  const workflowId = await findBackfill(stage);
  return workflowId === null
    ? undefined
    : { status: 'skipped', reason: `A backfill of ${stage.pipeline} is under way: ${workflowId}.` };
}

async function findBackfill(stage: StageInput): Promise<string | null> {
  if (patched('backfill-of-any-id')) return activities.findBackfill(stage);
  // Earlier runs asked for the id that the command gives; the first ones asked for none.
  if (!patched('no-schedule-beside-backfill')) return null;
  const workflowId = backfillIdOf(stage.pipeline);
  const { open } = await activities.describeRun(workflowId);
  return open ? workflowId : null;
}
