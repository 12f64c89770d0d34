import { InvalidArgumentError, Option, type Command } from '@commander-js/extra-typings';
import { PERIOD_UNITS } from '../../contracts/index.js';
import { withExamples, withNotes } from '../help.js';
import { csvOption, dayOption, labelsOption } from '../options.js';
import { runCommand } from '../runCommand.js';

/** `perdure backfill` */
export function addBackfill(program: Command, pipelines: string[]): void {
  const command = runCommand(
    program,
    pipelines,
    'backfill',
    'run the lifecycle of one week after the other, each as it would have been at its time',
  )
    .addOption(dayOption('--from <day>', 'first day of the first period (default: where the timeline ends)'))
    .addOption(countOption('--weeks <number>', 'how many weeks (default: all that are over)'))
    .addOption(countOption('--periods <number>', 'how many periods, whatever their length'))
    .addOption(
      new Option('--by <length>', 'length of a period (default: that of the timeline, else week)').choices(
        PERIOD_UNITS,
      ),
    )
    .addOption(dayOption('--again-from <day>', 'run the period of this day again, and those after it'))
    .option('--keep-later', 'keep the periods after it as they are')
    .option('--pause', 'begin no further period until it is resumed; the one at work is finished')
    .option('--resume', 'go on with the next period')
    .addOption(csvOption())
    .addOption(labelsOption())
    .action(async (pipeline, options) => {
      const { backfill } = await import('../backfill.js');
      await backfill(pipeline, options);
    });
  withExamples(command, pipelines, (pipeline) => [
    [`perdure backfill ${pipeline} --from 2022-01-16 --weeks 156`, 'three years, week by week'],
    [`perdure backfill ${pipeline} --from 2008-01-01 --by month`, 'month by month, until now'],
    [`perdure backfill ${pipeline}`, 'goes on where the timeline ends, until now'],
    [`perdure backfill ${pipeline} --again-from 2023-07-23`, 'that week again, and all after it'],
  ]);
  withNotes(
    command,
    'A period is processed; the champion is evaluated on the period before; a model is trained where "retraining" of the config says that one is due; and the champion predicts the period.',
    'A command that was stopped goes on where it was when it is given again.',
  );
}

function countOption<const Flags extends string>(flags: Flags, description: string) {
  return new Option(flags, description).argParser((text: string) => {
    const count = Number(text);
    if (!/^\d+$/.test(text) || count < 1) throw new InvalidArgumentError('Give a whole number from 1.');
    return count;
  });
}
