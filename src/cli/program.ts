import { Command } from '@commander-js/extra-typings';
import { ownPackage } from '../package.js';
import { addBackfill } from './commands/backfill.js';
import { addCompare } from './commands/compare.js';
import { addConfig } from './commands/config.js';
import { addData } from './commands/data.js';
import { addDoctor } from './commands/doctor.js';
import { addFeatures } from './commands/features.js';
import { addInit } from './commands/init.js';
import { addModels } from './commands/models.js';
import { addMonitor } from './commands/monitor.js';
import { addPredict } from './commands/predict.js';
import { addProcess } from './commands/process.js';
import { addReport } from './commands/report.js';
import { addRun } from './commands/run.js';
import { addSchedules } from './commands/schedules.js';
import { addScript } from './commands/script.js';
import { addSetup } from './commands/setup.js';
import { addStatus } from './commands/status.js';
import { addSteward } from './commands/steward.js';
import { addTask } from './commands/task.js';
import { addTrack } from './commands/track.js';
import { addTrain } from './commands/train.js';
import { addUp } from './commands/up.js';
import { improveHelp, refuseHelpOfUnknown, withExamples, withNotes } from './help.js';

/** In the order of the help. */
const COMMANDS = [
  addInit,
  addConfig,
  addRun,
  addProcess,
  addTrain,
  addPredict,
  addMonitor,
  addBackfill,
  addUp,
  addStatus,
  addModels,
  addCompare,
  addReport,
  addTrack,
  addFeatures,
  addSteward,
  addSchedules,
  addData,
  addScript,
  addTask,
  addSetup,
  addDoctor,
];

/**
 * The whole command line. Parsing throws `CommanderError` for wrong usage, and what a command throws for the rest.
 * What commands do is loaded when they are called, so that help and refusals come at once.
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
  improveHelp(program);
  withExamples(program, pipelines, (pipeline) => [
    ['perdure doctor', 'look whether everything is there'],
    [`perdure run ${pipeline}`, 'the whole lifecycle, on generated data'],
    [`perdure status ${pipeline}`, 'what there is now'],
    ['perdure up', 'keep a server, its web UI and workers running'],
  ]);
  withNotes(
    program,
    'A pipeline is a folder in conf/pipelines (PERDURE_CONF names another conf folder, or an address such as s3://bucket/prefix).',
    'ENVIRONMENT chooses its settings: dev, staging or prod; dev when unset.',
    'Exit codes: 0 for well, 1 for failed, 2 for wrong usage, 3 where all was skipped, or all but processing, 4 where the best model did not pass its tests; 130, 143 and 129 where SIGINT, SIGTERM or SIGHUP stopped it.',
  );
  for (const add of COMMANDS) add(program, pipelines);
  refuseHelpOfUnknown(program);
  return program;
}
