import type { Command } from '@commander-js/extra-typings';
import { withExamples } from '../help.js';
import { againToTrain, algorithmOption, csvOption, labelsOption, replaceOption } from '../options.js';
import { runCommand } from '../runCommand.js';

/** `perdure run` */
export function addRun(program: Command, pipelines: string[]): void {
  const command = runCommand(program, pipelines, 'run', 'run the whole lifecycle: process, train, predict, monitor')
    .addOption(csvOption())
    .addOption(labelsOption())
    .addOption(replaceOption())
    .addOption(algorithmOption())
    .addOption(againToTrain())
    .action(async (pipeline, options) => {
      const { run } = await import('../runWorkflow.js');
      await run('lifecycle', pipeline, options);
    });
  withExamples(command, pipelines, (pipeline) => [
    [`perdure run ${pipeline}`, 'on generated data'],
    [`perdure run ${pipeline} --csv file.csv`, 'on a file of your own'],
    [`perdure run ${pipeline} --as-of 2008-06-30`, 'as if it were that day'],
    [`perdure run ${pipeline} --json > result.json`, 'for scripts'],
  ]);
}
