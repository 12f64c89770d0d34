import { CancellationScope, getExternalWorkflowHandle, log, workflowInfo } from '@temporalio/workflow';
import { STEWARD, stewardIdOf, type DriftReport, type Outcome, type RetrainRequest, type RunEnded, type WorkflowInput } from '../../src/contracts/index.js';
import { failureOf } from './failures.js';

/** What a result means to the steward. */
type Told = Pick<RunEnded, 'summary' | 'newChampion' | 'busyWith'>;

/**
 * Runs a workflow's work and tells the pipeline's steward how it ended. A step of a lifecycle tells nothing: the
 * lifecycle itself sees to what follows.
 */
export async function toldToSteward<Result extends { status: Outcome }>(
  part: RunEnded['part'],
  input: WorkflowInput,
  work: () => Promise<Result>,
  meaning: (result: Result) => Told = reasonOf,
): Promise<Result> {
  try {
    const result = await work();
    await tellEnd(part, input, { outcome: result.status, ...meaning(result) });
    return result;
  } catch (error) {
    await tellEnd(part, input, { outcome: 'failed', summary: failureOf(error).reason });
    throw error;
  }
}

/** What was skipped says why. */
function reasonOf(result: object): Told {
  return 'reason' in result && typeof result.reason === 'string' ? { summary: result.reason } : {};
}

/** Asks the steward for a training. Returns whether there is a steward to ask. */
export function requestRetrain(pipeline: string, request: RetrainRequest): Promise<boolean> {
  return signalSteward(pipeline, STEWARD.signals.requestRetrain, request);
}

export function reportDrift(pipeline: string, drift: DriftReport): Promise<boolean> {
  return signalSteward(pipeline, STEWARD.signals.driftDetected, drift);
}

async function tellEnd(part: RunEnded['part'], input: WorkflowInput, end: Told & Pick<RunEnded, 'outcome'>): Promise<void> {
  const { workflowId, runId } = workflowInfo();
  // An input that was refused may name no pipeline, and so no steward.
  if (typeof input?.pipeline !== 'string') return;
  const told: RunEnded = { workflowId, runId, part, asOf: input.asOf, ...end };
  await signalSteward(input.pipeline, STEWARD.signals.runEnded, told);
}

/** A pipeline need not have a steward, and no run fails for the want of one. */
async function signalSteward(pipeline: string, signal: string, message: unknown): Promise<boolean> {
  const stewardId = stewardIdOf(pipeline);
  const { parent } = workflowInfo();
  if (parent && parent.workflowId !== stewardId) return false;
  try {
    // Also a run that is being cancelled tells how it ended.
    await CancellationScope.nonCancellable(() => getExternalWorkflowHandle(stewardId).signal(signal, message));
    return true;
  } catch (error) {
    log.debug('There is no steward to tell', { stewardId, reason: failureOf(error).reason });
    return false;
  }
}
