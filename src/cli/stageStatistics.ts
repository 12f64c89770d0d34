import { isGrpcServiceError, ServiceError, type Client, type WorkflowExecutionInfo } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contracts/index.js';
import { STAGES, STAGE_WORKFLOWS, type Stage } from './stages.js';
import { table } from './table.js';
import { duration } from './terminal.js';

/** How the newest runs of a stage went, children of a lifecycle included. */
export interface StageStatistics {
  stage: Stage;
  /** Ended runs that were looked at, cancelled ones aside. */
  runs: number;
  /** Share of them that succeeded, 0 to 1; a skipped or partial run did. */
  success_rate: number;
  mean_seconds: number;
}

/** How many of the newest runs are looked at. */
const RUNS_COUNTED = 20;

/** The stages of a pipeline that ever ran. */
export async function stageStatistics(client: Client, pipeline: string): Promise<StageStatistics[]> {
  const found = await Promise.all(STAGES.map((stage) => statisticsOf(client, pipeline, stage)));
  return found.filter(({ runs }) => runs > 0);
}

async function statisticsOf(client: Client, pipeline: string, stage: Stage): Promise<StageStatistics> {
  const found = await endedRuns(client, pipeline, stage);
  const runs = found.length;
  const succeeded = found.filter(({ status }) => status.name === 'COMPLETED').length;
  const ms = found.reduce((sum, { startTime, closeTime }) => sum + (closeTime ?? startTime).getTime() - startTime.getTime(), 0);
  return { stage, runs, success_rate: runs === 0 ? 0 : succeeded / runs, mean_seconds: runs === 0 ? 0 : ms / runs / 1000 };
}

/** The newest {@link RUNS_COUNTED} runs of a stage that ended, cancelled ones aside. */
export async function endedRuns(client: Client, pipeline: string, stage: Stage): Promise<WorkflowExecutionInfo[]> {
  const query =
    `${SEARCH_ATTRIBUTES.pipeline} = "${pipeline}" AND ${SEARCH_ATTRIBUTES.stage} = "${stage}" AND WorkflowType = "${STAGE_WORKFLOWS[stage]}" ` +
    'AND ExecutionStatus IN ("Completed", "Failed", "TimedOut", "Terminated")';
  const runs: WorkflowExecutionInfo[] = [];
  try {
    for await (const run of client.workflow.list({ query })) {
      runs.push(run);
      if (runs.length === RUNS_COUNTED) break;
    }
  } catch (error) {
    if (!isUnknownAttribute(error)) throw error;
  }
  return runs;
}

/** Where no worker of Perdure has ever run, its search attributes aren't there, and no runs either. */
function isUnknownAttribute(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && cause.details.includes(SEARCH_ATTRIBUTES.pipeline);
}

export function statisticsTable(statistics: StageStatistics[]): string {
  const rows = statistics.map(({ stage, runs, success_rate, mean_seconds }) => [stage, String(runs), `${(success_rate * 100).toFixed(0)}%`, duration(mean_seconds * 1000)]);
  return table(['stage', 'runs', 'succeeded', 'took on average'], rows);
}
