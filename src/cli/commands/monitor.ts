import type { Command } from '@commander-js/extra-typings';
import { withExamples } from '../help.js';
import { runCommand } from '../runCommand.js';

/** `perdure monitor` */
export function addMonitor(program: Command, pipelines: string[]): void {
  const command = runCommand(
    program,
    pipelines,
    'monitor',
    'compare recent predictions with labels and with the training data',
  ).action(async (pipeline, options) => {
    const { run } = await import('../runWorkflow.js');
    await run('modelMonitoring', pipeline, options);
  });
  withExamples(command, pipelines, (pipeline) => [
    [`perdure monitor ${pipeline}`, 'with the labels that are known by now'],
    [`perdure monitor ${pipeline} --as-of 2008-08-31 --json`, 'as of that day, for scripts'],
  ]);
}
