import { setTimeout as sleep } from 'node:timers/promises';
import { Option, type Command } from 'commander';
import { startWorkflow, type Workflows } from '../../client.js';
import { algorithmsToTrain, loadPipeline } from '../../config/load.js';
import { followRun, type StageResults, type StartedRun } from '../follow.js';
import { pipelineArgument, withExamples } from '../help.js';
import { Interrupted, interruption } from '../interruption.js';
import { algorithmOption, asOfOption, chosenStore, withCommonOptions, type CommonOptions } from '../options.js';
import { resultJson, type RunJson } from '../resultJson.js';
import { describeResults } from '../resultTables.js';
import { openSession, type Session } from '../session.js';
import { chooseSource } from '../source.js';
import { print, printJson, say } from '../terminal.js';
import { trainHere } from '../trainHere.js';

interface RunOptions extends CommonOptions {
  csv?: string;
  asOf?: string;
  reason?: string;
  algorithm?: string[];
  local?: boolean;
}

/** `run`, `process`, `train`, `predict`, `monitor`: each starts its workflow and follows it to its end. */
export function addRunCommands(program: Command, pipelines: string[]): void {
  const run = runCommand(program, pipelines, 'lifecycle', 'run', 'run the whole lifecycle: process, train, predict, monitor')
    .addOption(csvOption())
    .addOption(algorithmOption());
  withExamples(run, pipelines, (pipeline) => [
    [`perdure run ${pipeline}`, 'on generated data'],
    [`perdure run ${pipeline} --csv file.csv`, 'on a file of your own'],
    [`perdure run ${pipeline} --as-of 2008-06-30`, 'as if it were that day'],
    [`perdure run ${pipeline} --json > result.json`, 'for scripts'],
  ]);

  const processing = runCommand(program, pipelines, 'dataProcessing', 'process', 'raw data to bronze, silver and gold; only what changed is done again')
    .addOption(csvOption());
  withExamples(processing, pipelines, (pipeline) => [[`perdure process ${pipeline} --csv file.csv`, '']]);

  const training = runCommand(program, pipelines, 'modelTraining', 'train', 'search, fit, evaluate and register every enabled algorithm; choose the champion')
    .addOption(algorithmOption())
    .option('--local', 'train in this process, without Temporal');
  withExamples(training, pipelines, (pipeline) => [
    [`perdure train ${pipeline}`, 'every enabled algorithm'],
    [`perdure train ${pipeline} --algorithm xgboost`, 'one of them'],
    [`ALGORITHM=xgboost perdure train ${pipeline} --local`, 'the same, without Temporal'],
  ]);

  runCommand(program, pipelines, 'modelInference', 'predict', 'score the rows that nobody has predicted yet with the champion');
  runCommand(program, pipelines, 'modelMonitoring', 'monitor', 'compare recent predictions with labels and with the training data');
}

function runCommand(program: Command, pipelines: string[], workflow: keyof Workflows, name: string, description: string): Command {
  const command = program
    .command(name)
    .description(description)
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .addOption(asOfOption())
    .option('--reason <text>', 'why, for people who read the run\'s history');
  return withCommonOptions(command).action(async (pipeline: string, options: RunOptions) => {
    const { run, results } = options.local
      ? { run: null, results: await trainInThisProcess(pipeline, options) }
      : await runWorkflow(workflow, pipeline, options);
    if (options.json) printJson(resultJson(run, results));
    else print(describeResults(results));
  });
}

function csvOption(): Option {
  return new Option('--csv <file>', 'the raw data (default: what was read last, or generated data the first time)');
}

async function runWorkflow(name: keyof Workflows, pipeline: string, options: RunOptions): Promise<{ run: RunJson; results: StageResults }> {
  const settings = await loadPipeline(pipeline);
  algorithmsToTrain(settings.config, options.algorithm);
  const store = chosenStore(options);
  const readsSource = name === 'lifecycle' || name === 'dataProcessing';
  const source = readsSource ? await chooseSource(settings, store, options.csv) : undefined;

  const stop = interruption();
  const session = await openSession(store);
  try {
    stop.throwIfAborted();
    const { asOf, reason, algorithm: algorithms } = options;
    const input = { pipeline, asOf, reason, triggeredBy: 'perdure', source, algorithms };
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

async function trainInThisProcess(pipeline: string, options: RunOptions): Promise<StageResults> {
  const { config } = await loadPipeline(pipeline);
  algorithmsToTrain(config, options.algorithm);
  const { algorithm: algorithms, asOf = new Date().toISOString() } = options;
  return trainHere({ pipeline, asOf, algorithms }, chosenStore(options), interruption());
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
    await Promise.race([run.handle.result().catch(() => undefined), sleep(CLEAN_UP_MS)]);
    throw new Interrupted('The run was cancelled; what was finished is kept, and the next run goes on from there.');
  }
}
