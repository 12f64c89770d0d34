import type { Command } from '@commander-js/extra-typings';
import { withExamples } from '../help.js';
import { jsonOption, storeOption } from '../options.js';

/** `perdure doctor` */
export function addDoctor(program: Command, pipelines: string[]): void {
  const command = program
    .command('doctor')
    .description('what is installed, what is missing, and what to do about it')
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (options) => {
      const { doctor } = await import('../findings.js');
      await doctor(options);
    });
  withExamples(command, pipelines, () => [['perdure doctor', 'exits 1 where something needed is missing']]);
}
