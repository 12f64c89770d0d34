import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { RunStatus } from '../src/contracts/index.js';

/** What Temporal says of a run, or of the newest of a workflow. */
export async function look(workflowId: string, runId?: string): Promise<RunStatus> {
  try {
    const { status, type } = await Context.current().client.workflow.getHandle(workflowId, runId).describe();
    return { open: status.name === 'RUNNING' || status.name === 'PAUSED', status: status.name, type };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { open: false, status: 'NOT_FOUND' };
    throw error;
  }
}
