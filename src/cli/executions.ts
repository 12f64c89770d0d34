import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { stewardIdOf, WORKFLOW_OF_SCHEDULE } from '../contracts/index.js';
import { runsOfPipeline } from '../platform/temporal/pipelineRuns.js';

/**
 * Runs under way, newest first.
 * @param stewards the workflows whose children count as well: what a steward starts nobody else waits for
 */
export async function openExecutions(client: Client, stewards: string[] = []): Promise<WorkflowExecutionInfo[]> {
  const found: WorkflowExecutionInfo[] = [];
  for await (const run of client.workflow.list({ query: `${TYPES} AND ExecutionStatus = "Running"` })) {
    const parent = run.parentExecution?.workflowId;
    if (parent == null || stewards.includes(parent)) found.push(run);
  }
  return found;
}

/** Temporal's filter of the workflows that a run consists of. */
const TYPES = `WorkflowType IN (${['lifecycle', ...Object.values(WORKFLOW_OF_SCHEDULE)].map((type) => `"${type}"`).join(', ')})`;

/**
 * Runs that somebody or something started, newest first: of a parent that waits for its children they are a part, so
 * those are left out; what a steward starts is on its own.
 * @param pipeline whose; by default of all
 */
export async function startedRuns(client: Client, limit: number, pipeline?: string): Promise<WorkflowExecutionInfo[]> {
  const found: WorkflowExecutionInfo[] = [];
  for await (const run of pipeline === undefined
    ? client.workflow.list({ query: TYPES })
    : runsOfPipeline(client, pipeline, TYPES)) {
    if (run.parentExecution && !isSteward(run.parentExecution)) continue;
    found.push(run);
    if (found.length === limit) break;
  }
  return found;
}

function isSteward({ workflowId }: { workflowId?: string | null }): boolean {
  return workflowId?.endsWith(STEWARD_SUFFIX) ?? false;
}

const STEWARD_SUFFIX = stewardIdOf('');
