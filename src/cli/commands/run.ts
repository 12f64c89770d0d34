import { setTimeout as sleep } from 'node:timers/promises';
import { startWorkflow, type Workflows } from '../../client.js';
import { algorithmsToTrain, loadPipeline } from '../../config/load.js';
import { startedRuns } from '../executions.js';
import { followRun, type StageResults, type StartedRun } from '../follow.js';
import { Interrupted, interruption } from '../interruption.js';
import type { RunOptions } from '../options.js';
import { resultJson, type RunJson } from '../resultJson.js';
import { describeResults } from '../resultTables.js';
import { openSession, type Session } from '../session.js';
import { checkCsv, defaultSource } from '../source.js';
import { chosenStore } from '../store.js';
import { requireStore } from '../storeCheck.js';
import { print, printJson, say } from '../terminal.js';
import { trainHere } from '../trainHere.js';

/** Starts a workflow, or trains here, shows how it goes, and prints what it came to. */
export async function run(workflow: keyof Workflows, pipeline: string, options: RunOptions): Promise<void> {
  const { run, results } = options.local
    ? { run: null, results: await trainInThisProcess(pipeline, options) }
    : await runWorkflow(workflow, pipeline, options);
  if (options.json) printJson(resultJson(run, results));
  else print(describeResults(results));
}

async function runWorkflow(name: keyof Workflows, pipeline: string, options: RunOptions): Promise<{ run: RunJson; results: StageResults }> {
  const settings = await loadPipeline(pipeline);
  algorithmsToTrain(settings.config, options.algorithm);
  const store = chosenStore(options);
  const csv = options.csv && (await checkCsv(settings, options.csv));

  const stop = interruption();
  const session = await openSession(store, pipeline);
  try {
    stop.throwIfAborted();
    if (session.embedded) await tellResumed(session);
    else if (options.store) say('--store has no say over workers that run already; they use the store they were started with.');
    const readsSource = name === 'lifecycle' || name === 'dataProcessing';
    const source = csv ?? (readsSource ? await defaultSource(settings, store) : undefined);
    const { asOf, reason, algorithm: algorithms, replace } = options;
    const input = { pipeline, asOf, reason, triggeredBy: 'perdure', source, algorithms, replace };
    const handle = await startWorkflow(session.client, name, input);
    const { workflowId, firstExecutionRunId: runId } = handle;
    const url = session.urlOf(workflowId, runId);
    say(`Run: ${url ?? workflowId}`);
    try {
      const results = await followToEnd(session, { name, handle }, stop);
      return { run: { workflow_id: workflowId, run_id: runId, url: url ?? null }, results };
    } finally {
      if (session.embedded) say(`The run's history is kept: "perdure up" shows it${url ? ` at ${url}` : ''}`);
    }
  } finally {
    await session.close();
  }
}

/** What was under way when an embedded server was last stopped, goes on with the next one. */
async function tellResumed({ client }: Session): Promise<void> {
  for (const { workflowId } of await startedRuns(client, 5, 'ExecutionStatus = "Running"')) {
    say(`An earlier run goes on beside this one: ${workflowId}`);
  }
}

async function trainInThisProcess(pipeline: string, options: RunOptions): Promise<StageResults> {
  const { config } = await loadPipeline(pipeline);
  algorithmsToTrain(config, options.algorithm);
  const { algorithm: algorithms, asOf = new Date().toISOString() } = options;
  const store = chosenStore(options);
  await requireStore(store, [pipeline]);
  return trainHere({ pipeline, asOf, algorithms }, store, interruption());
}

/** How long a cancelled run may take to clean up before its server goes. */
const CLEAN_UP_MS = 10_000;

/** An interrupted command takes its run along only where it takes the server along. */
async function followToEnd(session: Session, run: StartedRun, stop: AbortSignal): Promise<StageResults> {
  const broken = new AbortController();
  session.broken.catch((error: unknown) => broken.abort(error));
  try {
    return await followRun(session.client, run, AbortSignal.any([stop, broken.signal]));
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    if (!session.embedded) throw new Interrupted('No longer following the run, which goes on; "perdure status" tells how it ends.');
    say('Cancelling the run; Ctrl-C once more leaves at once.');
    await run.handle.cancel();
    const completed = await Promise.race([run.handle.result().then(() => true, () => false), sleep(CLEAN_UP_MS, false)]);
    if (completed) throw new Interrupted('The run was completed before it could be cancelled; "perdure status" tells what it did.');
    throw new Interrupted('The run was cancelled; processed data and registered models are kept.');
  }
}
