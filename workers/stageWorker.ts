import { createActivities } from '../activities/index.js';
import { createEnginePool } from '../src/engines/hostPool.js';
import { createRunStage } from '../src/stages/createContext.js';
import { storeRoot } from '../src/storage/stores.js';
import type { WorkerParts } from '../src/temporal/workerProcess.js';
import type { StageWorkerDefinition } from '../src/temporal/workers.js';

/** A worker that runs stages: as many at once as it has CPUs, each fit in an engine host with one thread. */
export function stageWorker({ size }: StageWorkerDefinition): WorkerParts {
  const engines = createEnginePool(size.cpus);
  return {
    options: {
      activities: createActivities({ runStage: createRunStage({ storeRoot: storeRoot(), engines, size }) }),
      maxConcurrentActivityTaskExecutions: size.cpus,
    },
    close: () => engines.close(),
  };
}
