import { once } from 'node:events';
import { listPipelines } from '../../config/load.js';
import { PerdureError } from '../../errors.js';
import { configuredTarget } from '../../temporal/connection.js';
import { runningStack, startStack } from '../../temporal/stack.js';
import { interruption } from '../interruption.js';
import type { UpOptions } from '../options.js';
import { stateFolder } from '../stateFolder.js';
import { chosenStore } from '../store.js';
import { requireStore } from '../storeCheck.js';
import { say } from '../terminal.js';

/** Runs until it is interrupted. */
export async function up(options: UpOptions): Promise<void> {
  const running = await runningStack(stateFolder());
  if (running) {
    throw new PerdureError('SetupFailed', `"perdure up" runs here already (process ${running.pid}, ${running.target.address}); use it, or stop it first.`);
  }
  const { processingSize: dataProcessing, trainingSize: modelTraining } = options;
  const stop = interruption();
  const store = chosenStore(options);
  await requireStore(store, await listPipelines()).catch((error: unknown) => {
    // Not every pipeline that is configured need be in use.
    if (!(error instanceof PerdureError && error.type === 'NotFound')) throw error;
  });
  const stack = await startStack({ storeRoot: store, stateFolder: stateFolder(), target: configuredTarget(), sizes: { dataProcessing, modelTraining }, tell: say });
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
