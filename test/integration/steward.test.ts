import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../activities/index.js';
import { startWorkflow } from '../../src/client.js';
import {
  STEWARD,
  stewardIdOf,
  TASK_QUEUES,
  type Approved,
  type MovedAlias,
  type StewardEvent,
  type StewardSnapshot,
} from '../../src/contracts/index.js';
import { predictionsFiles } from '../../src/data/predictions.js';
import { aliasKey, readPointer } from '../../src/registry/pointers.js';
import { CHAMPION } from '../../src/registry/aliases.js';
import { connectFresh } from '../support/testServer.js';
import { createTinyWorld, MONTHS, ROWS_A_MONTH, TINY, tinyEngines, type TinyWorld } from '../support/tinyPipeline.js';
import { until } from '../support/until.js';
import { fakeActivities, held } from '../workflow/support/fakeActivities.js';
import { bundleWorkflows, withWorkers } from '../workflow/support/workers.js';

const { WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND: UNHANDLED_COMMAND } =
  temporal.api.enums.v1.WorkflowTaskFailedCause;

const engines = tinyEngines();
const bundle = await bundleWorkflows();
let world: TinyWorld;
beforeAll(async () => {
  world = await createTinyWorld(engines);
  world.configure((config) => {
    config.training_config.hyperparameter_tuning = false;
    Object.assign(config, {
      steward: { retrain: { severe_drift: 'approve', performance_drop: 'off', new_data: 'off' }, cooldown_hours: 0 },
      promotion_gate: { min_samples: 1 },
    });
  });
});
afterAll(async () => {
  world?.close();
  await engines.close();
});

/** Alerts go nowhere. */
const { activities: nobodyTold } = fakeActivities();

const champion = () => readPointer(world.stores.modelRegistry, aliasKey(CHAMPION));
const predictions = async () =>
  (await predictionsFiles(world.stores.predictions)).map(({ rows, model }) => ({ rows, version: model.version }));

describe('a pipeline that is left alone', () => {
  test('notices drift, has a retraining approved, promotes it, predicts with it and watches it; and goes back when told to', async () => {
    const server = await connectFresh();
    const { client } = server;
    const through = MONTHS.indexOf('2001_10') + 1;
    await world.writeGold(MONTHS.slice(0, through));

    await withWorkers(server, bundle, { ...nobodyTold, ...createActivities(world) }, async () => {
      const workflowId = stewardIdOf(TINY);
      await client.workflow.start('steward', {
        args: [{ pipeline: TINY }],
        taskQueue: TASK_QUEUES.orchestrator,
        workflowId,
      });
      const steward = client.workflow.getHandle(workflowId);
      const state = () => steward.query<StewardSnapshot>(STEWARD.queries.state);
      // A busy machine may take longer over a query than Temporal waits.
      const history = () => steward.query<StewardEvent[]>(STEWARD.queries.history).catch(() => []);
      const happened = async (what: RegExp, times = 1) => {
        while ((await history()).filter((event) => what.test(event.what)).length < times) await sleep(500);
      };

      await steward.signal(STEWARD.signals.requestRetrain, {
        reason: 'the first model',
        triggeredBy: 'ana',
        requestId: 'first',
      });
      await happened(/^monitoring (completed|skipped): /);
      const first = (await champion())!;
      expect(await predictions()).toEqual([{ rows: ROWS_A_MONTH, version: first.version }]);

      await world.writeGold(['2001_11'], { x1: 'x1 + 1' });
      await startWorkflow(client, 'modelInference', { pipeline: TINY });
      await until(async () => (await state()).awaitingApproval !== null);
      expect((await state()).awaitingApproval?.requests).toMatchObject([
        { reason: 'severe_drift', requestId: expect.stringContaining('report_') as string },
      ]);
      expect(await champion()).toEqual(first);

      await world.writeGold(['2001_12'], { x1: 'x1 + 1' });
      expect(
        await steward.executeUpdate<Approved, [object]>(STEWARD.updates.approve, {
          args: [{ by: 'ana', reason: 'it is real' }],
        }),
      ).toMatchObject({ requests: 1 });
      await happened(/^monitoring (completed|skipped): /, 3);
      const second = (await champion())!;
      expect(second.version).not.toBe(first.version);
      expect(second.previous).toMatchObject({ version: first.version });
      expect(await predictions()).toEqual([
        { rows: ROWS_A_MONTH, version: first.version },
        { rows: ROWS_A_MONTH, version: first.version },
        { rows: ROWS_A_MONTH, version: second.version },
      ]);

      const back = await steward.executeUpdate<MovedAlias, [object]>(STEWARD.updates.rollback, {
        args: [{ by: 'ana', reason: 'second thoughts' }],
      });
      expect(back).toMatchObject({ model: { version: first.version }, previous: { version: second.version } });
      expect(await champion()).toMatchObject({
        version: first.version,
        by: { person: 'ana' },
        reason: 'second thoughts',
        rollback: true,
      });
      await happened(/^inference skipped: /);
      expect((await state()).champion).toMatchObject({ version: first.version });

      await world.writeGold(['2002_01']);
      await startWorkflow(client, 'modelInference', { pipeline: TINY });
      await until(async () => (await predictions()).length === 4);
      expect((await predictions()).at(-1)).toEqual({ rows: ROWS_A_MONTH, version: first.version });
      await steward.terminate();
    });
  });
});

describe('over a long life', () => {
  test('no signal is lost while the steward continues as new, time and again, and a training in flight is not forgotten', async () => {
    const server = await connectFresh();
    const { client } = server;
    const { activities, release } = held('preprocess');
    const { activities: others, calls } = fakeActivities(activities);
    await withWorkers(server, bundle, others, async () => {
      const workflowId = stewardIdOf('busy');
      await client.workflow.start('steward', {
        args: [{ pipeline: 'busy', signalsARun: 20 }],
        taskQueue: TASK_QUEUES.orchestrator,
        workflowId,
      });
      const steward = client.workflow.getHandle(workflowId);
      const state = () => steward.query<StewardSnapshot>(STEWARD.queries.state);
      const request = (requestId: string) =>
        steward.signal(STEWARD.signals.requestRetrain, { reason: 'a test', triggeredBy: 'test', requestId });
      const wasTried = async () => {
        const { runs, interrupted } = await handovers(client, workflowId);
        return runs >= 4 && interrupted >= 3;
      };
      await request('first');
      await until(() => calls.preprocess.length === 1);

      let sent = 0;
      const sendSome = async () => {
        for (let i = 0; i < 20; i++) await request(`id-${sent++}`);
      };
      // Signals go on coming in while a run that has had enough is about to continue as new.
      while (!(await wasTried())) {
        await Promise.all([sendSome(), sendSome()]);
        await until(async () => (await state()).asked?.count === sent);
      }
      await request('id-0');
      await until(async () => (await state()).counts.duplicates === 1);
      expect(await state()).toMatchObject({ asked: { count: sent }, inFlight: { training: {} } });

      release();
      await until(() => calls.preprocess.length === 2);
      await until(async () => Object.keys((await state()).inFlight).length === 0);
      expect((await state()).counts).toMatchObject({ trainings: 2 });
      await steward.terminate();
    });
  });
});

/** How many runs of a workflow have continued as new, and how often one was about to and took in a signal first. */
async function handovers(client: Client, workflowId: string): Promise<{ runs: number; interrupted: number }> {
  const found = { runs: 0, interrupted: 0 };
  let runId: string | undefined | null;
  for (;;) {
    const { events } = await client.workflow.getHandle(workflowId, runId ?? undefined).fetchHistory();
    found.interrupted += events!.filter(
      (event) => event.workflowTaskFailedEventAttributes?.cause === UNHANDLED_COMMAND,
    ).length;
    runId = events![0]!.workflowExecutionStartedEventAttributes!.continuedExecutionRunId;
    if (!runId) return found;
    found.runs += 1;
  }
}
