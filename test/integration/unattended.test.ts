import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { afterAll, describe, expect, test } from 'vitest';
import { startWorkflow } from '../../src/client.js';
import { phaseStatistics } from '../../src/cli/phaseStatistics.js';
import { stewardIdOf, TASK_QUEUES, type StewardInput } from '../../src/contracts/index.js';
import { processingFailures } from '../../src/platform/notify/runHistory.js';
import { applySchedules, scheduleIdOf, triggerSchedule } from '../../src/platform/temporal/schedules.js';
import { SupervisedWorker } from '../../src/platform/temporal/supervisedWorker.js';
import { WORKERS } from '../../src/platform/temporal/workers.js';
import { freeRange } from '../support/freeRange.js';
import { receiveHttp, receiveMail } from '../support/receivers.js';
import { startTestStack } from '../support/testStack.js';
import { AFTER_ALL, createTinyWorld, MONTHS, TINY, tinyEngines } from '../support/tinyPipeline.js';
import { until } from '../support/until.js';

// What a deployment sets: real workers with everything on that is off by default.
const PORTS = Object.keys(WORKERS) as (keyof typeof WORKERS)[];
const QUEUES = {
  orchestrator: ['orchestrator'],
  dataProcessing: ['data-processing', 'operations', 'dispatch'],
  modelTraining: ['model-training'],
};
const pager = await receiveHttp({ status: 202 });
const slack = await receiveHttp({ status: 200 });
const mail = await receiveMail();
const firstPort = await freeRange(PORTS.length);
const setting: Record<string, string> = {
  PERDURE_PAGERDUTY_ROUTING_KEY: 'routing-key',
  PERDURE_PAGERDUTY_URL: pager.url,
  PERDURE_SLACK_WEBHOOK_URL: slack.url,
  PERDURE_SMTP_URL: `smtp://127.0.0.1:${mail.port}`,
  PERDURE_EMAIL_FROM: 'perdure@example.org',
  PERDURE_EMAIL_TO: 'team@example.org',
  PERDURE_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  PERDURE_LOG_FORMAT: 'json',
  PERDURE_HEALTH_PORT: String(firstPort),
};

afterAll(async () => {
  for (const name of Object.keys(setting)) delete process.env[name];
  await Promise.all([pager.close(), slack.close(), mail.close()]);
});
Object.assign(process.env, setting);
const world = await createTinyWorld(tinyEngines());
afterAll(() => world.close());
await world.writeGold(MONTHS);
world.configure((config) => (config.training_config.hyperparameter_tuning = false));
const stack = await startTestStack(afterAll, world.storeRoot);

const DAILY = {
  at: '06:00',
  time_zone: 'UTC',
  overlap: 'skip',
  catchup_window_minutes: 60,
  jitter_seconds: 0,
  pause_on_failure: false,
};
const SCHEDULES = { inference: DAILY, monitoring: { ...DAILY, at: '10:00', day_of_week: 'sunday' } };

/** What matters here of a PagerDuty event. */
interface PagerEvent {
  event_action: string;
  dedup_key: string;
  payload: { custom_details: { since: string } };
}

function get(worker: keyof typeof WORKERS, path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${firstPort + PORTS.indexOf(worker)}${path}`);
}

describe('each worker', () => {
  test('answers health checks', async () => {
    for (const worker of PORTS) {
      expect((await get(worker, '/livez')).status).toBe(200);
      const ready = await get(worker, '/readyz');
      expect(ready.status).toBe(200);
      const states = Object.entries((await ready.json()) as Record<string, { runState: string }>);
      expect(states.map(([queue, { runState }]) => [queue, runState])).toEqual(
        QUEUES[worker].map((queue) => [queue, 'RUNNING']),
      );
      expect((await get(worker, '/elsewhere')).status).toBe(404);
    }
  });
});

describe('a worker whose health port is taken', () => {
  test('says so and ends', async () => {
    const worker = new SupervisedWorker(WORKERS.orchestrator, {
      target: stack.stack.target,
      storeRoot: world.storeRoot,
      logFolder: stack.logFolder,
    });
    await expect(worker.start()).rejects.toMatchObject({
      type: 'WorkerFailed',
      message: expect.stringContaining(
        `could not start: The port ${firstPort} of PERDURE_HEALTH_PORT can't be had`,
      ) as string,
    });
  });
});

describe('a training', () => {
  test('is told of by mail, measured, found by its attributes, and unreadable to the server', async () => {
    const handle = await startWorkflow(stack.client, 'modelTraining', {
      pipeline: TINY,
      asOf: AFTER_ALL,
      algorithms: ['logistic_regression'],
      reason: 'a test',
    });
    const result = await handle.result();
    if (result.status === 'skipped') throw new Error(result.reason);
    const { challenger } = result;

    await until(() => mail.received.length >= 2);
    const letters = mail.received.map(({ message }) => message.replaceAll('=\r\n', '')).join('\n');
    expect(letters).toContain('Training of tiny ended as completed');
    expect(letters).toContain(`${challenger.algorithm} ${challenger.version} is now the champion of tiny`);

    const training = await (await get('modelTraining', '/metrics')).text();
    expect(training).toMatch(/^perdure_stage_seconds_count\{.*stage="preprocess".*outcome="completed".*\} 1$/m);
    expect(training).toMatch(
      /^perdure_candidates_total\{pipeline="tiny",algorithm="logistic_regression",outcome="completed"\} [1-9]/m,
    );
    expect(training).toMatch(
      /^perdure_model_auc\{pipeline="tiny",algorithm="logistic_regression",split="oot"\} 0\.\d+$/m,
    );
    expect(await (await get('orchestrator', '/metrics')).text()).toMatch(
      /^temporal_workflow_completed\{.*workflow_type="modelTraining".*\} 1$/m,
    );

    const query = `PerdurePipeline = "${TINY}" AND PerdurePhase = "training" AND PerdureModelVersion = "${challenger.version}" AND PerdureReason = "a test"`;
    await until(async () => (await stack.client.workflow.count(query)).count === 1);

    const { namespace } = stack.client.options;
    const connection = await Connection.connect({ address: stack.stack.target.address });
    const history = await new Client({ connection, namespace }).workflow.getHandle(handle.workflowId).fetchHistory();
    await connection.close();
    const stored = Buffer.from(proto.temporal.api.history.v1.History.encode(history).finish());
    expect(stored.includes('binary/encrypted')).toBe(true);
    expect(stored.includes('comparison')).toBe(false);
  });

  test('leaves JSON lines with its ids in the log', async () => {
    const log = readFileSync(join(stack.logFolder, 'data-processing.log'), 'utf8');
    const lines = log
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const told = lines.find(({ alert }) => alert === 'training_completed');
    expect(told).toMatchObject({
      level: 'INFO',
      worker: 'data-processing',
      workflowId: expect.stringMatching(/^tiny-model-training-/) as string,
      runId: expect.any(String) as string,
      activityId: expect.any(String) as string,
    });
  });
});

describe('processing that fails', () => {
  const failed: { workflowId: string; runId: string }[] = [];

  test('calls somebody at the third time in a row, and once', async () => {
    for (let run = 1; run <= 4; run++) {
      const handle = await startWorkflow(stack.client, 'dataProcessing', {
        pipeline: TINY,
        source: '/nonexistent/raw.csv',
      });
      failed.push({ workflowId: handle.workflowId, runId: handle.firstExecutionRunId });
      await expect(handle.result()).rejects.toThrow();
      expect(pager.received).toHaveLength(run < 3 ? 0 : 1);
      // The next run counts those that Temporal's list of runs has.
      await until(async () =>
        (await phaseStatistics(stack.client, TINY)).some(({ phase, runs }) => phase === 'processing' && runs === run),
      );
    }
    expect(pager.received[0]?.body).toMatchObject({
      payload: { severity: 'critical', class: 'processing_failing', custom_details: { failures: 3 } },
    });

    expect((await phaseStatistics(stack.client, TINY)).find(({ phase }) => phase === 'processing')).toMatchObject({
      runs: 4,
      skipped: 0,
      success_rate: 0,
      mean_seconds: null,
    });
    const asking = { workflowId: 'next', runId: 'next', startedAt: new Date().toISOString() };
    expect((await processingFailures(stack.client, TINY, asking)).failures).toBe(5);
  });

  test('is one line at ERROR per run, with its ids, which is what the alarm on logs counts', async () => {
    const lines = () =>
      readFileSync(join(stack.logFolder, 'orchestrator.log'), 'utf8')
        .split('\n')
        .slice(0, -1)
        .filter((line) => line.startsWith('{'));
    const errors = () =>
      lines()
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ level }) => level === 'ERROR');
    // A worker's lines are written a moment after the run has ended.
    await until(() => errors().length >= failed.length);
    expect(errors()).toMatchObject(
      failed.map((ids) => ({
        ...ids,
        worker: 'orchestrator',
        message: 'The run failed',
        pipeline: TINY,
        errorType: 'InputInvalid',
        reason: expect.stringContaining('/nonexistent/raw.csv') as string,
      })),
    );
    expect(failed).toHaveLength(4);
  });
});

describe('a schedule', () => {
  test('whose inference never starts calls somebody, by way of the steward, and is well again once it has', async () => {
    world.configure((config) =>
      Object.assign(config, { schedules: SCHEDULES, alerts: { inference_down_hours: 0.001 } }),
    );
    await applySchedules(stack.client, await world.pipeline());
    // Due every second, and never started: no action is left.
    const inference = stack.client.schedule.getHandle(scheduleIdOf(TINY, 'inference'));
    await inference.update(({ state, ...others }) => ({
      ...others,
      spec: { intervals: [{ every: '1 second' }] },
      state: { ...state, remainingActions: 0 },
    }));
    const args: [StewardInput] = [{ pipeline: TINY, resyncSeconds: 1 }];
    const steward = await stack.client.workflow.start('steward', {
      args,
      taskQueue: TASK_QUEUES.orchestrator,
      workflowId: stewardIdOf(TINY),
    });
    const events = (action: string) =>
      pager.received
        .map(({ body }) => body as PagerEvent)
        .filter((event) => event.event_action === action && event.dedup_key.startsWith(`${TINY}/inference_down/`));
    await until(() => events('trigger').length > 0);
    const [down] = events('trigger');
    expect(down).toMatchObject({ payload: { severity: 'critical', class: 'inference_down' } });
    const since = Date.parse(down!.payload.custom_details.since);
    expect(since).toBeGreaterThanOrEqual((await inference.describe()).info.lastUpdatedAt!.getTime());
    await steward.terminate();

    await triggerSchedule(stack.client, TINY, 'inference');
    await until(() => events('resolve').some(({ dedup_key }) => dedup_key === down!.dedup_key));
  });

  test('of monitoring sends the weekly report by mail', async () => {
    await triggerSchedule(stack.client, TINY, 'monitoring');
    const reports = () =>
      mail.received
        .map(({ message }) => message.replaceAll('=\r\n', ''))
        .filter((message) => message.includes('weekly_report at '));
    await until(() => reports().length > 0);
    const [report] = reports();
    expect(report).toMatch(/^Subject: \[info\] tiny: Monitoring of tiny in week \d{4}-W\d{2}/m);
    expect(report).toMatch(/^rows: \d+/m);
    expect(report).toMatch(/^report: .*reports\/report_/m);
    expect(mail.received.at(-1)).toMatchObject({ from: 'perdure@example.org', to: ['team@example.org'] });
  });
});

test('a pipeline whose settings can not be read is told of too', async () => {
  const handle = await startWorkflow(stack.client, 'modelTraining', { pipeline: 'nowhere' });
  await expect(handle.result()).rejects.toThrow();
  expect(slack.received.map(({ body }) => JSON.stringify(body)).join()).toContain(
    'Training of nowhere failed: There is no pipeline',
  );
});
