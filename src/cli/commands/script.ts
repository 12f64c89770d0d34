import { Option, type Command } from '@commander-js/extra-typings';
import { TASKS } from '../../contracts/task.js';
import { withExamples } from '../help.js';
import { jsonOption } from '../options.js';

/** `perdure script ...`: programs of users that train and predict. */
export function addScript(program: Command, pipelines: string[]): void {
  const script = program
    .command('script')
    .description('look at programs that train and predict, as docs/scripts.md has them');
  const check = script
    .command('check')
    .description('have a script train and predict on a small table, and tell whether it keeps to the contract')
    .argument('<pipeline-or-file>', 'a pipeline, or the file of a script')
    .argument('[algorithm]', 'of the pipeline (default: all of its scripts)')
    .addOption(new Option('--task <name>', "what is predicted (default: the pipeline's, else binary)").choices(TASKS))
    .option('--params <json>', "parameters as an object of JSON (default: the algorithm's)")
    .addOption(jsonOption())
    .action(async (what, algorithm, options) => {
      const { checkScript } = await import('../checkScript.js');
      await checkScript(what, algorithm, options);
    });
  withExamples(check, pipelines, () => [
    [
      'perdure script check conf/scripts/catboost/catboost_model.py --task multiclass',
      'a file, before a pipeline has it',
    ],
    ['perdure script check loans catboost', 'an algorithm of a pipeline'],
  ]);
}
