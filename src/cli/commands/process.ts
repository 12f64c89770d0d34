import type { Command } from '@commander-js/extra-typings';
import { withExamples } from '../help.js';
import { csvOption, labelsOption, replaceOption } from '../options.js';
import { runCommand } from '../runCommand.js';

/** `perdure process` */
export function addProcess(program: Command, pipelines: string[]): void {
  const command = runCommand(
    program,
    pipelines,
    'process',
    'raw data to bronze, silver and gold; only what changed is done again',
  )
    .addOption(csvOption())
    .addOption(labelsOption())
    .addOption(replaceOption())
    .action(async (pipeline, options) => {
      const { run } = await import('../runWorkflow.js');
      await run('dataProcessing', pipeline, options);
    });
  withExamples(command, pipelines, (pipeline) => [
    [`perdure process ${pipeline} --csv file.csv`, 'a file of your own'],
    [`perdure process ${pipeline}`, 'what was read last, where it changed'],
  ]);
}
