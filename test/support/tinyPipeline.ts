import type { ModelTrainingCompleted } from '../../src/contracts/index.js';
import { createEnginePool } from '../../src/ml/engines/hostPool.js';
import type { EnginePool } from '../../src/ml/engines/pool.js';
import { limitsOf } from '../../src/platform/resources/limits.js';
import { trainLocally } from '../../src/stages/trainLocally.js';
import { AFTER_ALL, RESOURCES, TINY, type CONFIG, type TinyWorld } from './tinyWorld.js';
import { presumingTested } from './training.js';

/** What trains the tiny pipeline is here, with the processes of its engines; a test without any has `tinyWorld.ts` alone. */
export * from './tinyWorld.js';

/** Real engines, for a file of tests to share and to close. */
export function tinyEngines(): EnginePool {
  return createEnginePool(limitsOf(RESOURCES).engines);
}

/**
 * Trains the one candidate of logistic regression, and so makes it champion.
 * @param options.tested whether the model tests measure it; by default it counts as passed
 */
export async function trainTiny(
  world: TinyWorld,
  {
    asOf = AFTER_ALL,
    algorithms = ['logistic_regression'],
    change = () => {},
    tested = false,
  }: { asOf?: string; algorithms?: string[]; change?: (config: typeof CONFIG) => void; tested?: boolean } = {},
): Promise<ModelTrainingCompleted> {
  world.configure((config) => {
    config.training_config.hyperparameter_tuning = false;
    change(config);
  });
  const result = await trainLocally(
    { pipeline: TINY, asOf, algorithms, again: true },
    {
      runStage: tested ? world.runStage : presumingTested(world.runStage),
      signal: new AbortController().signal,
      onStep: () => {},
      onProgress: () => {},
      onAlgorithm: () => {},
    },
  );
  world.configure(() => {});
  if (result.status === 'skipped') throw new Error(result.reason);
  return result;
}
