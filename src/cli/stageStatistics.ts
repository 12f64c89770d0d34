import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { PHASES, WORKFLOW_OF_PHASE } from '../contracts/index.js';
import { runsOfPipeline } from '../platform/temporal/pipelineRuns.js';
import type { Stage } from './stages.js';
import { table } from './table.js';
import { duration } from './terminal.js';

/** How the newest runs of a stage went, children of a lifecycle included. */
export interface StageStatistics {
  stage: Stage;
  /** Ended runs that were looked at, cancelled ones aside. */
  runs: number;
  /** Those of them that found nothing to do. */
  skipped: number;
  /** Share of them that succeeded, 0 to 1; a skipped or partial run did. */
  success_rate: number;
  /** Of the runs that succeeded and had something to do; `null` where there was none. */
  mean_seconds: number | null;
}

/** How a run ended, and how long it took. */
export interface EndedRun {
  outcome: 'completed' | 'skipped' | 'failed';
  seconds: number;
}

/** How many of the newest runs are looked at. */
const RUNS_COUNTED = 20;

/** The stages of a pipeline that ever ran. */
export async function stageStatistics(client: Client, pipeline: string): Promise<StageStatistics[]> {
  const found = await Promise.all(PHASES.map((stage) => statisticsOf(client, pipeline, stage)));
  return found.filter(({ runs }) => runs > 0);
}

async function statisticsOf(client: Client, pipeline: string, stage: Stage): Promise<StageStatistics> {
  const found = await endedRuns(client, pipeline, stage);
  return summarizeRuns(
    stage,
    await Promise.all(found.map(async (run) => ({ outcome: await outcomeOf(client, run), seconds: secondsOf(run) }))),
  );
}

export function summarizeRuns(stage: Stage, found: EndedRun[]): StageStatistics {
  const runs = found.length;
  const worked = found.filter(({ outcome }) => outcome === 'completed');
  const skipped = found.filter(({ outcome }) => outcome === 'skipped').length;
  return {
    stage,
    runs,
    skipped,
    success_rate: runs === 0 ? 0 : (worked.length + skipped) / runs,
    mean_seconds: worked.length === 0 ? null : worked.reduce((sum, { seconds }) => sum + seconds, 0) / worked.length,
  };
}

/** Temporal counts a skipped run as completed: its result tells. */
async function outcomeOf(
  client: Client,
  { workflowId, runId, status }: WorkflowExecutionInfo,
): Promise<EndedRun['outcome']> {
  if (status.name !== 'COMPLETED') return 'failed';
  const result: unknown = await client.workflow.getHandle(workflowId, runId, { followRuns: false }).result();
  return typeof result === 'object' && result !== null && 'status' in result && result.status === 'skipped'
    ? 'skipped'
    : 'completed';
}

function secondsOf({ startTime, closeTime }: WorkflowExecutionInfo): number {
  return ((closeTime ?? startTime).getTime() - startTime.getTime()) / 1000;
}

/** The newest {@link RUNS_COUNTED} runs of a stage that ended, cancelled ones aside. */
export async function endedRuns(client: Client, pipeline: string, stage: Stage): Promise<WorkflowExecutionInfo[]> {
  const ended = `WorkflowType = "${WORKFLOW_OF_PHASE[stage]}" AND ExecutionStatus IN ("Completed", "Failed", "TimedOut", "Terminated")`;
  const runs: WorkflowExecutionInfo[] = [];
  for await (const run of runsOfPipeline(client, pipeline, ended)) {
    runs.push(run);
    if (runs.length === RUNS_COUNTED) break;
  }
  return runs;
}

export function statisticsTable(statistics: StageStatistics[]): string {
  const rows = statistics.map(({ stage, runs, skipped, success_rate, mean_seconds }) => [
    stage,
    String(runs),
    String(skipped),
    `${(success_rate * 100).toFixed(0)}%`,
    mean_seconds === null ? '-' : duration(mean_seconds * 1000),
  ]);
  return table(['stage', 'runs', 'skipped', 'succeeded', 'work took on average'], rows);
}
