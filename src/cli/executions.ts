import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { STAGE_WORKFLOWS } from './stages.js';

/**
 * Runs that somebody started, newest first: children are their parents' business.
 * @param condition of Temporal's list filter
 */
export async function startedRuns(client: Client, limit: number, condition?: string): Promise<WorkflowExecutionInfo[]> {
  const types = ['lifecycle', ...Object.values(STAGE_WORKFLOWS)].map((type) => `"${type}"`);
  const query = [`WorkflowType IN (${types.join(', ')})`, ...(condition ? [condition] : [])].join(' AND ');
  const found: WorkflowExecutionInfo[] = [];
  for await (const run of client.workflow.list({ query })) {
    if (run.parentExecution) continue;
    found.push(run);
    if (found.length === limit) break;
  }
  return found;
}
