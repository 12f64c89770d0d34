import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { Failed } from '../../src/contracts/index.js';

/** What went wrong at the bottom of a failed activity or child workflow, for people. */
export function failureOf(error: unknown): Failed {
  const { root, activity } = dig(error);
  const step = activity ?? 'The workflow';
  if (root instanceof ApplicationFailure) return failed(root.type ?? 'Error', root.message);
  if (root instanceof TimeoutFailure) return failed('TimedOut', `${step} ${timeoutSentence(root)}`);
  if (root instanceof CancelledFailure) return failed('Cancelled', `${step} was cancelled.`);
  if (root instanceof TerminatedFailure) return failed('Terminated', `${step} was terminated.`);
  if (root instanceof WorkflowExecutionAlreadyStartedError) {
    return failed(
      'AlreadyRunning',
      `${root.workflowId} still runs for an earlier run; wait until it ends, or cancel it, and start again.`,
    );
  }
  return root instanceof Error ? failed(root.name, root.message) : failed('Error', String(root));
}

function failed(type: string, reason: string): Failed {
  return { status: 'failed', type, reason };
}

/** Temporal wraps a failure at each level; the innermost says what happened. */
function dig(error: unknown, activity?: string): { root: unknown; activity?: string } {
  if (error instanceof ActivityFailure && error.cause) return dig(error.cause, error.activityType);
  if (error instanceof ChildWorkflowFailure && error.cause) return dig(error.cause, activity);
  return { root: error, activity };
}

function timeoutSentence({ timeoutType }: TimeoutFailure): string {
  switch (timeoutType) {
    case 'HEARTBEAT':
      return 'lost its worker at every attempt; look into the log of the workers for what ends them.';
    case 'START_TO_CLOSE':
      return 'took longer at every attempt than one may take; give it less work or a bigger worker.';
    default:
      return 'did not end within its time; check that a worker runs for its task queue.';
  }
}
