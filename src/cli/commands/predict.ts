import type { Command } from '@commander-js/extra-typings';
import { withExamples } from '../help.js';
import { dayOption } from '../options.js';
import { runCommand } from '../runCommand.js';

/** `perdure predict` */
export function addPredict(program: Command, pipelines: string[]): void {
  const command = runCommand(
    program,
    pipelines,
    'predict',
    'score the rows that nobody has predicted yet with the champion',
  )
    .addOption(dayOption('--from <day>', 'the first day whose rows are scored (default: inference_config.start_date)'))
    .addOption(dayOption('--to <day>', 'the last one (default: the day that the run stands at)'))
    .option('--again', 'also rows that have a score')
    .action(async (pipeline, options) => {
      const { run } = await import('../runWorkflow.js');
      await run('modelInference', pipeline, options);
    });
  withExamples(command, pipelines, (pipeline) => [
    [`perdure predict ${pipeline}`, 'rows that are new, or whose features were corrected'],
    [`perdure predict ${pipeline} --from 2008-06-01 --to 2008-06-30 --again`, 'every row of a month anew'],
  ]);
}
