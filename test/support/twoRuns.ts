import type { Client } from '@temporalio/client';
import { startWorkflow } from '../../src/client.js';
import { PROGRESS_QUERY, type ModelTrainingResult, type RunProgress } from '../../src/contracts/index.js';
import { readManifest } from '../../src/data/layers.js';
import type { EnginePool } from '../../src/ml/engines/pool.js';
import { aliasKey, latestKey, readPointer } from '../../src/registry/pointers.js';
import { bronze } from '../../src/stages/bronze.js';
import { gold } from '../../src/stages/gold.js';
import { silver } from '../../src/stages/silver.js';
import { trainLocally } from '../../src/stages/trainLocally.js';
import type { Stores } from '../../src/platform/storage/objectStore.js';
import { hasBegun, isAtWork, pendingOf, wasScheduled } from './activitiesAtWork.js';
import { AFTER_ALL, createTinyWorld, MONTHS, runRef, TINY, type TinyWorld } from './tinyPipeline.js';
import { completed, madeBy, registryKeys } from './training.js';
import { inTime, until } from './until.js';

/** Months that come after those that the models train on: some seconds of silver. */
const LATER_MONTHS = MONTHS.slice(0, 8).map((month) => month.replace('2000', '2002'));
const AFTER_LATER = '2002-09-30';

const TRAINING = { pipeline: TINY, asOf: AFTER_ALL, algorithms: ['xgboost'] };

/** Some tenths of a second of work, in SQL. */
export const LABORIOUS = '(SELECT max(hash(i)) FROM range(20000000) AS numbers(i)) IS NOT NULL';

/** Work enough to be hit in the midst: ten candidates of some thousand trees, and a silver layer that takes its time. */
export async function prepareTwoRuns(world: TinyWorld): Promise<void> {
  makeLaborious(world);
  await world.writeGold(MONTHS);
}

/** The settings of that alone, which a restored world lacks. */
export function makeLaborious(world: TinyWorld): void {
  world.configure(({ model_config, algorithms }) => {
    model_config.n_iter_search = 10;
    Object.assign(algorithms.xgboost.param_distributions, {
      max_depth: [4, 5, 6],
      n_estimators: [500, 600, 700, 800],
      learning_rate: [0.1],
    });
  });
  world.writeSql('silver', `SELECT * FROM bronze WHERE ${LABORIOUS}`);
}

/** A training in the midst of its search, and a processing of other months in the midst of silver. */
export interface TwoRuns {
  /** Waits for both; what they left in the stores. */
  ended(): Promise<FinalState>;
}

export async function startTwoRuns(client: Client, world: TinyWorld): Promise<TwoRuns> {
  const source = await world.writeCsv(LATER_MONTHS);
  const training = await startWorkflow(client, 'modelTraining', TRAINING);
  const search = client.workflow.getHandle(`${training.workflowId}-xgboost`);
  await until(
    async () => (await hasBegun(search)) && ((await search.query<RunProgress>(PROGRESS_QUERY)).progress?.done ?? 0) > 0,
  );
  const processing = await startWorkflow(client, 'dataProcessing', { pipeline: TINY, asOf: AFTER_LATER, source });
  // Not "is at work", which a look now and then can miss.
  await until(() => wasScheduled(processing, 'silver'));
  if (!(await isAtWork(search, 'evaluateCandidate')))
    throw new Error('the search was over before there was anything to disturb');
  return {
    ended: () =>
      inTime(
        async () => {
          await processing.result();
          return finalState(world.stores, await training.result());
        },
        async () => JSON.stringify(await Promise.all([processing, training, search].map(pendingOf))),
      ),
  };
}

/** What the same two runs leave where nothing disturbs them, by the stages alone, in a world of their own. */
export async function undisturbed(engines: EnginePool): Promise<FinalState> {
  const world = await createTinyWorld(engines);
  try {
    await prepareTwoRuns(world);
    return await runByStages(world);
  } finally {
    world.close();
    await engines.close();
  }
}

async function runByStages(world: TinyWorld): Promise<FinalState> {
  const stage = { pipeline: TINY, run: runRef('undisturbed'), asOf: AFTER_LATER };
  const { written: partitions } = await world.perform(bronze, {
    ...stage,
    source: await world.writeCsv(LATER_MONTHS),
  });
  await world.perform(silver, { ...stage, partitions });
  await world.perform(gold, { ...stage, partitions });
  const nothing = () => {};
  const options = {
    runStage: world.runStage,
    signal: new AbortController().signal,
    onStep: nothing,
    onProgress: nothing,
    onAlgorithm: nothing,
  };
  return finalState(world.stores, await trainLocally(TRAINING, options));
}

/** All that runs leave that doesn't name them or the moment: equal for equal inputs and seed. */
export type FinalState = Awaited<ReturnType<typeof finalState>>;

async function finalState({ modelRegistry, datamart }: Stores, result: ModelTrainingResult) {
  const { algorithms, champion, comparison } = completed(result);
  const model = await madeBy(modelRegistry, 'xgboost', algorithms.xgboost!);
  const own = (text: string) => text.replaceAll(champion!.version, 'VERSION');
  const pointers = await Promise.all(
    [latestKey('xgboost'), aliasKey('champion')].map((key) => readPointer(modelRegistry, key)),
  );
  return {
    model,
    comparison,
    files: (await registryKeys(modelRegistry)).map(own),
    pointers: pointers.map((pointer) => pointer && { to: own(pointer.version), moves: pointer.history.length + 1 }),
    layers: await Promise.all(
      (['bronze', 'silver', 'gold'] as const).map(async (layer) => (await readManifest(datamart, layer)).partitions),
    ),
  };
}
