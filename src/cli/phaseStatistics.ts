import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { PHASES, WORKFLOW_OF_PHASE, type Phase } from '../contracts/index.js';
import { runsOfPipeline } from '../platform/temporal/pipelineRuns.js';
import { table } from './table.js';
import { duration } from './terminal.js';

/** How the newest runs of a phase went, children of a lifecycle included. */
export interface PhaseStatistics {
  phase: Phase;
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

/** The phases of a pipeline that ever ran. */
export async function phaseStatistics(client: Client, pipeline: string): Promise<PhaseStatistics[]> {
  const found = await Promise.all(PHASES.map((phase) => statisticsOf(client, pipeline, phase)));
  return found.filter(({ runs }) => runs > 0);
}

async function statisticsOf(client: Client, pipeline: string, phase: Phase): Promise<PhaseStatistics> {
  const found = await endedRuns(client, pipeline, phase);
  return summarizeRuns(
    phase,
    await Promise.all(found.map(async (run) => ({ outcome: await outcomeOf(client, run), seconds: secondsOf(run) }))),
  );
}

export function summarizeRuns(phase: Phase, found: EndedRun[]): PhaseStatistics {
  const runs = found.length;
  const worked = found.filter(({ outcome }) => outcome === 'completed');
  const skipped = found.filter(({ outcome }) => outcome === 'skipped').length;
  return {
    phase,
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

/** The newest {@link RUNS_COUNTED} runs of a phase that ended, cancelled ones aside. */
export async function endedRuns(client: Client, pipeline: string, phase: Phase): Promise<WorkflowExecutionInfo[]> {
  const ended = `WorkflowType = "${WORKFLOW_OF_PHASE[phase]}" AND ExecutionStatus IN ("Completed", "Failed", "TimedOut", "Terminated")`;
  const runs: WorkflowExecutionInfo[] = [];
  for await (const run of runsOfPipeline(client, pipeline, ended)) {
    runs.push(run);
    if (runs.length === RUNS_COUNTED) break;
  }
  return runs;
}

export function statisticsTable(statistics: PhaseStatistics[]): string {
  const rows = statistics.map(({ phase, runs, skipped, success_rate, mean_seconds }) => [
    phase,
    String(runs),
    String(skipped),
    `${(success_rate * 100).toFixed(0)}%`,
    mean_seconds === null ? '-' : duration(mean_seconds * 1000),
  ]);
  return table(['phase', 'runs', 'skipped', 'succeeded', 'work took on average'], rows);
}
