import type { Command } from 'commander';
import type { SteeringOptions } from './commands/steward.js';
import { pipelineArgument, withExamples } from './help.js';
import { jsonOption, storeOption, type CommonOptions } from './options.js';

type Steer = (pipeline: string, options: SteeringOptions) => Promise<void>;

/** The commands of the workflow that looks after a pipeline. */
export function addStewardCommands(program: Command, pipelines: string[]): void {
  const steward = program.command('steward').description('the workflow that looks after a pipeline: retrains on drift and new data, and can be steered');
  const add = (name: string, description: string, steer: () => Promise<Steer>) =>
    steward
      .command(name)
      .description(description)
      .addArgument(pipelineArgument('<pipeline>', pipelines))
      .option('--reason <text>', 'why, for people who read the history')
      .addOption(storeOption())
      .addOption(jsonOption())
      .action(async (pipeline: string, options: SteeringOptions) => (await steer())(pipeline, options));

  for (const [name, description] of [['start', 'start it; one that runs already is left as it is'], ['state', 'what is asked, in flight and to approve, and what happened']] as const) {
    steward
      .command(name)
      .description(description)
      .addArgument(pipelineArgument('<pipeline>', pipelines))
      .addOption(storeOption())
      .addOption(jsonOption())
      .action(async (pipeline: string, options: CommonOptions) => {
        const { startSteward, stewardState } = await import('./commands/steward.js');
        await (name === 'start' ? startSteward : stewardState)(pipeline, options);
      });
  }
  add('approve', 'let the retraining that waits for approval run', async () => (await import('./commands/steward.js')).approveRetrain);
  add('pause', 'start nothing more; what is asked is kept', async () => (await import('./commands/steward.js')).pauseSteward);
  add('resume', 'go on', async () => (await import('./commands/steward.js')).resumeSteward);
  add('rollback', 'go back to the champion before, and predict with it at once', async () => (await import('./commands/steward.js')).rollBackBySteward);
  steward
    .command('promote')
    .description('make a version champion, and predict with it at once')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .argument('[model]', 'an alias, an algorithm for its latest version, or algorithm/version', 'challenger')
    .option('--reason <text>', 'why, for people who read the history')
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline: string, model: string, options: SteeringOptions) => {
      const { promoteBySteward } = await import('./commands/steward.js');
      await promoteBySteward(pipeline, model, options);
    });
  withExamples(steward, pipelines, (pipeline) => [
    [`perdure steward start ${pipeline}`, 'beside "perdure up"'],
    [`perdure steward state ${pipeline}`, ''],
    [`perdure steward approve ${pipeline} --reason "drift is real"`, ''],
  ]);
}
