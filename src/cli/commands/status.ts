import { listPipelines, loadPipeline } from '../../config/load.js';
import type { Verdict, VersionRef } from '../../contracts/index.js';
import { goldPartitions } from '../../data/layers.js';
import { predictionsFiles } from '../../data/predictions.js';
import { aliasKey, readPointer } from '../../registry/pointers.js';
import { CHAMPION } from '../../registry/resolve.js';
import { readJson } from '../../storage/documents.js';
import { openStores } from '../../storage/stores.js';
import { startedRuns } from '../executions.js';
import type { CommonOptions } from '../options.js';
import { openHistory, type Session } from '../session.js';
import { stageStatistics, statisticsTable, type StageStatistics } from '../stageStatistics.js';
import { describeVerdict } from '../stages.js';
import { chosenStore } from '../store.js';
import { table } from '../table.js';
import { countOf, duration, print, printJson } from '../terminal.js';

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
}

/** Recent runs, and what the store holds of one pipeline or all. */
export async function status(pipeline: string | undefined, options: CommonOptions): Promise<void> {
  const names = pipeline === undefined ? await listPipelines() : [pipeline];
  const stores = await Promise.all(names.map(async (name) => [name, await storeStatus(name, chosenStore(options))] as const));
  const { runs, stages } = await history(names, pipeline);
  if (options.json) {
    printJson({ runs, pipelines: Object.fromEntries(stores.map(([name, store]) => [name, { ...store, stages: stages[name] ?? [] }])) });
    return;
  }
  print(runs.length === 0 ? 'No runs yet.' : runsTable(runs));
  for (const [name, store] of stores) {
    print(`\n${describeStore(name, store)}`);
    const statistics = stages[name] ?? [];
    if (statistics.length > 0) print(`\n${statisticsTable(statistics)}`);
  }
}

/** Where monitoring keeps a copy of its newest report. */
const LATEST_REPORT = 'reports/latest.json';

async function storeStatus(name: string, storeRoot: string): Promise<StoreStatus> {
  const stores = (await openStores(storeRoot))(await loadPipeline(name));
  const gold = await goldPartitions(stores);
  const champion = await readPointer(stores.modelRegistry, aliasKey(CHAMPION));
  const files = await predictionsFiles(stores.predictions);
  const newest = files.at(-1);
  const report = await readJson<{ as_of: string; verdict: Verdict }>(stores.monitoring, LATEST_REPORT);
  return {
    partitions: gold.length,
    rows: gold.reduce((sum, { rows }) => sum + rows, 0),
    first: gold[0]?.name ?? null,
    last: gold.at(-1)?.name ?? null,
    champion: champion ? { algorithm: champion.algorithm, version: champion.version, since: champion.at } : null,
    predictions: newest
      ? { uri: stores.predictions.uri(newest.key), rows: newest.rows, as_of: newest.asOf, model: newest.model, files: files.length }
      : null,
    report: report ? { uri: stores.monitoring.uri(LATEST_REPORT), as_of: report.as_of, ...report.verdict } : null,
  };
}

const SHOWN_RUNS = 10;

/** What Temporal knows: the newest runs, and how the stages of each pipeline went. */
async function history(names: string[], pipeline?: string): Promise<{ runs: RunStatus[]; stages: Record<string, StageStatistics[]> }> {
  const session = await openHistory();
  if (!session) return { runs: [], stages: {} };
  try {
    const stages = await Promise.all(names.map(async (name) => [name, await stageStatistics(session.client, name)] as const));
    return { runs: await recentRuns(session, pipeline), stages: Object.fromEntries(stages) };
  } finally {
    await session.close();
  }
}

async function recentRuns(session: Session, pipeline?: string): Promise<RunStatus[]> {
  const found = await startedRuns(session.client, SHOWN_RUNS, pipeline && `WorkflowId STARTS_WITH "${pipeline}-"`);
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
  const rows = runs.map((run) => [run.workflow_id, run.status.toLowerCase(), run.started.slice(0, 19).replace('T', ' '), duration(run.seconds * 1000)]);
  return table(['run', 'status', 'started (UTC)', 'took'], rows);
}

function describeStore(name: string, { partitions, rows, first, last, champion, predictions, report }: StoreStatus): string {
  const data = first && last ? `${countOf(rows, 'row')} in ${countOf(partitions, 'partition')}, ${first} to ${last}` : 'none yet';
  const scored = predictions
    ? `${countOf(predictions.rows, 'row')} as of ${predictions.as_of.slice(0, 10)} by ${predictions.model.algorithm} ${predictions.model.version}; ${countOf(predictions.files, 'file')} in all`
    : 'none yet';
  return [
    name,
    `  data        ${data}`,
    `  champion    ${champion ? `${champion.algorithm} ${champion.version}, since ${champion.since.slice(0, 10)}` : 'none yet'}`,
    `  predictions ${scored}`,
    `  report      ${report ? `as of ${report.as_of.slice(0, 10)}: ${describeVerdict(report)}` : 'none yet'}`,
  ].join('\n');
}
