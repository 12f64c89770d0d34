import { once } from 'node:events';
import { listPipelines } from '../config/load.js';
import { PerdureError } from '../errors.js';
import { configuredTarget } from '../platform/temporal/connection.js';
import { joinOrStart, startStack, type EmbeddedServer } from '../platform/temporal/stack.js';
import { interruption } from './interruption.js';
import { refuseOtherStore } from './openRuns.js';
import type { StoreOption } from './options.js';
import type { Resources } from '../platform/resources/resources.js';
import { stateFolder } from './stateFolder.js';
import { chosenStore } from './store.js';
import { requireStore } from './storeCheck.js';
import { say } from './terminal.js';

/** Sizes and ports are those of last time, or customary, where they aren't given. */
interface UpOptions extends StoreOption {
  processingSize?: Resources;
  trainingSize?: Resources;
  port?: number;
  uiPort?: number;
}

/** Runs until it is interrupted. */
export async function up(options: UpOptions): Promise<void> {
  const { processingSize: dataProcessing, trainingSize: modelTraining, port, uiPort } = options;
  const target = configuredTarget();
  if (target && (port !== undefined || uiPort !== undefined)) {
    throw new PerdureError(
      'SetupFailed',
      `--port and --ui-port are those of a server that "perdure up" starts, and the environment names ${target.address}; leave them out, or unset TEMPORAL_ADDRESS.`,
    );
  }
  const stop = interruption();
  const store = chosenStore(options);
  await requireStore(store, await listPipelines()).catch((error: unknown) => {
    // Not every pipeline that is configured need be in use.
    if (!(error instanceof PerdureError && error.type === 'NotFound')) throw error;
  });
  const server = target ? undefined : await ownServer(store, { port, uiPort });
  const stack = await startStack({
    storeRoot: store,
    stateFolder: stateFolder(),
    target,
    server,
    resources: { dataProcessing, modelTraining },
    tell: say,
  });
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

async function ownServer(store: string, ports: { port?: number; uiPort?: number }): Promise<EmbeddedServer> {
  const found = await joinOrStart(stateFolder(), { ...ports, store, tell: say });
  if (!('stop' in found)) {
    throw new PerdureError(
      'SetupFailed',
      `A server and its workers run here already (process ${found.pid}, ${found.target.address}); use them, or stop them first.`,
    );
  }
  try {
    await refuseOtherStore(found.target, store);
    return found;
  } catch (error) {
    await found.stop();
    throw error;
  }
}
