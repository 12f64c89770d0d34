import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { packageFolder } from '../config/load.js';
import { addDoctorCommand } from './commands/doctor.js';
import { addModelsCommand } from './commands/models.js';
import { addRunCommands } from './commands/run.js';
import { addSetupCommand } from './commands/setup.js';
import { addStatusCommand } from './commands/status.js';
import { addUpCommand } from './commands/up.js';
import { withExamples } from './help.js';

/**
 * The whole command line. Parsing throws `CommanderError` for wrong usage, and what a command throws for the rest.
 * @param pipelines names for the help
 */
export function createProgram(pipelines: string[]): Command {
  const { version } = JSON.parse(readFileSync(join(packageFolder(), 'package.json'), 'utf8')) as { version: string };
  const program = new Command('perdure')
    .description('Process data, train, predict and watch models: machine-learning lifecycles that survive whatever stops halfway.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('("perdure --help" lists the commands, "perdure <command> --help" their options)');
  withExamples(program, pipelines, (pipeline) => [
    ['perdure doctor', 'look whether everything is there'],
    [`perdure run ${pipeline}`, 'the whole lifecycle, on generated data'],
    [`perdure status ${pipeline}`, 'what there is now'],
    ['perdure up', 'keep a server, its web UI and workers running'],
  ]);
  program.addHelpText('after', `
A pipeline is a folder in conf/pipelines (PERDURE_CONF names another conf folder).
ENVIRONMENT chooses its settings: dev, staging or prod; dev when unset.`);
  addRunCommands(program, pipelines);
  addUpCommand(program);
  addStatusCommand(program, pipelines);
  addModelsCommand(program, pipelines);
  addSetupCommand(program);
  addDoctorCommand(program);
  return program;
}
