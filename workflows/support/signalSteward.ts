import { CancellationScope, log, workflowInfo } from '@temporalio/workflow';
import {
  clipped,
  NAME,
  stewardIdOf,
  type DriftReport,
  type Outcome,
  type RetrainRequest,
  type RunEnded,
  type StewardMessage,
  type WorkflowInput,
} from '../../src/contracts/index.js';
import { activities } from './activityProxies.js';
import { failureOf } from './failures.js';

/** What a result means to the steward. */
type Told = Pick<RunEnded, 'summary' | 'newChampion' | 'busyWith'>;

/**
 * Runs a workflow's work and tells the pipeline's steward how it ended. A step of a lifecycle tells nothing: the
 * lifecycle itself sees to what follows.
 */
export async function reportToSteward<Result extends { status: Outcome }>(
  phase: RunEnded['phase'],
  input: WorkflowInput,
  work: () => Promise<Result>,
  meaning: (result: Result) => Told = reasonOf,
): Promise<Result> {
  try {
    const result = await work();
    await reportEnd(phase, input, { outcome: result.status, ...meaning(result) });
    return result;
  } catch (error) {
    await reportEnd(phase, input, { outcome: 'failed', summary: failureOf(error).reason });
    throw error;
  }
}

/** What was skipped says why. */
function reasonOf(result: object): Told {
  return 'reason' in result && typeof result.reason === 'string' ? { summary: result.reason } : {};
}

/** Asks the steward for a training. Returns whether there is a steward to ask. */
export function requestRetrain(pipeline: string, request: RetrainRequest): Promise<boolean> {
  return signalSteward(pipeline, { signal: 'requestRetrain', message: request });
}

export function reportDrift(pipeline: string, drift: DriftReport): Promise<boolean> {
  return signalSteward(pipeline, { signal: 'driftDetected', message: drift });
}

/** Of what the run came to; the steward's history shows the beginning. */
const SUMMARY_BYTES = 1_000;

async function reportEnd(
  phase: RunEnded['phase'],
  input: WorkflowInput,
  { summary, ...end }: Told & Pick<RunEnded, 'outcome'>,
): Promise<void> {
  const { workflowId, runId } = workflowInfo();
  // An input that was refused may name no pipeline, and so no steward.
  if (typeof input?.pipeline !== 'string' || !NAME.test(input.pipeline)) return;
  const message: RunEnded = {
    workflowId,
    runId,
    phase,
    asOf: input.asOf,
    ...end,
    ...(summary !== undefined && { summary: clipped(summary, SUMMARY_BYTES) }),
  };
  await signalSteward(input.pipeline, { signal: 'runEnded', message });
}

/**
 * A pipeline need not have a steward, and no run fails for the want of one. An activity signals it, because a signal of
 * the workflow's own to a steward that isn't there leaves a failed event in the history of a run that went well.
 */
async function signalSteward(pipeline: string, message: StewardMessage): Promise<boolean> {
  const stewardId = stewardIdOf(pipeline);
  const { parent } = workflowInfo();
  if (parent && parent.workflowId !== stewardId) return false;
  try {
    // Also a run that is being cancelled tells how it ended.
    return await CancellationScope.nonCancellable(() => activities.signalSteward({ pipeline, ...message }));
  } catch (error) {
    log.warn('The steward could not be told; its next resync finds out', {
      stewardId,
      reason: failureOf(error).reason,
    });
    return false;
  }
}
