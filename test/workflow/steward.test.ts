import { randomUUID } from 'node:crypto';
import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import {
  STEWARD,
  type Activities,
  type Approved,
  type MovedAlias,
  type RetrainMode,
  type StewardEvent,
  type StewardInput,
  type StewardSnapshot,
} from '../../src/contracts/index.js';
import { until } from '../support/until.js';
import { CHAMPION, fakeActivities, held } from './support/fakeActivities.js';
import { TimeSkipping, type Started } from './support/timeSkipping.js';

const server = new TimeSkipping();
const { activities: goingWell } = fakeActivities();
const { signals, updates, queries } = STEWARD;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

interface Scene extends Started<'steward'> {
  pipeline: string;
  state: () => Promise<StewardSnapshot>;
  history: () => Promise<string[]>;
  request: (requestId: string, reason?: string) => Promise<void>;
  /** Waits until so many trainings were started, or any number, and nothing is asked, due or in flight. */
  settled: (trainings?: number) => Promise<StewardSnapshot>;
  update: <Result>(name: string, input: object) => Promise<Result>;
}

/** A steward of a pipeline of its own, which ends with the scene. */
function scene(
  changes: Partial<Activities>,
  watch: (scene: Scene) => Promise<void>,
  input: Partial<StewardInput> = {},
): Promise<void> {
  const pipeline = `p-${randomUUID().slice(0, 8)}`;
  return server.during('steward', { pipeline, ...input }, changes, async (started) => {
    const handle: WorkflowHandle = started.env.client.workflow.getHandle(started.handle.workflowId);
    const state = () => handle.query<StewardSnapshot>(queries.state);
    try {
      await watch({
        ...started,
        pipeline,
        state,
        history: async () => (await handle.query<StewardEvent[]>(queries.history)).map(({ what }) => what),
        request: (requestId, reason = 'a test') =>
          handle.signal(signals.requestRetrain, { reason, triggeredBy: 'test', requestId }),
        settled: async (trainings) => {
          const isSettled = ({ asked, due, inFlight, counts }: StewardSnapshot) =>
            counts.trainings === (trainings ?? counts.trainings) &&
            !asked &&
            Object.keys({ ...due, ...inFlight }).length === 0;
          await until(async () => isSettled(await state()));
          return state();
        },
        update: (name, asked) => handle.executeUpdate(name, { args: [asked] }),
      });
    } finally {
      if ((await handle.describe()).status.name === 'RUNNING') await handle.terminate();
    }
  });
}

const policy = (
  retrain: Partial<Record<'drift' | 'severe_drift' | 'new_data', RetrainMode>>,
  cooldownHours = 0,
): Partial<Activities> => ({
  readStewardPolicy: async (input) => {
    const usual = await goingWell.readStewardPolicy(input);
    return { retrain: { ...usual.retrain, ...retrain }, cooldownHours };
  },
});

async function refusal(asked: Promise<unknown>): Promise<string> {
  const error: unknown = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof WorkflowUpdateFailedError))
    throw new Error('the update was expected to fail', { cause: error });
  return error.cause instanceof Error ? error.cause.message : '';
}

describe('requests', () => {
  test('train once an id, and what follows from a new champion comes by itself', () =>
    scene({}, async ({ request, settled, history, calls }) => {
      await request('a');
      await request('a');
      const state = await settled(1);
      expect(state).toMatchObject({ champion: CHAMPION, counts: { duplicates: 1, trainings: 1 } });
      await until(() => calls.writeReport.length > 0);
      expect([calls.preprocess.length, calls.predict.length, calls.writeReport.length]).toEqual([1, 1, 1]);
      expect((await history()).filter((what) => what.includes('started because'))).toEqual([
        expect.stringMatching(/^training started because of a test \(1 asked\)/),
        expect.stringMatching(/^inference started because of a new champion/),
        expect.stringMatching(/^monitoring started because of new predictions/),
      ]);
    }));

  test('that arrive during a training are answered by one more', () => {
    const { activities, release } = held('preprocess');
    return scene(activities, async ({ request, settled, state, calls }) => {
      await request('first');
      await until(() => calls.preprocess.length === 1);
      for (const id of ['b', 'c', 'd']) await request(id);
      await until(async () => (await state()).asked?.count === 3);
      expect(calls.preprocess).toHaveLength(1);
      release();
      await until(async () => (await state()).counts.trainings === 2);
      await settled(2);
      expect(calls.preprocess).toHaveLength(2);
    });
  });

  test('that find a training by hand at work are answered once it is over', () => {
    let byHand = true;
    const claimTraining: Activities['claimTraining'] = () =>
      Promise.resolve(
        byHand
          ? { status: 'skipped', reason: 'A training is already running: by-hand', busyWith: 'by-hand' }
          : { status: 'ready' },
      );
    return scene({ claimTraining }, async ({ handle, request, state, settled, calls }) => {
      await request('a');
      await until(async () => (await state()).inFlight.training?.workflowId === 'by-hand');
      expect(await state()).toMatchObject({ asked: { count: 1, requests: [{ requestId: 'a' }] } });
      byHand = false;
      await handle.signal(signals.runEnded, {
        workflowId: 'by-hand',
        runId: 'r',
        phase: 'training',
        outcome: 'completed',
      });
      await until(() => calls.preprocess.length === 1);
      expect((await settled()).asked).toBeNull();
    });
  });

  test('during the cooldown wait for its end, and are not lost', () =>
    scene(policy({}, 6), async ({ request, settled, state, calls, leap }) => {
      await request('first');
      await settled(1);
      await request('second');
      await until(async () => (await state()).asked !== null);
      await leap(5 * HOUR_MS);
      expect(calls.preprocess).toHaveLength(1);
      await leap(HOUR_MS);
      await until(() => calls.preprocess.length === 2);
      await settled(2);
    }));

  test('that the config switches off are noted only', () =>
    scene(policy({ new_data: 'off' }), async ({ request, history, state, calls }) => {
      await request('a', 'new_data');
      await until(async () =>
        (await history()).includes('retrain asked (new_data, by test): not trained, as the config says'),
      );
      expect((await state()).asked).toBeNull();
      expect(calls.preprocess).toEqual([]);
    }));

  test('that say nothing are ignored, and harm nobody', () =>
    scene({}, async ({ handle, request, settled, calls }) => {
      await handle.signal(signals.requestRetrain);
      await request('a');
      await settled(1);
      expect(calls.preprocess).toHaveLength(1);
    }));
});

describe('drift', () => {
  test('of moderate severity waits for approval', () =>
    scene({}, async ({ handle, state, settled, update, calls }) => {
      expect(await refusal(update(updates.approve, { by: 'ana' }))).toBe('Nothing waits for approval.');
      for (const report of ['report_1', 'report_1', 'report_2'])
        await handle.signal(signals.driftDetected, { severity: 'moderate', report });
      await until(async () => (await state()).awaitingApproval?.count === 2);
      expect(calls.preprocess).toEqual([]);
      expect(await refusal(update(updates.approve, {}))).toBe(
        'The input of approve can\'t be used ("by" is missing, expected text of 1 to 200 characters); correct it and ask again.',
      );
      expect(await update<Approved>(updates.approve, { by: 'ana' })).toMatchObject({
        requests: 2,
        startsAt: expect.any(String) as string,
      });
      await until(() => calls.preprocess.length === 1);
      expect(await settled(1)).toMatchObject({ awaitingApproval: null });
    }));

  test('can be declined, one request or all: nothing is trained for it', () =>
    scene({}, async ({ handle, state, update, calls }) => {
      for (const report of ['report_1', 'report_2', 'report_3'])
        await handle.signal(signals.driftDetected, { severity: 'moderate', report });
      await until(async () => (await state()).awaitingApproval?.count === 3);
      expect(await refusal(update(updates.approve, { by: 'ana', requestId: 'drift:report_9' }))).toBe(
        'No request drift:report_9 waits for approval; these do: drift:report_1, drift:report_2, drift:report_3.',
      );
      const decline = { by: 'ana', approved: false, reason: 'a holiday' };
      expect(await update<Approved>(updates.approve, { ...decline, requestId: 'drift:report_2' })).toEqual({
        approved: false,
        requests: 1,
        startsAt: null,
      });
      expect((await state()).awaitingApproval?.requests.map(({ requestId }) => requestId)).toEqual([
        'drift:report_1',
        'drift:report_3',
      ]);
      expect(await update<Approved>(updates.approve, decline)).toMatchObject({ requests: 2 });
      expect(await state()).toMatchObject({ awaitingApproval: null, asked: null, counts: { trainings: 0 } });
      expect(calls.preprocess).toEqual([]);
    }));

  test('that is severe trains at once', () =>
    scene({}, async ({ handle, settled, calls }) => {
      await handle.signal(signals.driftDetected, { severity: 'severe', report: 'report_1' });
      await until(() => calls.preprocess.length === 1);
      await settled(1);
    }));

  test('that gets worse after it was declined trains, even where the report has the same name', () =>
    scene({}, async ({ handle, state, settled, update, calls }) => {
      await handle.signal(signals.driftDetected, { severity: 'moderate', report: 'report_1' });
      await until(async () => (await state()).awaitingApproval?.count === 1);
      await update<Approved>(updates.approve, { by: 'ana', approved: false, reason: 'a holiday' });
      await handle.signal(signals.driftDetected, { severity: 'severe', report: 'report_1' });
      await until(() => calls.preprocess.length === 1);
      expect(await settled(1)).toMatchObject({ counts: { trainings: 1, duplicates: 0 } });
    }));
});

describe('the links', () => {
  test('processing with new data asks for a training; with too little it does not', () => {
    let enough = false;
    return scene(
      { checkNewData: () => Promise.resolve({ partitions: ['2001_02'], enough }) },
      async ({ pipeline, settled, calls, env, state }) => {
        const process = async (workflowId: string) => {
          const run = await env.client.workflow.start('dataProcessing', {
            args: [{ pipeline }],
            taskQueue: 'orchestrator',
            workflowId,
          });
          await until(async () => (await run.describe()).status.name === 'COMPLETED');
        };
        await process(`${pipeline}-1`);
        await until(() => calls.checkNewData.length === 1);
        expect((await settled(0)).asked).toBeNull();
        enough = true;
        await process(`${pipeline}-2`);
        await until(async () => (await state()).counts.trainings === 1);
        await until(() => calls.writeReport.length === 1);
        await settled(1);
      },
    );
  });

  test('monitoring that finds drift and an accuracy drop asks once, and a second report of the same name asks for nothing', () => {
    const report = { uri: 'file:///store/report.json', checksum: 'c0ffee' };
    const verdict = {
      drift: true,
      performance_drop: true,
      missing: false,
      retrain: true,
      conclusion: 'attention' as const,
      not_measured: {},
    };
    return scene(
      { writeReport: () => Promise.resolve({ report, verdict, severity: 'severe' }) },
      async ({ pipeline, settled, state, calls, env }) => {
        await env.client.workflow.start('modelMonitoring', {
          args: [{ pipeline }],
          taskQueue: 'orchestrator',
          workflowId: `${pipeline}-1`,
        });
        await until(() => calls.writeReport.length >= 2);
        await until(async () => (await state()).counts.duplicates >= 2);
        const { counts } = await settled();
        expect(counts.trainings).toBeLessThanOrEqual(2);
        expect(calls.writeReport.length).toBe(calls.predict.length + 1);
      },
    );
  });

  test('a lifecycle sees to everything itself: nothing is started for it', () =>
    scene({}, async ({ pipeline, state, calls, env, history }) => {
      const run = await env.client.workflow.start('lifecycle', {
        args: [{ pipeline }],
        taskQueue: 'orchestrator',
        workflowId: `${pipeline}-1`,
      });
      await until(async () => (await run.describe()).status.name === 'COMPLETED');
      await until(async () => (await history()).some((what) => what.startsWith('lifecycle completed')));
      expect((await state()).counts).toMatchObject({ runs: 0 });
      expect(calls.predict).toHaveLength(1);
    }));
});

describe('what nobody tells it', () => {
  test('it finds out by and by: a champion that a person moved past it, and inference that never starts', () => {
    let champion = { ...CHAMPION, person: null as string | null };
    const down = {
      condition: 'inference_down',
      at: '2001-01-02T08:00:00.000Z',
      since: '2001-01-02T06:00:00.000Z',
    } as const;
    const changes: Partial<Activities> = {
      readChampion: () => Promise.resolve(champion),
      checkDueInference: (pipeline) => Promise.resolve(champion.person ? { ...down, pipeline } : null),
    };
    return scene(changes, async ({ env, state, calls, history }) => {
      await until(async () => (await state()).champion !== null);
      champion = { algorithm: 'xgboost', version: 'v9', person: 'ben' };
      await env.sleep('11 minutes');
      await until(() => calls.predict.length === 1);
      expect(await history()).toContain('champion is xgboost v9, by ben');
      await until(() =>
        calls.sendAlerts.flat().some((facts) => facts.condition === 'inference_down' && facts.since === down.since),
      );
    });
  });

  test('what stands in its way can be read, and it goes on when that is repaired', () => {
    let broken = true;
    const reason = 'model_config.dev.json is broken; correct it.';
    const readStewardPolicy: Activities['readStewardPolicy'] = (input) =>
      broken
        ? Promise.reject(ApplicationFailure.nonRetryable(reason, 'ConfigInvalid'))
        : goingWell.readStewardPolicy(input);
    return scene({ readStewardPolicy }, async ({ env, request, state, settled, calls }) => {
      await request('a');
      await until(async () => (await state()).heldUp !== null);
      expect((await state()).heldUp).toMatchObject({ reason });
      broken = false;
      await env.sleep('11 minutes');
      await until(() => calls.preprocess.length === 1);
      expect((await settled(1)).heldUp).toBeNull();
    });
  });
});

describe('a person', () => {
  test('pauses and resumes: what is asked meanwhile is kept', () =>
    scene({}, async ({ request, state, update, settled, calls }) => {
      expect(await refusal(update(updates.resume, { by: 'ana' }))).toBe('It is not paused.');
      expect(await update<StewardSnapshot>(updates.pause, { by: 'ana', reason: 'audit' })).toMatchObject({
        paused: { by: 'ana', reason: 'audit' },
      });
      expect(await refusal(update(updates.pause, { by: 'ben' }))).toMatch(/^ana paused it already, at /);
      await request('a');
      await until(async () => (await state()).asked?.count === 1);
      expect(calls.preprocess).toEqual([]);
      await update(updates.resume, { by: 'ana' });
      await until(() => calls.preprocess.length === 1);
      await settled(1);
    }));

  test('promotes and rolls back, is told what moved, and inference follows', () =>
    scene({}, async ({ update, state, settled, calls }) => {
      await until(async () => (await state()).champion !== null);
      const version = { algorithm: 'xgboost', version: 'v9' };
      expect(await update<MovedAlias>(updates.promote, { by: 'ana', reason: 'checked', model: version })).toMatchObject(
        { model: version, previous: CHAMPION },
      );
      await until(() => calls.predict.length === 1);
      expect(await update<MovedAlias>(updates.rollback, { by: 'ana', reason: 'worse' })).toMatchObject({
        model: { version: 'v0' },
      });
      await until(() => calls.predict.length === 2);
      expect(calls.moveChampion).toMatchObject([
        { move: 'promote', by: 'ana', reason: 'checked' },
        { move: 'rollback', by: 'ana', reason: 'worse' },
      ]);
      expect(new Set(calls.moveChampion.map(({ run }) => run.runId)).size).toBe(2);
      expect(calls.sendAlerts.flat().filter(({ condition }) => condition === 'model_deployed')).toMatchObject([
        { model: version, previous: CHAMPION, by: 'ana', reason: 'checked' },
        { model: { version: 'v0' }, by: 'ana', reason: 'worse' },
      ]);
      await settled(0);
    }));

  test('is refused what makes no sense, before anything is tried', () =>
    scene({}, async ({ update, state, calls }) => {
      await until(async () => (await state()).champion !== null);
      expect(await refusal(update(updates.promote, { by: 'ana', model: CHAMPION }))).toBe(
        `xgboost ${CHAMPION.version} is champion already.`,
      );
      expect(await refusal(update(updates.promote, { by: 'ana', model: 'xgboost' }))).toMatch(
        /"model" is "xgboost", expected /,
      );
      expect(calls.moveChampion).toEqual([]);
    }));

  test('hears what came of a move, also where the steward is cancelled meanwhile', () => {
    const { activities, release } = held('moveChampion');
    return scene(activities, async ({ handle, update, calls }) => {
      const promoting = update<MovedAlias>(updates.promote, { by: 'ana' });
      await until(() => calls.moveChampion.length === 1);
      await handle.cancel();
      release();
      expect(await promoting).toMatchObject({ alias: 'champion', model: CHAMPION });
      await until(async () => (await handle.describe()).status.name === 'CANCELLED');
    });
  });

  test('who comes second is told by whom the alias was moved', () => {
    const told = 'champion.json was moved by another meanwhile: ben moved it to xgboost v8.';
    const moveChampion = () => Promise.reject(ApplicationFailure.nonRetryable(told, 'PointerMoved'));
    return scene({ moveChampion }, async ({ update }) => {
      expect(await refusal(update(updates.promote, { by: 'ana', model: { alias: 'challenger' } }))).toBe(told);
    });
  });
});

describe('over a long life', () => {
  test('a run that ended without telling is found by the resync', () => {
    // Waits for its next attempt: the clock doesn't leap while an activity is at work.
    const preprocess = () =>
      Promise.reject(ApplicationFailure.create({ message: 'The store is away.', nextRetryDelay: '5 hours' }));
    const describeRun = () => Promise.resolve({ open: false, status: 'TERMINATED' });
    return scene({ preprocess, describeRun }, async ({ request, state, history, calls, env, leap }) => {
      await request('a');
      await until(() => calls.preprocess.length === 1);
      const { workflowId } = (await state()).inFlight.training!;
      await leap(9 * MINUTE_MS);
      expect((await state()).inFlight.training).toBeDefined();
      await leap(MINUTE_MS);
      await until(async () => (await state()).inFlight.training === undefined);
      expect(await history()).toContain(`training ended as TERMINATED without telling: ${workflowId}`);
      expect(calls.describeRun).toEqual([workflowId]);
      await env.client.workflow.getHandle(workflowId).terminate();
    });
  });

  test('a config that is broken holds it up, and nothing is lost', () => {
    let broken = true;
    const readStewardPolicy: Activities['readStewardPolicy'] = (input) =>
      broken
        ? Promise.reject(ApplicationFailure.nonRetryable('model_config.dev.json has 1 fault.', 'ConfigInvalid'))
        : goingWell.readStewardPolicy(input);
    return scene({ readStewardPolicy }, async ({ request, history, settled, calls, leap }) => {
      await request('a');
      await until(async () => (await history()).includes('held up: model_config.dev.json has 1 fault.'));
      broken = false;
      await leap(9 * MINUTE_MS);
      expect(calls.readStewardPolicy).toHaveLength(1);
      await leap(MINUTE_MS);
      await until(() => calls.preprocess.length === 1);
      await settled(1);
    });
  });
});
