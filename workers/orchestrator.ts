import { join } from 'node:path';
import { createAlertActivities } from '../activities/alerts.js';
import { packageFolder } from '../src/config/load.js';
import { channelsFrom } from '../src/notify/settings.js';
import { openStores, storeRoot } from '../src/storage/stores.js';
import { runWorkerProcess } from '../src/temporal/workerProcess.js';
import { WORKERS } from '../src/temporal/workers.js';

/** Workflow tasks, so that no stage's work delays a decision, and alerts, which wait for the network alone. */
await runWorkerProcess(WORKERS.orchestrator, async () => ({
  options: {
    workflowBundle: { codePath: join(packageFolder(), 'dist', 'workflow-bundle.js') },
    // Some hundred kB of memory each; a workflow that is pushed out is replayed when it goes on.
    maxCachedWorkflows: 200,
    maxConcurrentWorkflowTaskExecutions: 20,
    activities: createAlertActivities({ openStores: await openStores(storeRoot()), channels: channelsFrom() }),
    maxConcurrentActivityTaskExecutions: 20,
  },
}));
