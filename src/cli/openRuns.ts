import { existsSync } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { workflowIdOf, type Workflows } from '../client.js';
import type { Pipeline } from '../config/load.js';
import { countOf, stewardIdOf } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { sha256 } from '../platform/storage/checksum.js';
import { isAddress } from '../platform/storage/stores.js';
import { connectClient, type TemporalTarget } from '../platform/temporal/connection.js';
import { toldPipeline } from '../platform/temporal/pipelineRuns.js';
import { openExecutions } from './executions.js';

/**
 * What a command asked for when it started a run: the run's memo has it, so that the same command finds its run again
 * where it was killed.
 */
export interface Request {
  pipeline: string;
  /** Root of the store that the run works on; `null` where the command doesn't know. */
  store: string | null;
  /** The file that was given, with its state in the moment of the start. */
  csv: { path: string; state: string | null } | null;
  /** The other options that make one run differ from another. */
  asked: object;
  /** SHA-256 of the pipeline's folder, and the environment. */
  config: string;
}

const MEMO = 'perdure';

/** What a command asks for. `csv` is the absolute path or the address of a file that was given. */
export async function requestOf(
  { definition, folder, environment }: Pipeline,
  store: string | undefined,
  csv: string | undefined,
  asked: object,
): Promise<Request> {
  return {
    pipeline: definition.name,
    store: store ?? null,
    csv: csv === undefined ? null : { path: csv, state: isAddress(csv) ? null : await stateOf(csv) },
    // As it comes back from Temporal: without what is undefined.
    asked: JSON.parse(JSON.stringify(asked)) as object,
    config: `${environment} ${await digestOf(folder)}`,
  };
}

/** The memo that a run is started with. */
export function memoOf(request: Request): Record<string, unknown> {
  return { [MEMO]: request };
}

/** A run that is under way, which nobody else than a person, a schedule or the steward has started. */
export interface OpenRun {
  name: keyof Workflows;
  workflowId: string;
  runId: string;
  startedAt: Date;
  /** What it was started with; absent where no command started it. */
  request?: Request;
}

/** The runs of a pipeline that are under way, oldest first. */
export async function openRunsOf(client: Client, pipeline: string): Promise<OpenRun[]> {
  const runs = await openExecutions(client, [stewardIdOf(pipeline)]);
  return runs
    .filter((run) => pipelineOf(run) === pipeline)
    .map(openRun)
    .reverse();
}

/** Whether a run is what this very command starts, and still means to reach its end. */
export async function isSame(client: Client, run: OpenRun, name: keyof Workflows, request: Request): Promise<boolean> {
  if (run.name !== name || !isDeepStrictEqual(run.request, request)) return false;
  const { raw } = await client.workflow.getHandle(run.workflowId, run.runId).describe();
  return raw.workflowExtendedInfo?.cancelRequested !== true;
}

/**
 * Insists that no run is under way that was started on another store: workers would go on with it on theirs.
 * @throws PerdureError `StoreRefused`
 */
export async function refuseOtherStore(target: TemporalTarget, storeRoot: string): Promise<void> {
  const client = await connectClient(target);
  try {
    const runs = (await openExecutions(client)).map(openRun);
    const strange = runs.find(({ request }) => request?.store != null && request.store !== storeRoot);
    const store = strange?.request?.store;
    // A store that is gone, or was moved with its folder, has nobody to disagree.
    if (!strange || store == null || (!isAddress(store) && !existsSync(store))) return;
    throw new PerdureError(
      'StoreRefused',
      `The run ${strange.workflowId} is under way here and works on ${store}; give --store ${store} to go on with it, or work on ${storeRoot} in another folder.`,
    );
  } finally {
    await client.connection.close();
  }
}

function openRun(run: WorkflowExecutionInfo): OpenRun {
  const { workflowId, runId, startTime, memo } = run;
  return {
    name: run.type as keyof Workflows,
    workflowId,
    runId,
    startedAt: startTime,
    request: memo?.[MEMO] as Request | undefined,
  };
}

/** A run that no worker has taken yet has not said whose it is. */
function pipelineOf(run: WorkflowExecutionInfo): string | undefined {
  const { pipeline } = (run.memo?.[MEMO] ?? {}) as Partial<Request>;
  const told = pipeline ?? toldPipeline(run);
  if (told !== undefined) return told;
  const tail = workflowIdOf(run.type as keyof Workflows, '');
  const end = run.workflowId.lastIndexOf(`${tail}-`);
  return end > 0 ? run.workflowId.slice(0, end) : undefined;
}

/** Changes when a file does. */
async function stateOf(path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  return `${countOf(size, 'byte')}, changed ${new Date(mtimeMs).toISOString()}`;
}

async function digestOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const sums = await Promise.all(
    paths.map(async (path) => `${path.slice(folder.length)} ${sha256(await readFile(path))}`),
  );
  return sha256(sums.join('\n'));
}
