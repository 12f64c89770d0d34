import type { Command } from '@commander-js/extra-typings';
import { pipelineArgument, withExamples } from '../help.js';
import { jsonOption, storeOption } from '../options.js';

/** `perdure report` */
export function addReport(program: Command, pipelines: string[]): void {
  const command = program
    .command('report')
    .description('open the page of a training, a monitoring run or a backfill in the browser, and print where it lies')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .argument(
      '[run]',
      '"training", "monitoring" or "timeline" for the newest of its kind, a version, or a run\'s id',
      'newest',
    )
    .option('--output <file>', 'write a copy to this file instead of opening it')
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline, run, options) => {
      const { openReport } = await import('../openReport.js');
      await openReport(pipeline, run, options);
    });
  withExamples(command, pipelines, (pipeline) => [
    [`perdure report ${pipeline}`, 'the newest page'],
    [`perdure report ${pipeline} training --output training.html`, 'a copy of the newest of a training'],
    [`perdure report ${pipeline} v20250102_030405_1a2b3c4d`, 'of the training that made a version'],
  ]);
}
