import { availableParallelism, totalmem } from 'node:os';
import { createEnginePool } from '../ml/engines/hostPool.js';
import { limitsOf } from '../platform/resources/limits.js';
import { chosenResources } from '../platform/resources/resources.js';
import { createRunStage, type RunStage } from '../stages/createContext.js';

/** Runs stages in this process, with all of the machine or container, and ends their engines at last. */
export async function withStagesHere<T>(storeRoot: string, use: (runStage: RunStage) => Promise<T>): Promise<T> {
  const resources = chosenResources({ cpus: availableParallelism(), memory: totalmem() });
  const engines = createEnginePool(limitsOf(resources).engines);
  try {
    return await use(createRunStage({ storeRoot, engines, resources }));
  } finally {
    await engines.close();
  }
}
