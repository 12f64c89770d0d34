import { executeChild, ParentClosePolicy, workflowInfo } from '@temporalio/workflow';
import type { Outcome } from '../../src/contracts/index.js';
import type { ProgressTracker } from './progress.js';

export interface Child<Input, Result> {
  /** What the parent calls it; the child's id is the parent's id and this. */
  name: string;
  workflow: (input: Input) => Promise<Result>;
  input: Input;
  /** One line for the web UI. */
  summary: string;
  /** What a child that failed is to its parent, which fails with it where this is not given. */
  ifFailed?: (error: unknown) => Result;
}

/**
 * Runs a child workflow and shows it in its parent's progress. A parent that is terminated or fails asks its
 * children to cancel, which lets them clean up, instead of terminating them.
 */
export async function runChild<Input, Result extends { status: Outcome } | { outcome: string }>(
  progress: ProgressTracker,
  { name, workflow, input, summary, ifFailed }: Child<Input, Result>,
): Promise<Result> {
  const workflowId = `${workflowInfo().workflowId}-${name}`;
  progress.childStarted(name, workflowId);
  try {
    const result = await executeChild(workflow, {
      workflowId,
      args: [input],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      staticSummary: summary,
    });
    return ended(result);
  } catch (error) {
    if (ifFailed) return ended(ifFailed(error));
    progress.childEnded(name, 'failed');
    throw error;
  }

  function ended(result: Result): Result {
    progress.childEnded(name, 'status' in result ? result.status : 'completed');
    return result;
  }
}
