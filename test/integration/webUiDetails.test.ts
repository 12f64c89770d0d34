import { temporal } from '@temporalio/proto';
import type { Client } from '@temporalio/client';
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startWorkflow, stewardOf } from '../../src/client.js';
import { WORKFLOW_TYPES } from '../../src/contracts/index.js';
import { ALGORITHMS, fakeActivities, held } from '../workflow/support/fakeActivities.js';
import { connectFresh } from '../support/testServer.js';
import { until } from '../support/until.js';
import { bundleWorkflows, startWorkers } from '../workflow/support/workers.js';
import * as workflows from '../../workflows/index.js';

/** What Temporal's web UI shows: asked of the server for every run and every event that there is, not for a list of them. */

const PIPELINE = 'seen';
const bundle = await bundleWorkflows();

type Metadata = temporal.api.sdk.v1.IWorkflowMetadata;

/** One run as the web UI shows it. */
interface Page {
  id: string;
  type: string;
  summary: string | undefined;
  details: string;
  /** Signals, updates and queries by name, with their descriptions. */
  handlers: Record<string, string>;
  /** Summaries of activities, timers and children, by what they are of. */
  lines: [of: string, summary: string | undefined][];
  /** Types of its events that are shown red. */
  red: string[];
}

async function metadataOf(client: Client, workflowId: string): Promise<Metadata> {
  return client.workflow.getHandle(workflowId).query<Metadata>('__temporal_workflow_metadata');
}

const detailsOf = async (client: Client, workflowId: string) => (await metadataOf(client, workflowId)).currentDetails;

async function pages(client: Client): Promise<Page[]> {
  const found: Page[] = [];
  for await (const { workflowId, type } of client.workflow.list()) found.push(await pageOf(client, workflowId, type));
  return found;
}

async function pageOf(client: Client, id: string, type: string): Promise<Page> {
  const handle = client.workflow.getHandle(id);
  const { definition, currentDetails } = await metadataOf(client, id);
  const defined = [definition?.signalDefinitions, definition?.updateDefinitions, definition?.queryDefinitions].flatMap(
    (of) => of ?? [],
  );
  const { events } = await handle.fetchHistory();
  return {
    id,
    type,
    summary: await (await handle.describe()).staticSummary(),
    details: currentDetails ?? '',
    // The SDK's own have its own words.
    handlers: Object.fromEntries(
      defined.filter(({ name }) => !name!.startsWith('__')).map(({ name, description }) => [name!, description ?? '']),
    ),
    lines: (events ?? []).flatMap((event) => {
      const {
        activityTaskScheduledEventAttributes: activity,
        timerStartedEventAttributes: timer,
        startChildWorkflowExecutionInitiatedEventAttributes: child,
      } = event;
      const of = activity?.activityType?.name ?? (timer && `timer ${timer.timerId}`) ?? child?.workflowType?.name;
      if (!of) return [];
      const payload = event.userMetadata?.summary;
      return [
        [
          of,
          payload ? defaultPayloadConverter.fromPayload<string>(payload) : undefined,
        ] satisfies Page['lines'][number],
      ];
    }),
    red: (events ?? [])
      .map(({ eventType }) => temporal.api.enums.v1.EventType[eventType!])
      .filter((name) => /FAILED|TIMED_OUT/.test(name)),
  };
}

const isPlain = (text: string | undefined) => text !== undefined && /^\S.{3,}/.test(text);

/** What a person would have to guess. */
function unexplained({ id, summary, details, handlers, lines }: Page): string[] {
  return [
    ...(isPlain(summary) ? [] : [`${id} has no summary`]),
    ...(isPlain(details) ? [] : [`${id} has no details`]),
    ...Object.entries(handlers).flatMap(([name, description]) =>
      isPlain(description) && description !== name ? [] : [`${id}: ${name} has no description`],
    ),
    ...lines.flatMap(([of, line]) => (isPlain(line) && line !== of ? [] : [`${id}: ${of} has no summary`])),
  ];
}

describe('in the web UI', () => {
  test('every run, step and message is explained, the details are those of now, and what went well shows nothing red', async () => {
    const server = await connectFresh();
    const { client } = server;
    const preprocess = held('preprocess');
    let isDown = false;
    const { activities } = fakeActivities({
      ...preprocess.activities,
      findNewRows: () =>
        isDown
          ? Promise.reject(ApplicationFailure.nonRetryable('The gold rows are gone; run data processing.', 'NotFound'))
          : Promise.resolve({ status: 'ready', rows: 3 }),
    });
    onTestFinished(await startWorkers(server, bundle, activities));

    // Without a steward.
    const lifecycle = await startWorkflow(client, 'lifecycle', { pipeline: PIPELINE });
    await until(async () => /training/.test((await detailsOf(client, lifecycle.workflowId)) ?? ''));
    preprocess.release();
    await lifecycle.result();
    // The run, its four phases, and a training per algorithm; the list lags behind a moment.
    await until(async () => (await client.workflow.count()).count === 5 + ALGORITHMS.length);
    const alone = await pages(client);
    for (const page of alone) expect([page.id, page.details, page.red]).toEqual([page.id, 'completed', []]);

    const weeks = { pipeline: PIPELINE, from: '2022-01-16', periods: 1 };
    await (await startWorkflow(client, 'backfill', weeks)).result();

    // The steward's details follow what happens without a wait.
    const steward = stewardOf(client, PIPELINE);
    await steward.start();
    const { workflowId } = steward.handle;
    // At first it knows of none.
    await until(async () => /^champion xgboost/.test((await detailsOf(client, workflowId)) ?? ''));
    expect(await detailsOf(client, workflowId)).toBe('champion xgboost v20010101_000000_abcdef12');
    await steward.pause({ by: 'ana', reason: 'an audit' });
    expect(await detailsOf(client, workflowId)).toBe('champion xgboost v20010101_000000_abcdef12; paused by ana');
    await steward.requestRetrain({ reason: 'new campaign', requestId: 'campaign-7', triggeredBy: 'ana' });
    await until(async () => (await steward.state()).asked !== null);
    expect(await detailsOf(client, workflowId)).toBe(
      'champion xgboost v20010101_000000_abcdef12; paused by ana; 1 asked',
    );
    await steward.resume({ by: 'ana', reason: 'it is over' });
    await until(
      async () =>
        (await steward.state()).counts.trainings === 1 && Object.keys((await steward.state()).inFlight).length === 0,
    );
    // The new champion predicts at once, which ends as well.
    await until(async () => !/in flight|asked|paused/.test((await detailsOf(client, workflowId)) ?? ''));

    // Inference that fails, and what waits for it to recover.
    isDown = true;
    await expect((await startWorkflow(client, 'modelInference', { pipeline: PIPELINE })).result()).rejects.toThrow();
    await until(async () => (await pages(client)).some(({ type }) => type === 'inferenceOutage'));
    const all = await pages(client);
    expect(all.filter(({ type }) => type === 'modelInference').map(({ details }) => details)).toContain(
      'failed: The gold rows are gone; run data processing.',
    );
    expect(all.find(({ type }) => type === 'inferenceOutage')?.details).toMatch(/^waiting for predictions since 20/);

    // Each type that workers register has been seen.
    expect([...new Set(all.map(({ type }) => type))].sort()).toEqual(Object.keys(workflows).sort());
    expect([...WORKFLOW_TYPES].sort()).toEqual(Object.keys(workflows).sort());
    expect(all.flatMap(unexplained)).toEqual([]);
  });
});
