import { createActivities } from '../activities/index.js';
import type { ActivitiesOn } from '../src/contracts/index.js';
import { createEnginePool } from '../src/ml/engines/hostPool.js';
import { limitsOf } from '../src/platform/resources/limits.js';
import type { Resources } from '../src/platform/resources/resources.js';
import { createRunStage } from '../src/stages/createContext.js';
import { storeRoot } from '../src/platform/storage/stores.js';
import type { PolledQueue } from '../src/platform/temporal/workerProcess.js';
import type { WorkerDefinition } from '../src/platform/temporal/workers.js';

export interface StageWorker {
  queue: PolledQueue;
  activities: ReturnType<typeof createActivities>;
  close: () => Promise<void>;
}

/** A worker that runs stages: as many at once as it has CPUs, each fit in an engine host with one thread. */
export function stageWorker({ taskQueue }: WorkerDefinition, resources: Resources): StageWorker {
  const { concurrency, engines: share } = limitsOf(resources);
  const engines = createEnginePool(share);
  const activities = createActivities({ runStage: createRunStage({ storeRoot: storeRoot(), engines, resources }) });
  return {
    activities,
    queue: {
      taskQueue,
      activities: activities satisfies ActivitiesOn<'dataProcessing' | 'modelTraining'>,
      maxConcurrentActivityTaskExecutions: concurrency,
    },
    close: () => engines.close(),
  };
}
