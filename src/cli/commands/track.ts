import type { Command } from '@commander-js/extra-typings';
import { pipelineArgument, withExamples } from '../help.js';
import { jsonOption, storeOption } from '../options.js';

/** `perdure track` */
export function addTrack(program: Command, pipelines: string[]): void {
  const command = program
    .command('track')
    .description('write the trainings that wait to MLflow, and have its aliases name what they name here')
    .addArgument(pipelineArgument('<pipeline>', pipelines))
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (pipeline, options) => {
      const { track } = await import('../track.js');
      await track(pipeline, options);
    });
  withExamples(command, pipelines, (pipeline) => [
    [`perdure track ${pipeline}`, 'what could not be written while the server was away'],
    [`perdure track ${pipeline} --json`, 'for scripts'],
  ]);
}
