import type { WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorkflow } from '../../src/client.js';
import type { EvaluateCandidateInput } from '../../src/contracts/index.js';
import { readVersion } from '../../src/registry/versions.js';
import { isAlive } from '../../src/platform/programs/command.js';
import { atWork, hasBegun, processOf } from '../support/activitiesAtWork.js';
import { hostsOf } from '../support/engineHosts.js';
import { startTestStack } from '../support/testStack.js';
import { AFTER_ALL, createTinyWorld, MONTHS, TINY, tinyEngines } from '../support/tinyPipeline.js';
import { completed, madeBy } from '../support/training.js';
import { until } from '../support/until.js';

const world = await createTinyWorld(tinyEngines());
afterAll(() => world.close());
beforeAll(() => world.writeGold(MONTHS));

const { client, stack, told } = await startTestStack(afterAll, world.storeRoot);
const { modelTraining } = stack.workers;

describe('a training worker killed in the middle of a search by TPE', () => {
  const CANDIDATES = 10;

  test('is replaced, and the run finds what it would have found, evaluating no finished candidate again', async () => {
    world.configure(({ model_config, search, algorithms }) => {
      model_config.n_iter_search = CANDIDATES;
      // The kill comes in the first batch that goes by what others scored.
      Object.assign(search, { sampler: 'tpe', n_startup_trials: 4, batch_size: 4 });
      Object.assign(algorithms.xgboost.param_distributions, {
        max_depth: { low: 4, high: 6, int: true },
        n_estimators: { low: 500, high: 800, int: true },
        learning_rate: [0.1],
      });
    });
    const killed = await train();
    await until(
      async () => (await evaluationsOf(killed.search)).filter(({ outcome }) => outcome === 'completed').length >= 5,
    );
    const first = modelTraining.pid!;
    const hosts = hostsOf(first);
    process.kill(first, 'SIGKILL');
    await until(() => !hosts.some(isAlive));
    const finished = (await evaluationsOf(killed.search)).filter(({ outcome }) => outcome === 'completed');
    const lost = (await atWork(killed.search)).filter(({ worker }) => worker === first).map(({ id }) => id);
    await until(() => modelTraining.pid !== first);

    // The lost candidates are missed after 30 s without a heartbeat.
    const result = await killed.result();
    const undisturbed = await train();
    const expected = await undisturbed.result();

    expect(hosts).toHaveLength(2);
    expect(told).toEqual(['The model-training worker was ended by SIGKILL; starting it again.']);
    expect(finished.length).toBeLessThan(CANDIDATES);
    for (const evaluation of finished) expect(evaluation).toMatchObject({ worker: first, attempt: 1 });
    expect(lost.length).toBeGreaterThan(0);
    const evaluations = await evaluationsOf(killed.search);
    expect(evaluations.map(({ candidate, outcome }) => [candidate, outcome])).toEqual(
      Array.from({ length: CANDIDATES }, (_, candidate) => [candidate, 'completed']),
    );
    for (const evaluation of evaluations) {
      const { activity } = evaluation;
      const before = finished.find((other) => other.activity === activity);
      expect(evaluation).toMatchObject(
        before ?? { worker: modelTraining.pid, attempt: lost.includes(activity) ? 2 : 1 },
      );
    }
    expect(result).toEqual(expected);
  });
});

describe('an engine killed in the middle of a fit', () => {
  test('fails that candidate alone, at the second time', async () => {
    world.configure(({ model_config, algorithms }) => {
      model_config.n_iter_search = 4;
      Object.assign(algorithms.xgboost.param_distributions, {
        max_depth: [2],
        n_estimators: [10, 20, 30, ENDLESS],
        learning_rate: [0.3],
      });
    });
    const { search, handle } = await train();
    await until(
      async () => (await evaluationsOf(search)).filter(({ outcome }) => outcome === 'completed').length === 3,
    );
    const [endless] = (await evaluationsOf(search)).filter(({ outcome }) => outcome === undefined);
    await until(async () => {
      for (const host of hostsOf(modelTraining.pid!)) process.kill(host, 'SIGKILL');
      return (
        (await evaluationsOf(search)).find(({ activity }) => activity === endless!.activity)!.outcome !== undefined
      );
    });

    const { algorithms } = completed(await handle.result());
    const trained = algorithms.xgboost!;
    if (trained.status !== 'completed') throw new Error(trained.reason);
    expect(trained.search).toEqual({ candidates: 4, failed: 1, foldsEvaluated: 9, foldsPlanned: 12 });
    const { candidates } = (await readVersion(world.stores.modelRegistry, {
      algorithm: 'xgboost',
      version: trained.version,
    }))!;
    expect(candidates.filter(({ dropped }) => dropped !== undefined)).toMatchObject([
      {
        params: { n_estimators: ENDLESS },
        dropped:
          'The engine process of a call to evaluate was killed (SIGKILL), probably for its memory; give the worker more memory or fewer cpus.',
      },
    ]);
    expect((await evaluationsOf(search)).map(({ outcome, attempt }) => [outcome, attempt]).sort()).toEqual([
      ['completed', 1],
      ['completed', 1],
      ['completed', 1],
      ['failed', 2],
    ]);
  });
});

/** Trees that take hours. */
const ENDLESS = 1_000_000;

/** Starts the training of one algorithm, and returns when its child has begun. */
async function train() {
  const handle = await startWorkflow(client, 'modelTraining', {
    pipeline: TINY,
    asOf: AFTER_ALL,
    algorithms: ['xgboost'],
    again: true,
  });
  const search = client.workflow.getHandle(`${handle.workflowId}-xgboost`);
  await until(() => hasBegun(search));
  const result = async () =>
    madeBy(world.stores.modelRegistry, 'xgboost', completed(await handle.result()).algorithms.xgboost!);
  return { handle, search, result };
}

/** An `evaluateCandidate` activity as its workflow's history has it. */
interface Evaluation {
  /** Id of the activity. */
  activity: string;
  candidate: number;
  /** `undefined` while it hasn't ended, as are the two below. */
  outcome: 'completed' | 'failed' | undefined;
  /** The attempt that ended it. */
  attempt: number | undefined;
  /** Process that ended it. */
  worker: number | undefined;
}

/** What a search asked for, in the order of candidates. */
async function evaluationsOf(search: WorkflowHandle): Promise<Evaluation[]> {
  const events = (await search.fetchHistory()).events ?? [];
  const evaluations = events.flatMap(({ eventId, activityTaskScheduledEventAttributes: scheduled }) => {
    if (scheduled?.activityType?.name !== 'evaluateCandidate') return [];
    const input = defaultPayloadConverter.fromPayload<EvaluateCandidateInput>(scheduled.input!.payloads![0]!);
    const isOfThis = (attributes: { scheduledEventId?: unknown } | null | undefined) =>
      String(attributes?.scheduledEventId) === String(eventId);
    const started = events.find((event) =>
      isOfThis(event.activityTaskStartedEventAttributes),
    )?.activityTaskStartedEventAttributes;
    const done = events.some((event) => isOfThis(event.activityTaskCompletedEventAttributes));
    const failed = events.some((event) => isOfThis(event.activityTaskFailedEventAttributes));
    return {
      activity: scheduled.activityId!,
      candidate: input.candidate.index,
      outcome: done ? ('completed' as const) : failed ? ('failed' as const) : undefined,
      attempt: started?.attempt ?? undefined,
      worker: started ? processOf(started.identity!) : undefined,
    };
  });
  return evaluations.sort((a, b) => a.candidate - b.candidate);
}
