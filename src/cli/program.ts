import { Command } from 'commander';
import type { Workflows } from '../client.js';
import { ownPackage } from '../config/load.js';
import type { TaskOptions } from './commands/task.js';
import type { SetUpOptions } from '../platform/setup/tools.js';
import { CUSTOMARY_PORTS, WORKERS } from '../platform/temporal/workers.js';
import { addInit } from './commands/init.js';
import { markRequired, pipelineArgument, refuseHelpOfUnknown, withExamples } from './help.js';
import {
  algorithmOption,
  asOfOption,
  csvOption,
  dayOption,
  replaceOption,
  jsonOption,
  portOption,
  sizeOption,
  storeOption,
  type CommonOptions,
  type StatusOptions,
  type JsonOption,
  type RunOptions,
  type UpOptions,
} from './options.js';
import { addSchedules } from './schedulesProgram.js';
import { addRegistryCommands } from './registryProgram.js';
import { addStewardCommands } from './stewardProgram.js';
import { say } from './terminal.js';

/**
 * The whole command line. Parsing throws `CommanderError` for wrong usage, and what a command throws for the rest.
 * Commands are loaded when they are called, so that help and refusals come at once.
 *
 * @param pipelines names for the help
 */
export function createProgram(pipelines: string[]): Command {
  const program = new Command('perdure')
    .description(
      'Process data, train, predict and watch models: machine-learning lifecycles that survive whatever stops halfway.',
    )
    .version(ownPackage().version)
    .exitOverride()
    .showHelpAfterError('("perdure --help" lists the commands, "perdure <command> --help" their options)');
  markRequired(program);
  withExamples(program, pipelines, (pipeline) => [
    ['perdure doctor', 'look whether everything is there'],
    [`perdure run ${pipeline}`, 'the whole lifecycle, on generated data'],
    [`perdure status ${pipeline}`, 'what there is now'],
    ['perdure up', 'keep a server, its web UI and workers running'],
  ]);
  program.addHelpText(
    'after',
    `
A pipeline is a folder in conf/pipelines (PERDURE_CONF names another conf folder, or an
address such as s3://bucket/prefix).
ENVIRONMENT chooses its settings: dev, staging or prod; dev when unset.
Exit codes: 0 for well, 1 for failed, 2 for wrong usage, 3 where all was skipped, or all but processing; 130, 143 and 129 where SIGINT, SIGTERM or SIGHUP stopped it.`,
  );

  withExamples(addInit(program), pipelines, () => [
    ['perdure init loans --csv loans.csv --label grade', 'the rest is decided by what the file holds'],
    ['perdure init churn --csv telco.csv --label Churn --positive Yes --key customerID', 'with what you know better'],
  ]);
  addRunCommands(program, pipelines);
  addUp(program, pipelines);
  addStatus(program, pipelines);
  addModels(program, pipelines);
  addStewardCommands(program, pipelines);
  addSchedules(program, pipelines);
  addData(program, pipelines);
  addTask(program, pipelines);
  addSetup(program, pipelines);
  addDoctor(program, pipelines);
  refuseHelpOfUnknown(program);
  return program;
}

const TRAIN_AGAIN = 'train also what would only make the newest version again';

/** Each starts its workflow and follows it to its end. */
function addRunCommands(program: Command, pipelines: string[]): void {
  const run = addRunCommand(
    program,
    pipelines,
    'lifecycle',
    'run',
    'run the whole lifecycle: process, train, predict, monitor',
  )
    .addOption(csvOption())
    .addOption(replaceOption())
    .addOption(algorithmOption())
    .option('--again', TRAIN_AGAIN);
  withExamples(run, pipelines, (pipeline) => [
    [`perdure run ${pipeline}`, 'on generated data'],
    [`perdure run ${pipeline} --csv file.csv`, 'on a file of your own'],
    [`perdure run ${pipeline} --as-of 2008-06-30`, 'as if it were that day'],
    [`perdure run ${pipeline} --json > result.json`, 'for scripts'],
  ]);

  const processing = addRunCommand(
    program,
    pipelines,
    'dataProcessing',
    'process',
    'raw data to bronze, silver and gold; only what changed is done again',
  )
    .addOption(csvOption())
    .addOption(replaceOption());
  withExamples(processing, pipelines, (pipeline) => [
    [`perdure process ${pipeline} --csv file.csv`, 'a file of your own'],
    [`perdure process ${pipeline}`, 'what was read last, where it changed'],
  ]);

  const training = addRunCommand(
    program,
    pipelines,
    'modelTraining',
    'train',
    'search, fit, evaluate and register every enabled algorithm; choose the champion',
  )
    .addOption(algorithmOption())
    .option('--again', TRAIN_AGAIN)
    .option('--local', 'train in this process, without Temporal');
  withExamples(training, pipelines, (pipeline) => [
    [`perdure train ${pipeline}`, 'every enabled algorithm'],
    [`perdure train ${pipeline} --algorithm xgboost`, 'one of them'],
    [`ALGORITHM=xgboost perdure train ${pipeline} --local`, 'the same, without Temporal'],
  ]);

  const predicting = addRunCommand(
    program,
    pipelines,
    'modelInference',
    'predict',
    'score the rows that nobody has predicted yet with the champion',
  )
    .addOption(dayOption('--from <day>', 'the first day whose rows are scored (default: inference_config.start_date)'))
    .addOption(dayOption('--to <day>', 'the last one (default: the day that the run stands at)'))
    .option('--again', 'also rows that have a score');
  withExamples(predicting, pipelines, (pipeline) => [
    [`perdure predict ${pipeline}`, 'rows that are new, or whose features were corrected'],
    [`perdure predict ${pipeline} --from 2008-06-01 --to 2008-06-30 --again`, 'every row of a month anew'],
  ]);

  const monitoring = addRunCommand(
    program,
    pipelines,
    'modelMonitoring',
    'monitor',
    'compare recent predictions with labels and with the training data',
  );
  withExamples(monitoring, pipelines, (pipeline) => [
    [`perdure monitor ${pipeline}`, 'with the labels that are known by now'],
    [`perdure monitor ${pipeline} --as-of 2008-08-31 --json`, 'as of that day, for scripts'],
  ]);
}

function addRunCommand(
  program: Command,
  pipelines: string[],
  workflow: keyof Workflows,
  name: string,
  description: string,
): Command {
  return program
    .command(name)
    .description(description)
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .addOption(asOfOption())
    .option('--reason <text>', "why, for people who read the run's history")
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline: string, options: RunOptions) => {
      const { run } = await import('./commands/run.js');
      await run(workflow, pipeline, options);
    });
}

function addUp(program: Command, pipelines: string[]): void {
  const up = program
    .command('up')
    .description('keep a Temporal server, its web UI and three workers running until Ctrl-C')
    .addOption(storeOption())
    .addOption(portOption('--port', 'the Temporal server', CUSTOMARY_PORTS.port))
    .addOption(portOption('--ui-port', 'its web UI', CUSTOMARY_PORTS.ui_port))
    .addOption(sizeOption('--processing-size', WORKERS.dataProcessing.taskQueue, WORKERS.dataProcessing.size))
    .addOption(sizeOption('--training-size', WORKERS.modelTraining.taskQueue, WORKERS.modelTraining.size))
    .addHelpText(
      'after',
      `
Commands in the same folder use this server while it runs; without it they start their own for as long as they take.
The history of runs is kept in .perdure/temporal.db. Where TEMPORAL_ADDRESS or a profile of Temporal's environment
configuration names a server, only the workers are started, and work for that one.`,
    )
    .action(async (options: UpOptions) => {
      const { up } = await import('./commands/up.js');
      await up(options);
    });
  withExamples(up, pipelines, () => [
    ['perdure up', 'on this machine, until Ctrl-C'],
    ['perdure up --training-size 8x32', 'with a larger worker for training'],
  ]);
}

function addStatus(program: Command, pipelines: string[]): void {
  const status = program
    .command('status')
    .description('recent runs, and what the store holds')
    .addArgument(pipelineArgument('[pipeline]', pipelines))
    .option(
      '--cost',
      'also the vCPU-hours and GB-hours of each stage\'s last 20 runs, and their cost by the config\'s "prices"',
    )
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline: string | undefined, options: StatusOptions) => {
      const { status } = await import('./commands/status.js');
      await status(pipeline, options);
    });
  withExamples(status, pipelines, (pipeline) => [
    ['perdure status', 'of every pipeline'],
    [`perdure status ${pipeline} --cost`, 'with what the work took'],
  ]);
}

function addModels(program: Command, pipelines: string[]): void {
  const models = program.command('models').description('look at the registered models, and say which one is meant');
  addRegistryCommands(models, pipelines);
  const list = models
    .command('list')
    .description('every version with its metrics')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline: string, options: CommonOptions) => {
      const { listModels } = await import('./commands/models.js');
      await listModels(pipeline, options);
    });
  withExamples(list, pipelines, (pipeline) => [
    [`perdure models list ${pipeline}`, 'with what each alias means'],
    [`perdure models list ${pipeline} --json`, 'with every metric'],
  ]);
  const show = models
    .command('show')
    .description('one version: its settings, its metrics and what it was made from')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .argument('[model]', 'an algorithm, or an alias', 'champion')
    .argument('[version]', 'a version of the algorithm (default: its latest)')
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline: string, model: string, version: string | undefined, options: CommonOptions) => {
      const { showModel } = await import('./commands/models.js');
      await showModel(pipeline, model, version, options);
    });
  withExamples(show, pipelines, (pipeline) => [
    [`perdure models show ${pipeline}`, 'the champion'],
    [`perdure models show ${pipeline} xgboost`, 'the latest xgboost'],
    [`perdure models show ${pipeline} xgboost v20250102_030405_1a2b3c4d`, 'one version'],
  ]);
}

function addData(program: Command, pipelines: string[]): void {
  const data = program.command('data').description('get raw data');
  const get = data
    .command('get')
    .description('download the real data from its public home into .perdure/data')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .addOption(jsonOption())
    .action(async (pipeline: string, options: JsonOption) => {
      const { getData } = await import('./commands/data.js');
      await getData(pipeline, options);
    });
  withExamples(get, pipelines, (pipeline) => [[`perdure data get ${pipeline}`, 'prints the path of the file']]);
  const generate = data
    .command('generate')
    .description('generate data that looks like the real one into .perdure/data; the same every time')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .addOption(jsonOption())
    .action(async (pipeline: string, options: JsonOption) => {
      const { generateDataFile } = await import('./commands/data.js');
      await generateDataFile(pipeline, options);
    });
  withExamples(generate, pipelines, (pipeline) => [
    [`perdure data generate ${pipeline}`, 'prints the path of the file'],
  ]);
}

function addTask(program: Command, pipelines: string[]): void {
  const task = program
    .command('task')
    .description('run one stage in this process: what a task of Amazon ECS does')
    .argument('<stage>', 'the stage, such as trainAlgorithm')
    .requiredOption('--input <uri>', 'address of the input, an object of the store')
    .requiredOption('--output <uri>', 'address under which the result is written, as the last act')
    .addHelpText(
      'after',
      `
PERDURE_STORE names the store, ENVIRONMENT the settings. The result is {"status": "completed", "output"} or
{"status": "failed", "error": {"type", "message", "retryable"}}; the exit code is 0 only for the first.`,
    )
    .action(async (stage: string, options: TaskOptions) => {
      const { runTask } = await import('./commands/task.js');
      await runTask(stage, options);
    });
  withExamples(task, pipelines, () => [
    [
      'perdure task trainAlgorithm --input s3://bucket/tasks/1.json --output s3://bucket/tasks/1.result.json',
      'as a container of the task definition does',
    ],
  ]);
}

function addSetup(program: Command, pipelines: string[]): void {
  const setup = program
    .command('setup')
    .description('find the native tools, and fetch those that are missing into the cache')
    .option('--tests', 'also what only the tests need')
    .option('--engines', 'only what a worker needs, for an image')
    .action(async (options: SetUpOptions) => {
      const { setUp } = await import('../platform/setup/tools.js');
      await setUp(options, say);
    });
  withExamples(setup, pipelines, () => [['perdure setup', 'once a machine; what is there already is left alone']]);
}

function addDoctor(program: Command, pipelines: string[]): void {
  const doctor = program
    .command('doctor')
    .description('what is installed, what is missing, and what to do about it')
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (options: CommonOptions) => {
      const { doctor } = await import('./commands/doctor.js');
      await doctor(options);
    });
  withExamples(doctor, pipelines, () => [['perdure doctor', 'exits 1 where something needed is missing']]);
}
