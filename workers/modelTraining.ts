import { runWorkerProcess } from '../src/platform/temporal/workerProcess.js';
import { WORKERS } from '../src/platform/temporal/workers.js';
import { stageWorker } from './stageWorker.js';

/** Preprocessing, candidates, refits and evaluation. */
await runWorkerProcess(WORKERS.modelTraining, (resources) => {
  const { queue, close } = stageWorker(WORKERS.modelTraining, resources);
  return { queues: [queue], close };
});
