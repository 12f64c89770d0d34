import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { startWorkflow, type Workflows } from '../client.js';
import { algorithmsToTrain, loadPipeline, type Pipeline } from '../config/load.js';
import type { LifecycleInput, ModelInferenceInput } from '../contracts/index.js';
import { tellIdle } from './effectiveConfig.js';
import { openExecutions } from './executions.js';
import { exitCodeOf } from './exitCodes.js';
import { describeFailure } from './failure.js';
import { followRun, type FollowedRun, type PhaseResults, type StartedRun } from './follow.js';
import { Interrupted, interruption } from './interruption.js';
import { isSame, memoOf, openRunsOf, requestOf, type Request } from './openRuns.js';
import type { CommonOptions } from './options.js';
import { resultJson, type RunJson } from './resultJson.js';
import { describeResults } from './resultTables.js';
import { person } from './person.js';
import { hasEnded, openSession, type Session } from './session.js';
import { checkCsv, defaultSource, labelsOf } from './source.js';
import { chosenStore } from './store.js';
import { requireStore } from './storeCheck.js';
import { print, printJson, say } from './terminal.js';
import { trainHere } from './trainHere.js';
import { absoluteSource } from '../platform/storage/stores.js';

/** What a command asks of a run; which of it there is to ask, each command's options say. */
export interface RunOptions extends CommonOptions {
  csv?: string;
  labels?: string;
  asOf?: string;
  reason?: string;
  algorithm?: string[];
  replace?: boolean;
  from?: string;
  to?: string;
  again?: boolean;
  local?: boolean;
}

/** Starts a workflow, or trains here, shows how it goes, and prints what it came to. */
export async function run(workflow: keyof Workflows, pipeline: string, options: RunOptions): Promise<void> {
  const { run, results } = options.local
    ? { run: null, results: await trainInThisProcess(pipeline, options) }
    : await runWorkflow(workflow, pipeline, options);
  if (options.json) printJson(resultJson(run, results));
  else print(describeResults(results));
  process.exitCode = exitCodeOf(results);
}

/** What a command starts and follows. */
export interface Followed<Results> {
  name: keyof Workflows;
  start: (session: Session, settings: Pipeline, request: Request) => Promise<StartedRun>;
  follow: (client: Client, run: FollowedRun, stop: AbortSignal) => Promise<Results>;
  /** The run that trains, where this one found that it had to wait. */
  busyWith: (results: Results) => string | undefined;
}

/** A run of phases, shown phase by phase. */
function runWorkflow(
  name: keyof Workflows,
  pipeline: string,
  options: RunOptions,
): Promise<{ run: RunJson; results: PhaseResults }> {
  return runToEnd(pipeline, options, askedOf(options), {
    name,
    start: (session, settings, request) => start(session, name, settings, request, options),
    follow: followRun,
    busyWith: busyTraining,
  });
}

/**
 * Starts a run and follows it to its end; where this very command was stopped before, the run that it started then.
 * Where the server belongs to another process, and that ends, goes on with one of its own.
 *
 * @param asked what makes one run differ from another
 */
export async function runToEnd<Results>(
  pipeline: string,
  options: RunOptions,
  asked: object,
  followed: Followed<Results>,
): Promise<{ run: RunJson; results: Results }> {
  const settings = await loadPipeline(pipeline);
  algorithmsToTrain(settings.config, options.algorithm);
  if (trains(followed.name)) tellIdle(settings);
  const store = chosenStore(options);
  const csv = options.csv ? await checkCsv(settings, options.csv) : undefined;
  if (options.labels !== undefined) await labelsOf(settings, store, options.labels);

  const stop = interruption();
  let begun: StartedRun | undefined;
  for (;;) {
    const session = await openSession(store, pipeline);
    try {
      stop.throwIfAborted();
      if (!session.embedded && options.store && session.store !== store)
        say('--store has no say over workers that run already; they use the store they were started with.');
      const request = await requestOf(settings, session.store, csv, asked);
      begun =
        (await stillKnown(session, begun)) ??
        (await unfinishedRun(session, followed.name, request, stop)) ??
        (await followed.start(session, settings, request));
      const { workflowId, runId } = begun;
      const url = session.urlOf(workflowId, runId);
      say(`Run: ${url ?? workflowId}`);
      const results = await followToEnd(session, begun, stop, followed.follow).finally(() => {
        if (session.embedded) say(`The run's history is kept: "perdure up" shows it${url ? ` at ${url}` : ''}`);
      });
      const busyWith = followed.busyWith(results);
      if (busyWith === undefined) return { run: { workflow_id: workflowId, run_id: runId, url: url ?? null }, results };
      say(`Nothing was trained, as ${busyWith} trains ${pipeline}; when that is over, this command begins again.`);
      await finish(session, { name: 'modelTraining', workflowId: busyWith }, stop);
      begun = undefined;
    } catch (error) {
      if (stop.aborted || !(await hasEnded(session))) throw error;
      say(
        `Process ${session.servedBy}, which ran the Temporal server here, has ended: this command goes on with a server and workers of its own.`,
      );
    } finally {
      await session.close();
    }
  }
}

async function start(
  session: Session,
  name: keyof Workflows,
  settings: Pipeline,
  request: Request,
  options: RunOptions,
): Promise<StartedRun> {
  const { pipeline, csv } = request;
  const readsSource = name === 'lifecycle' || name === 'dataProcessing';
  const source =
    csv?.path ?? (readsSource ? await defaultSource(settings, session.store ?? chosenStore(options)) : undefined);
  const labels = readsSource
    ? await labelsOf(settings, session.store ?? chosenStore(options), options.labels)
    : undefined;
  const asked = { ...askedOf(options), ...(readsSource && { labels }) };
  const input = { pipeline, ...asked, reason: options.reason, triggeredBy: person(), source };
  const { workflowId, firstExecutionRunId: runId } = await startWorkflow(
    session.client,
    name,
    input,
    undefined,
    memoOf(request),
  );
  return { name, workflowId, runId };
}

/** The options that make one run differ from another. */
function askedOf({
  asOf,
  algorithm: algorithms,
  replace,
  from,
  to,
  again,
  labels,
}: RunOptions): Pick<
  LifecycleInput & ModelInferenceInput,
  'asOf' | 'algorithms' | 'replace' | 'from' | 'to' | 'again' | 'labels'
> {
  return {
    asOf,
    algorithms,
    replace,
    from,
    to,
    again,
    ...(labels !== undefined && { labels: absoluteSource(labels) }),
  };
}

/** The run that this command follows already, if the server that it found now knows it. */
async function stillKnown({ client }: Session, begun: StartedRun | undefined): Promise<StartedRun | undefined> {
  if (!begun) return undefined;
  const description = await client.workflow
    .getHandle(begun.workflowId, begun.runId)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    });
  return description && begun;
}

/**
 * The run that this very command started before it was stopped, if that is still under way. Other runs of the pipeline
 * that would stand still without this command's workers, or train, are finished first: of trainings there is one at a
 * time.
 */
async function unfinishedRun(
  session: Session,
  name: keyof Workflows,
  request: Request,
  stop: AbortSignal,
): Promise<StartedRun | undefined> {
  const finished = new Set<string>();
  for (;;) {
    const runs = (await openRunsOf(session.client, request.pipeline)).filter(({ runId }) => !finished.has(runId));
    const same = await findLast(runs, (run) => isSame(session.client, run, name, request));
    const first = runs.find((run) => run !== same && (session.embedded || (trains(run.name) && trains(name))));
    if (!first) {
      if (same)
        say(`An earlier command started this run at ${instant(same.startedAt)}; this one follows it to its end.`);
      else if (session.embedded) await tellOthers(session);
      return same;
    }
    say(`An earlier run is under way, which is finished first: ${first.workflowId}`);
    await finish(session, first, stop);
    finished.add(first.runId);
  }
}

/** Follows a run that is another's to its end, however that is. */
async function finish(
  session: Session,
  run: Omit<StartedRun, 'runId'> & { runId?: string },
  stop: AbortSignal,
): Promise<void> {
  try {
    await followToEnd(session, run, stop, followRun);
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    say(`${run.workflowId} did not end well: ${describeFailure(error).message}`);
  }
}

function trains(name: keyof Workflows): boolean {
  return name === 'lifecycle' || name === 'modelTraining' || name === 'backfill';
}

/** The run that trains, where a training found that it had to wait. */
function busyTraining({ training }: PhaseResults): string | undefined {
  return training?.status === 'skipped' && 'busyWith' in training ? training.busyWith : undefined;
}

async function findLast<Item>(items: Item[], holds: (item: Item) => Promise<boolean>): Promise<Item | undefined> {
  for (const item of items.toReversed()) if (await holds(item)) return item;
  return undefined;
}

/** What was under way of other pipelines when an embedded server was last stopped, goes on with the next one. */
async function tellOthers({ client }: Session): Promise<void> {
  for (const { workflowId } of await openExecutions(client)) {
    say(`An earlier run goes on for as long as this command takes: ${workflowId}; "perdure up" brings it to its end.`);
  }
}

/** `2026-01-02 03:04:05 UTC` */
function instant(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

async function trainInThisProcess(pipeline: string, options: RunOptions): Promise<PhaseResults> {
  const settings = await loadPipeline(pipeline);
  algorithmsToTrain(settings.config, options.algorithm);
  tellIdle(settings);
  const { algorithm: algorithms, again, asOf = new Date().toISOString() } = options;
  const store = chosenStore(options);
  await requireStore(store, [pipeline]);
  return trainHere({ pipeline, asOf, algorithms, again }, store, interruption());
}

/** How long a cancelled run may take to clean up before its server goes. */
const CLEAN_UP_MS = 10_000;

/** An interrupted command takes its run along only where it takes the server along. */
async function followToEnd<Results>(
  session: Session,
  run: FollowedRun,
  stop: AbortSignal,
  follow: Followed<Results>['follow'],
): Promise<Results> {
  const broken = new AbortController();
  session.broken.catch((error: unknown) => broken.abort(error));
  try {
    return await follow(session.client, run, AbortSignal.any([stop, broken.signal]));
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    if (!session.embedded)
      throw error.because('No longer following the run, which goes on; "perdure status" tells how it ends.');
    say('Cancelling the run; Ctrl-C once more leaves at once.');
    const handle = session.client.workflow.getHandle(run.workflowId, run.runId);
    const cancelled = handle
      .cancel()
      .then(() => handle.result())
      .then(
        () => 'completed',
        () => 'cancelled',
      );
    const ended = await Promise.race([cancelled, sleep(CLEAN_UP_MS, 'late')]);
    if (ended === 'completed')
      throw error.because('The run was completed before it could be cancelled; "perdure status" tells what it did.');
    if (ended === 'late')
      throw error.because(
        'The run is told to cancel, and does so when it goes on; processed data and registered models are kept.',
      );
    throw error.because('The run was cancelled; processed data and registered models are kept.');
  }
}
