import type { Command } from '@commander-js/extra-typings';
import { CUSTOMARY_PORTS, WORKERS } from '../../platform/temporal/workers.js';
import { withExamples, withNotes } from '../help.js';
import { portOption, sizeOption, storeOption } from '../options.js';

/** `perdure up` */
export function addUp(program: Command, pipelines: string[]): void {
  const command = program
    .command('up')
    .description('keep a Temporal server, its web UI and three workers running until Ctrl-C')
    .addOption(storeOption())
    .addOption(portOption('--port', 'the Temporal server', CUSTOMARY_PORTS.port))
    .addOption(portOption('--ui-port', 'its web UI', CUSTOMARY_PORTS.ui_port))
    .addOption(sizeOption('--processing-size', WORKERS.dataProcessing.taskQueue, WORKERS.dataProcessing.resources))
    .addOption(sizeOption('--training-size', WORKERS.modelTraining.taskQueue, WORKERS.modelTraining.resources))
    .action(async (options) => {
      const { up } = await import('../standingStack.js');
      await up(options);
    });
  withNotes(
    command,
    "Commands in the same folder use this server while it runs; without it they start their own for as long as they take. The history of runs is kept in .perdure/temporal.db. Where TEMPORAL_ADDRESS or a profile of Temporal's environment configuration names a server, only the workers are started, and work for that one.",
  );
  withExamples(command, pipelines, () => [
    ['perdure up', 'on this machine, until Ctrl-C'],
    ['perdure up --training-size 8x32', 'with a larger worker for training'],
  ]);
}
