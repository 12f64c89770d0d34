import type { Command } from 'commander';
import { setUp } from '../../setup/tools.js';
import { say } from '../terminal.js';

export function addSetupCommand(program: Command): void {
  program
    .command('setup')
    .description('find the native tools, and fetch those that are missing into the cache')
    .option('--tests', 'what only the tests need as well')
    .action(async ({ tests = false }: { tests?: boolean }) => {
      await setUp({ tests }, say);
    });
}
