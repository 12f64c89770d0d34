import { join } from 'node:path';
import { packageFolder } from '../src/package.js';
import { isTraced } from '../src/platform/observe/tracing.js';
import { publishBacklogs } from '../src/platform/temporal/backlog.js';
import { runWorkerProcess } from '../src/platform/temporal/workerProcess.js';
import { WORKERS } from '../src/platform/temporal/workers.js';

/** Workflow tasks alone: nothing else delays a decision. A look at the queues by the minute is no load. */
await runWorkerProcess(WORKERS.orchestrator, () => ({
  queues: [
    {
      taskQueue: WORKERS.orchestrator.taskQueue,
      workflowBundle: {
        codePath: join(packageFolder(), 'dist', isTraced() ? 'workflow-bundle.traced.js' : 'workflow-bundle.js'),
      },
      // Some hundred kB of memory each; a workflow that is pushed out is replayed when it goes on.
      maxCachedWorkflows: 200,
      maxConcurrentWorkflowTaskExecutions: 20,
    },
  ],
  beside: publishBacklogs,
}));
