import { Option, type Command } from 'commander';
import type { MoveAliasOptions } from './commands/moveModel.js';
import { pipelineArgument, withExamples } from './help.js';
import { jsonOption, storeOption, type CommonOptions } from './options.js';

const MODEL = 'an alias, an algorithm for its latest version, or algorithm/version';

/** The commands of `perdure models` that compare versions and say which one is meant. */
export function addRegistryCommands(models: Command, pipelines: string[]): void {
  const promote = models
    .command('promote')
    .description('make a version champion, or what another alias means')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .argument('[model]', MODEL, 'challenger')
    .addOption(aliasOption())
    .requiredOption('--reason <text>', 'why, for people who read the history')
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline: string, model: string, options: MoveAliasOptions) => {
      const { moveModel } = await import('./commands/moveModel.js');
      await moveModel('promote', pipeline, model, options);
    });
  withExamples(promote, pipelines, (pipeline) => [
    [`perdure models promote ${pipeline} --reason "checked by hand"`, 'the best of the newest training'],
    [`perdure models promote ${pipeline} champion --alias production --reason release`, 'what is champion now'],
  ]);

  const rollback = models
    .command('rollback')
    .description('go back to the champion before, or to a named version; the next inference uses it')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .argument('[model]', `${MODEL} (default: the version before)`)
    .addOption(aliasOption())
    .requiredOption('--reason <text>', 'why, for people who read the history')
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline: string, model: string | undefined, options: MoveAliasOptions) => {
      const { moveModel } = await import('./commands/moveModel.js');
      await moveModel('rollback', pipeline, model, options);
    });
  withExamples(rollback, pipelines, (pipeline) => [
    [`perdure models rollback ${pipeline} --reason "worse since Monday"`, 'to the champion before'],
    [`perdure models rollback ${pipeline} xgboost/v20250102_030405_1a2b3c4d --reason audit`, 'to a version'],
  ]);

  const diff = models
    .command('diff')
    .description('how two versions differ: parameters, metrics, and what they were made from')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .argument('[one]', MODEL, 'champion')
    .argument('[other]', MODEL, 'challenger')
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline: string, one: string, other: string, options: CommonOptions) => {
      const { diffModels } = await import('./commands/registry.js');
      await diffModels(pipeline, one, other, options);
    });
  withExamples(diff, pipelines, (pipeline) => [
    [`perdure models diff ${pipeline}`, 'the champion and the challenger'],
    [`perdure models diff ${pipeline} random_forest xgboost`, 'the latest of each'],
  ]);

  const history = models
    .command('history')
    .description('who moved an alias to what, when and why')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .argument('[alias]', 'an alias, or an algorithm for its latest version', 'champion')
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline: string, alias: string, options: CommonOptions) => {
      const { modelHistory } = await import('./commands/registry.js');
      await modelHistory(pipeline, alias, options);
    });
  withExamples(history, pipelines, (pipeline) => [
    [`perdure models history ${pipeline}`, 'of the champion'],
    [`perdure models history ${pipeline} production`, 'of another alias'],
  ]);
}

function aliasOption(): Option {
  return new Option('--alias <name>', 'the alias that moves')
    .choices(['champion', 'challenger', 'production'])
    .default('champion');
}
