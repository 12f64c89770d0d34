import type { Command } from '@commander-js/extra-typings';
import { pipelineArgument, withExamples } from '../help.js';
import { jsonOption, storeOption } from '../options.js';

/** `perdure status` */
export function addStatus(program: Command, pipelines: string[]): void {
  const command = program
    .command('status')
    .description('recent runs, and what the store holds')
    .addArgument(pipelineArgument('[pipeline]', pipelines))
    .option(
      '--cost',
      'also the vCPU-hours and GB-hours of each phase\'s last 20 runs, and their cost by the config\'s "prices"',
    )
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline, options) => {
      const { status } = await import('../pipelineStatus.js');
      await status(pipeline, options);
    });
  withExamples(command, pipelines, (pipeline) => [
    ['perdure status', 'of every pipeline'],
    [`perdure status ${pipeline} --cost`, 'with what the work took'],
  ]);
}
