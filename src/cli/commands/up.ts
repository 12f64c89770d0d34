import { once } from 'node:events';
import type { Command } from 'commander';
import { PerdureError } from '../../errors.js';
import { configuredTarget } from '../../temporal/connection.js';
import { runningStack, startStack } from '../../temporal/stack.js';
import { interruption } from '../interruption.js';
import { chosenStore, storeOption, type CommonOptions } from '../options.js';
import { stateFolder } from '../session.js';
import { say } from '../terminal.js';

export function addUpCommand(program: Command): void {
  program
    .command('up')
    .description('keep a Temporal server, its web UI and three workers running until Ctrl-C')
    .addOption(storeOption())
    .addHelpText('after', `
Commands in the same folder use this server while it runs; without one they start their own for as long as they take.
The history of runs is kept in .perdure/temporal.db. Where TEMPORAL_ADDRESS (or a profile) names a server, only the
workers are started, and work for it.`)
    .action(up);
}

async function up(options: CommonOptions): Promise<void> {
  const running = await runningStack(stateFolder());
  if (running) {
    throw new PerdureError('SetupFailed', `"perdure up" runs here already (process ${running.pid}, ${running.target.address}); use it, or stop it first.`);
  }
  const stop = interruption();
  const store = chosenStore(options);
  const stack = await startStack({ storeRoot: store, stateFolder: stateFolder(), target: configuredTarget(), tell: say });
  try {
    say(`Temporal: ${stack.target.address}, namespace ${stack.target.namespace}`);
    if (stack.webUi) say(`Web UI:   ${stack.webUi}`);
    say(`Store:    ${store}`);
    say('Three workers are at work. Ctrl-C stops everything.');
    if (!stop.aborted) await Promise.race([once(stop, 'abort'), stack.broken]);
    say('Stopping.');
  } finally {
    await stack.stop();
  }
}
