import type { Command } from '@commander-js/extra-typings';
import { withExamples, withNotes } from '../help.js';

/** `perdure task` */
export function addTask(program: Command, pipelines: string[]): void {
  const command = program
    .command('task')
    .description('run one stage in this process: what a task of Amazon ECS does')
    .argument('<stage>', 'the stage, such as trainAlgorithm')
    .requiredOption('--input <uri>', 'address of the input, an object of the store')
    .requiredOption('--output <uri>', 'address under which the result is written, as the last act')
    .action(async (stage, options) => {
      const { runTask } = await import('../taskStage.js');
      await runTask(stage, options);
    });
  withNotes(
    command,
    'PERDURE_STORE names the store, ENVIRONMENT the settings. The result is {"status": "completed", "output"} or {"status": "failed", "error": {"type", "message", "retryable"}}; the exit code is 0 only for the first.',
  );
  withExamples(command, pipelines, () => [
    [
      'perdure task trainAlgorithm --input s3://bucket/tasks/1.json --output s3://bucket/tasks/1.result.json',
      'as a container of the task definition does',
    ],
  ]);
}
