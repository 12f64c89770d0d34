import type { Command } from '@commander-js/extra-typings';
import { withExamples } from '../help.js';
import { say } from '../terminal.js';

/** `perdure setup` */
export function addSetup(program: Command, pipelines: string[]): void {
  const command = program
    .command('setup')
    .description('find the native tools, and fetch those that are missing into the cache')
    .option('--tests', 'also what only the tests need')
    .option('--engines', 'only what a worker needs, for an image')
    .action(async (options) => {
      const { setUp } = await import('../../platform/setup/tools.js');
      await setUp(options, say);
    });
  withExamples(command, pipelines, () => [['perdure setup', 'once a machine; what is there already is left alone']]);
}
