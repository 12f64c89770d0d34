import type { Command } from '@commander-js/extra-typings';
import { pipelineArgument, withExamples } from '../help.js';
import { say } from '../terminal.js';

/** `perdure setup` */
export function addSetup(program: Command, pipelines: string[]): void {
  const command = program
    .command('setup')
    .description('find the native tools, and fetch those that are missing into the cache')
    .addArgument(pipelineArgument('[pipeline]', pipelines, 'the tools alone'))
    .option('--tests', 'also what only the tests need')
    .option('--engines', 'only what a worker needs, for an image')
    .action(async (pipeline, options) => {
      const { setUp } = await import('../../platform/setup/tools.js');
      await setUp(options, say);
      if (pipeline === undefined) return;
      const { setUpScripts } = await import('../setUpScripts.js');
      await setUpScripts(pipeline, say);
    });
  withExamples(command, pipelines, () => [
    ['perdure setup', 'once a machine; what is there already is left alone'],
    ['perdure setup loans', 'also the Python packages of the scripts of a pipeline'],
  ]);
}
