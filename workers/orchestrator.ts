import { join } from 'node:path';
import { packageFolder } from '../src/config/load.js';
import { runWorkerProcess } from '../src/temporal/workerProcess.js';
import { WORKERS } from '../src/temporal/workers.js';

/** Workflow tasks only, so that no stage's work delays a decision. */
await runWorkerProcess(WORKERS.orchestrator, () => ({
  options: {
    workflowBundle: { codePath: join(packageFolder(), 'dist', 'workflow-bundle.js') },
    // Some hundred kB of memory each; a workflow that is pushed out is replayed when it goes on.
    maxCachedWorkflows: 200,
    maxConcurrentWorkflowTaskExecutions: 20,
  },
}));
