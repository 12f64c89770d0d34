import type { Command } from '@commander-js/extra-typings';
import { withExamples } from '../help.js';
import { againToTrain, algorithmOption } from '../options.js';
import { runCommand } from '../runCommand.js';

/** `perdure train` */
export function addTrain(program: Command, pipelines: string[]): void {
  const command = runCommand(
    program,
    pipelines,
    'train',
    'search, fit, evaluate and register every enabled algorithm; choose the champion',
  )
    .addOption(algorithmOption())
    .addOption(againToTrain())
    .option('--local', 'train in this process, without Temporal')
    .action(async (pipeline, options) => {
      const { run } = await import('../runWorkflow.js');
      await run('modelTraining', pipeline, options);
    });
  withExamples(command, pipelines, (pipeline) => [
    [`perdure train ${pipeline}`, 'every enabled algorithm'],
    [`perdure train ${pipeline} --algorithm xgboost`, 'one of them'],
    [`ALGORITHM=xgboost perdure train ${pipeline} --local`, 'the same, without Temporal'],
  ]);
}
