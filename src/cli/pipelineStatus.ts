import { listPipelines, loadPipeline, type Pipeline } from '../config/load.js';
import type { Prices } from '../config/schema.js';
import { newestConfig } from '../config/pinned.js';
import type { RetrainingTracker, Verdict, VersionRef } from '../contracts/index.js';
import { goldPartitions } from '../data/layers.js';
import { UNDATED } from '../data/partitions.js';
import { predictionsFiles } from '../data/predictions.js';
import { aliasKey, readPointer } from '../registry/pointers.js';
import { CHAMPION } from '../registry/aliases.js';
import { readTimeline, readTracker, type Timeline } from '../registry/timeline.js';
import { LATEST_REPORT, monitoringReport } from '../monitoring/report.js';
import type { Stores } from '../platform/storage/objectStore.js';
import { openStores } from '../platform/storage/stores.js';
import { describeFailing, failingTasks, type FailingTasks } from '../platform/temporal/failingTasks.js';
import { startedRuns } from './executions.js';
import type { CommonOptions } from './options.js';
import { openHistory, type Session } from './session.js';
import { costTable, phaseCosts, type PhaseCost } from './phaseCosts.js';
import { phaseStatistics, statisticsTable, type PhaseStatistics } from './phaseStatistics.js';
import { describeVerdict } from './phases.js';
import { readStore } from './store.js';
import { facts, table } from './table.js';
import { timelineTable } from './timelineTable.js';
import { countOf, duration, print, printJson } from './terminal.js';

interface RunStatus {
  workflow_id: string;
  run_id: string;
  /** `lifecycle`, `modelTraining`, ... */
  type: string;
  /** As Temporal calls it: `RUNNING`, `COMPLETED`, `FAILED`, ... */
  status: string;
  started: string;
  /** So far, for a run that isn't over. */
  seconds: number;
  url: string | null;
}

/** What the store holds of a pipeline; `null` for what isn't there yet. */
interface StoreStatus {
  partitions: number;
  rows: number;
  /** Names of the first and the last partition. */
  first: string | null;
  last: string | null;
  champion: (VersionRef & { since: string }) | null;
  predictions: { uri: string; rows: number; as_of: string; model: VersionRef; files: number } | null;
  report: ({ uri: string; as_of: string } & Verdict) | null;
  /** What each period of a backfill came to, and the last retraining among them. */
  timeline: Timeline | null;
  last_retraining: RetrainingTracker | null;
  /** The configuration that the newest run took: its version, and where it came from. */
  config: { version: string; source: string; started_at: string; workflow_id: string } | null;
}

/** Recent runs, what the store holds of one pipeline or all, and what the work took where that is asked. */
export async function status(pipeline: string | undefined, options: { cost?: boolean } & CommonOptions): Promise<void> {
  const names = pipeline === undefined ? await listPipelines() : [pipeline];
  const pipelines = await Promise.all(names.map((name) => loadPipeline(name)));
  const openBuckets = await openStores(await readStore(options));
  const stores = await Promise.all(pipelines.map((known) => storeStatus(openBuckets(known))));
  const { runs, histories, failing } = await history(pipelines, pipeline, options.cost ?? false);
  if (options.json) {
    const found = names.map((name, i) => [name, { ...stores[i], phases: [], ...histories[i] }] as const);
    printJson({ runs, failing_workflows: failing.map(failingJson), pipelines: Object.fromEntries(found) });
    return;
  }
  for (const run of failing) print(`${describeFailing(run)}\n`);
  print(runs.length === 0 ? 'No runs yet.' : runsTable(runs));
  for (const [i, store] of stores.entries()) {
    print(`\n${describeStore(names[i]!, store)}`);
    const timeline = store.timeline && timelineTable(store.timeline);
    if (timeline) print(`\n${timeline}`);
    const { phases = [], costs = [], prices } = histories[i] ?? {};
    if (phases.length > 0) print(`\n${statisticsTable(phases)}`);
    if (costs.length > 0) print(`\n${costTable(costs, prices ?? undefined)}`);
  }
}

async function storeStatus(stores: Stores): Promise<StoreStatus> {
  const gold = await goldPartitions(stores);
  const champion = await readPointer(stores.modelRegistry, aliasKey(CHAMPION));
  const files = await predictionsFiles(stores.predictions);
  const newest = files.at(-1);
  const config = await newestConfig(stores.datamart);
  const report = await monitoringReport.read(stores.monitoring, LATEST_REPORT);
  return {
    partitions: gold.length,
    rows: gold.reduce((sum, { rows }) => sum + rows, 0),
    first: gold[0]?.name ?? null,
    last: gold.at(-1)?.name ?? null,
    champion: champion ? { algorithm: champion.algorithm, version: champion.version, since: champion.at } : null,
    predictions: newest
      ? {
          uri: stores.predictions.uri(newest.key),
          rows: newest.rows,
          as_of: newest.asOf,
          model: newest.model,
          files: files.length,
        }
      : null,
    timeline: (await readTimeline(stores.modelRegistry)) ?? null,
    last_retraining: (await readTracker(stores.modelRegistry)) ?? null,
    report: report ? { uri: stores.monitoring.uri(LATEST_REPORT), as_of: report.as_of, ...report.verdict } : null,
    config: config
      ? {
          version: config.checksum,
          source: config.source,
          started_at: config.started_at,
          workflow_id: config.workflow_id,
        }
      : null,
  };
}

const SHOWN_RUNS = 10;

/** How the phases of one pipeline went. */
interface PipelineHistory {
  phases: PhaseStatistics[];
  /** Where they are asked for, with the prices that they come from. */
  costs?: PhaseCost[];
  prices?: Prices | null;
}

/** What Temporal knows: the newest runs, and the history of each pipeline; nothing where no run was ever made here. */
async function history(
  pipelines: Pipeline[],
  shown: string | undefined,
  withCosts: boolean,
): Promise<{ runs: RunStatus[]; histories: PipelineHistory[]; failing: FailingTasks[] }> {
  const session = await openHistory();
  if (!session) return { runs: [], histories: [], failing: [] };
  try {
    const histories = await Promise.all(pipelines.map((pipeline) => historyOf(session, pipeline, withCosts)));
    return { runs: await recentRuns(session, shown), histories, failing: await failingTasks(session.client, shown) };
  } finally {
    await session.close();
  }
}

async function historyOf(
  { client }: Session,
  { definition, config: { prices } }: Pipeline,
  withCosts: boolean,
): Promise<PipelineHistory> {
  const phases = await phaseStatistics(client, definition.name);
  return withCosts
    ? { phases, costs: await phaseCosts(client, definition.name, prices), prices: prices ?? null }
    : { phases };
}

function failingJson({ workflowId, runId, type, pipeline, attempts, since, reason }: FailingTasks) {
  return { workflow_id: workflowId, run_id: runId, type, pipeline, attempts, since, reason };
}

async function recentRuns(session: Session, pipeline?: string): Promise<RunStatus[]> {
  const found = await startedRuns(session.client, SHOWN_RUNS, pipeline);
  return found.map((run) => ({
    workflow_id: run.workflowId,
    run_id: run.runId,
    type: run.type,
    status: run.status.name,
    started: run.startTime.toISOString(),
    seconds: ((run.closeTime ?? new Date()).getTime() - run.startTime.getTime()) / 1000,
    url: session.urlOf(run.workflowId, run.runId) ?? null,
  }));
}

function runsTable(runs: RunStatus[]): string {
  const rows = runs.map((run) => [
    run.workflow_id,
    run.status.toLowerCase(),
    run.started.slice(0, 19).replace('T', ' '),
    duration(run.seconds * 1000),
  ]);
  return table(['run', 'status', 'started (UTC)', 'took'], rows, { spare: [3, 2] });
}

/** What a pipeline's store holds, in lines of at most `width` characters, the terminal's by default. */
export function describeStore(
  name: string,
  {
    partitions,
    rows,
    first,
    last,
    champion,
    predictions,
    report,
    config,
  }: Omit<StoreStatus, 'timeline' | 'last_retraining'>,
  width?: number,
): string {
  // Where a store isn't cut there is nothing to tell of the names.
  const span = first === last ? (first === UNDATED ? '' : `, ${first}`) : `, ${first} to ${last}`;
  const data = first && last ? `${countOf(rows, 'row')} in ${countOf(partitions, 'partition')}${span}` : 'none yet';
  const scored = predictions
    ? `${countOf(predictions.rows, 'row')} as of ${predictions.as_of.slice(0, 10)} by ${predictions.model.algorithm} ${predictions.model.version}; ${countOf(predictions.files, 'file')} in all`
    : 'none yet';
  const told = facts(
    [
      ['data', data],
      [
        'champion',
        champion ? `${champion.algorithm} ${champion.version}, since ${champion.since.slice(0, 10)}` : 'none yet',
      ],
      ['predictions', scored],
      ['report', report ? `as of ${report.as_of.slice(0, 10)}: ${describeVerdict(report)}` : 'none yet'],
      [
        'config',
        config
          ? `${config.version.slice(0, 12)} of ${config.source}, by the run of ${config.started_at.slice(0, 16).replace('T', ' ')} UTC`
          : 'no run yet',
      ],
    ],
    width,
  );
  return `${name}\n${told}`;
}
