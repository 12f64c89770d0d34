import type { Command } from '@commander-js/extra-typings';
import { pipelineArgument, withExamples, withNotes } from '../help.js';
import { jsonOption, storeOption } from '../options.js';

/** `perdure config` */
export function addConfig(program: Command, pipelines: string[]): void {
  const command = program
    .command('config')
    .description('every setting that a pipeline goes by, and where it comes from')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline, options) => {
      const { showConfig } = await import('../effectiveConfig.js');
      await showConfig(pipeline, options);
    });
  withNotes(
    command,
    'ENVIRONMENT chooses the model config: dev, staging or prod; dev when unset. What is found in the data is shown once a run has read it.',
  );
  withExamples(command, pipelines, (pipeline) => [
    [`perdure config ${pipeline}`, 'for people'],
    [`ENVIRONMENT=prod perdure config ${pipeline} --json`, 'of another environment, for scripts'],
  ]);
}
