import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DateTime } from 'luxon';
import { afterAll, expect, test, vi } from 'vitest';
import { startWorkflow, workflowIdOf } from '../../src/client.js';
import { openBackfill } from '../../src/cli/backfill.js';
import { loadPipeline } from '../../src/config/load.js';
import { BACKFILL, backfillIdOf, type BackfillState, type Steering } from '../../src/contracts/index.js';
import { openStores } from '../../src/platform/storage/stores.js';
import { applySchedules, triggerSchedule } from '../../src/platform/temporal/schedules.js';
import { readTimeline } from '../../src/registry/timeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { startTestStack } from '../support/testStack.js';
import { until } from '../support/until.js';

const NAME = 'weekly';
const BACKFILLED = 4;
/** Weeks that are over today: those that the schedule finds. */
const WEEKS = 6;
const FROM = DateTime.utc().startOf('week').minus({ days: 1, weeks: WEEKS }).toISODate();

const root = temporaryFolder(afterAll);
const csv = join(root, 'weekly.csv');

const SUNDAYS = {
  ...{ at: '06:00', day_of_week: 'sunday', time_zone: 'UTC', overlap: 'skip' },
  ...{ catchup_window_minutes: 1, jitter_seconds: 0, pause_on_failure: false },
};

/** Rows of six weeks whose label follows from one number; there is enough of them to train on after three weeks. */
function writePipeline(): void {
  const folder = join(root, 'conf', 'pipelines', NAME);
  mkdirSync(folder, { recursive: true });
  const definition = {
    source: { file: 'weekly.csv' },
    time: `DATE '${FROM}' + 7 * CAST((row_number() OVER () - 1) % ${WEEKS} AS INTEGER)`,
    partition: 'week',
    label: 'grade',
    split: { by: 'time', train: '2 weeks', test: '1 week' },
  };
  const config = {
    model_config: { champion_metric: 'test.accuracy', n_iter_search: 1 },
    training_config: { algorithms: ['lightgbm'], min_partitions: 3 },
    algorithms: { lightgbm: { params: { n_estimators: 5, num_leaves: 4, min_child_samples: 5 } } },
    evaluation: { permutation_importance: { n_repeats: 0 } },
    promotion_gate: { min_samples: 1 },
    retraining: { every_days: 90 },
    monitoring_config: { performance_metric: 'accuracy', min_samples_for_metrics: 10 },
    schedules: {
      backfill: SUNDAYS,
      inference: SUNDAYS,
    },
  };
  writeFileSync(join(folder, 'pipeline.json'), JSON.stringify(definition));
  writeFileSync(join(folder, 'model_config.dev.json'), JSON.stringify(config));
  const rows = Array.from(
    { length: WEEKS * 40 },
    (_, i) => `${(i * 7919) % 1000},${'ABC'[Math.floor(((i * 7919) % 1000) / 334)]}`,
  );
  writeFileSync(csv, ['x,grade', ...rows, ''].join('\n'));
}

test('the weekly schedule goes on where the backfill ended, week by week, with its champion', async () => {
  writePipeline();
  vi.stubEnv('PERDURE_CONF', join(root, 'conf'));
  const { client, storeRoot } = await startTestStack();
  const pipeline = await loadPipeline(NAME);
  const { modelRegistry } = (await openStores(storeRoot))(pipeline);
  const weeks = async () => (await readTimeline(modelRegistry))?.periods ?? [];

  const input = { pipeline: NAME, from: FROM, periods: BACKFILLED, source: csv };
  const backfill = await startWorkflow(client, 'backfill', input, backfillIdOf(NAME));
  expect(await backfill.result()).toMatchObject({ status: 'completed', periods: BACKFILLED, trained: 1 });
  const before = await weeks();
  expect(before.map(({ outcome }) => outcome)).toEqual(['skipped', 'skipped', 'skipped', 'trained']);
  const champion = before.at(-1)!.model;

  await applySchedules(client, pipeline);
  await triggerSchedule(client, NAME, 'backfill');
  const scheduledBackfill = await until(() => openBackfill(client, NAME));
  const steer = (update: string) =>
    scheduledBackfill.executeUpdate<BackfillState, [Steering]>(update, { args: [{ by: 'person' }] });
  await steer(BACKFILL.updates.pause);
  await until(async () => (await scheduledBackfill.query<BackfillState>(BACKFILL.queries.state)).total > 0);

  // What else a schedule starts has nothing to do meanwhile.
  await triggerSchedule(client, NAME, 'inference');
  const inference = await until(async () => {
    for await (const { workflowId } of client.workflow.list({ query: `WorkflowType = 'modelInference'` }))
      if (workflowId.startsWith(workflowIdOf('modelInference', NAME))) return client.workflow.getHandle(workflowId);
    return undefined;
  });
  expect(await inference.result()).toMatchObject({
    status: 'skipped',
    reason: `A backfill of ${NAME} is under way: ${scheduledBackfill.workflowId}.`,
  });
  await steer(BACKFILL.updates.resume);
  await until(async () => (await weeks()).length === WEEKS);

  const after = await weeks();
  expect(after.slice(0, BACKFILLED)).toEqual(before);
  expect(after.map(({ from }) => from)).toEqual(
    Array.from({ length: WEEKS }, (_, week) => DateTime.fromISO(FROM).plus({ weeks: week }).toISODate()),
  );
  const scheduled = after.slice(BACKFILLED);
  expect(scheduled.map(({ outcome, rows, model }) => ({ outcome, rows, model }))).toEqual(
    scheduled.map(() => ({ outcome: 'predicted', rows: 40, model: champion })),
  );
  // The last week of the backfill trained, and the week after a retraining is not evaluated.
  expect(scheduled.map(({ evaluation }) => evaluation)).toMatchObject([
    { status: 'skipped' },
    { status: 'measured', model: champion, period: { from: scheduled[0]!.from } },
  ]);
}, 120_000);
