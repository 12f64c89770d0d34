import { createAlertActivities } from '../activities/alerts.js';
import { createDispatchActivities } from '../activities/dispatch.js';
import { createTaskRunner } from '../activities/taskRunner.js';
import { TASK_QUEUES, type ActivitiesOn } from '../src/contracts/index.js';
import { channelsFrom } from '../src/platform/notify/settings.js';
import { watchTasks } from '../src/platform/notify/watchTasks.js';
import { openStores, storeRoot } from '../src/platform/storage/stores.js';
import { runWorkerProcess } from '../src/platform/temporal/workerProcess.js';
import { WORKERS } from '../src/platform/temporal/workers.js';
import { stageWorker } from './stageWorker.js';

/** Each waits for the network or reads a few small documents: together they are no load beside a stage. */
const OPERATIONS_AT_ONCE = 10;

/** Each only waits for a task that runs elsewhere. */
const TASKS_AT_ONCE = 1_000;

/**
 * The medallion's layers, inference and monitoring, one at a time: each may use all of the memory. Beside them, in a
 * worker of their own, the operations: an alert that waited for a stage would come when the work it tells of is over.
 */
await runWorkerProcess(WORKERS.dataProcessing, async (resources) => {
  const alerting = { openStores: await openStores(storeRoot()), channels: channelsFrom() };
  const alerts = createAlertActivities(alerting);
  const { queue, activities, close } = stageWorker(WORKERS.dataProcessing, resources);
  const operations = {
    taskQueue: TASK_QUEUES.operations,
    activities: { ...activities, ...alerts } satisfies ActivitiesOn<'operations'>,
    maxConcurrentActivityTaskExecutions: OPERATIONS_AT_ONCE,
  };
  // A queue of its own: tasks that take hours must not hold up an alert.
  const dispatch = {
    taskQueue: TASK_QUEUES.dispatch,
    activities: createDispatchActivities(createTaskRunner(storeRoot())),
    maxConcurrentActivityTaskExecutions: TASKS_AT_ONCE,
  };
  return { queues: [queue, operations, dispatch], beside: (client, log) => watchTasks(client, alerting, log), close };
});
