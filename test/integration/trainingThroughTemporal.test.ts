import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../activities/index.js';
import { startWorkflow } from '../../src/client.js';
import type { ModelTrainingResult } from '../../src/contracts/index.js';
import { trainLocally } from '../../src/stages/trainLocally.js';
import { connectFresh } from '../support/testServer.js';
import { AFTER_ALL, createTinyWorld, MONTHS, TINY, tinyEngines, type TinyWorld } from '../support/tinyPipeline.js';
import { completed, madeBy } from '../support/training.js';
import { bundleWorkflows, withWorkers } from '../workflow/support/workers.js';

const engines = tinyEngines();
let world: TinyWorld;
beforeAll(async () => {
  world = await createTinyWorld(engines);
  await world.writeGold(MONTHS);
});
afterAll(async () => {
  world?.close();
  await engines.close();
});

const input = { pipeline: TINY, asOf: AFTER_ALL };

describe('training through Temporal', () => {
  test('makes the same models, to the byte, as training in one process', async () => {
    const durable = completed(await trainThroughTemporal());
    const local = completed(await trainInThisProcess());

    expect(durable.champion?.algorithm).toBe(local.champion?.algorithm);
    expect(durable.comparison).toEqual(local.comparison);
    expect(Object.keys(durable.algorithms)).toEqual(['logistic_regression', 'xgboost']);
    const { modelRegistry } = world.stores;
    for (const [algorithm, result] of Object.entries(durable.algorithms)) {
      expect(await madeBy(modelRegistry, algorithm, result)).toEqual(
        await madeBy(modelRegistry, algorithm, local.algorithms[algorithm]!),
      );
    }
  });
});

async function trainThroughTemporal(): Promise<ModelTrainingResult> {
  const server = await connectFresh();
  return withWorkers(server, await bundleWorkflows(), createActivities(world), async () => {
    const handle = await startWorkflow(server.client, 'modelTraining', input);
    return handle.result();
  });
}

function trainInThisProcess(): Promise<ModelTrainingResult> {
  const nothing = () => {};
  const { signal } = new AbortController();
  return trainLocally(
    { ...input, again: true },
    { runStage: world.runStage, signal, onStep: nothing, onProgress: nothing, onAlgorithm: nothing },
  );
}
