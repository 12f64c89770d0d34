import type { Client } from '@temporalio/client';
import { loadPipeline } from '../config/load.js';
import {
  STEWARD,
  stewardIdOf,
  TASK_QUEUES,
  type Approved,
  type AskedRetrain,
  type MovedAlias,
  type StewardEvent,
  type StewardInput,
  type StewardSnapshot,
} from '../contracts/index.js';
import type { CommonOptions } from './options.js';
import { person } from './person.js';
import { selectorOf } from './selector.js';
import { openSession } from './session.js';
import { heard, steer } from './stewardQuestion.js';
import { chosenStore } from './store.js';
import { countOf, print, printJson, say } from './terminal.js';

type SteeringOptions = { reason?: string } & CommonOptions;

/** Starts the pipeline's steward; one that runs already is left as it is. */
export async function startSteward(pipeline: string, options: CommonOptions): Promise<void> {
  await loadPipeline(pipeline);
  await withSession(pipeline, options, async (client, lasting) => {
    const args: [StewardInput] = [{ pipeline }];
    const workflowId = stewardIdOf(pipeline);
    const handle = await client.workflow.start('steward', {
      args,
      taskQueue: TASK_QUEUES.orchestrator,
      workflowId,
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `The steward of ${pipeline}`,
    });
    if (options.json) printJson({ workflow_id: workflowId, run_id: handle.firstExecutionRunId });
    else print(`${workflowId} runs for ${pipeline}.`);
    if (!lasting) say('The server of this command ends with it; the steward goes on while "perdure up" runs.');
  });
}

export async function stewardState(pipeline: string, options: CommonOptions): Promise<void> {
  await loadPipeline(pipeline);
  await withSession(pipeline, options, async (client) => {
    const handle = client.workflow.getHandle(stewardIdOf(pipeline));
    const state = await heard(pipeline, client, () => handle.query<StewardSnapshot>(STEWARD.queries.state));
    const history = await heard(pipeline, client, () => handle.query<StewardEvent[]>(STEWARD.queries.history));
    if (options.json) printJson({ state, history });
    else print(describe(state, history));
  });
}

export async function approveRetrain(
  pipeline: string,
  options: { decline?: boolean; request?: string } & SteeringOptions,
): Promise<void> {
  const approved = !options.decline;
  const outcome = await steered<Approved>(pipeline, STEWARD.updates.approve, options, {
    approved,
    requestId: options.request,
  });
  if (options.json) printJson({ approved, requests: outcome.requests, starts_at: outcome.startsAt });
  else print(describeApproval(outcome));
}

function describeApproval({ approved, requests, startsAt }: Approved): string {
  const what = countOf(requests, 'request');
  if (!approved) return `Declined: ${what} will not be trained for.`;
  if (!startsAt) return `Approved: one training answers ${what} and starts when the steward is resumed.`;
  const when =
    Date.parse(startsAt) > Date.now()
      ? `starts at ${minute(startsAt)} UTC, when the cooldown ends`
      : 'starts now, or after the one under way';
  return `Approved: one training answers ${what} and ${when}.`;
}

export async function pauseSteward(pipeline: string, options: SteeringOptions): Promise<void> {
  const state = await steered<StewardSnapshot>(pipeline, STEWARD.updates.pause, options);
  if (options.json) printJson(state);
  else print('Paused: what is asked is kept, and nothing is started.');
}

export async function resumeSteward(pipeline: string, options: SteeringOptions): Promise<void> {
  const state = await steered<StewardSnapshot>(pipeline, STEWARD.updates.resume, options);
  if (options.json) printJson(state);
  else print('Resumed.');
}

/** As `perdure models promote` and `rollback`, where there must be a steward. */
export async function moveBySteward(
  move: 'promote' | 'rollback',
  name: string,
  model: string | undefined,
  options: SteeringOptions,
): Promise<void> {
  const pipeline = await loadPipeline(name);
  const asked = { model: model === undefined ? undefined : selectorOf(pipeline, model) };
  const {
    alias,
    model: now,
    previous,
    at,
    reason,
  } = await steered<MovedAlias>(name, STEWARD.updates[move], options, asked);
  if (options.json) printJson({ alias, model: now, previous, at, reason });
  else
    print(
      `${alias} is now ${now.algorithm} ${now.version}${previous ? `, no longer ${previous.algorithm} ${previous.version}` : ''}; inference with it follows.`,
    );
}

async function steered<Result>(
  pipeline: string,
  update: string,
  options: SteeringOptions,
  more: object = {},
): Promise<Result> {
  await loadPipeline(pipeline);
  return withSession(pipeline, options, (client) =>
    steer<Result>(client, pipeline, update, { by: person(), reason: options.reason, ...more }),
  );
}

async function withSession<Result>(
  pipeline: string,
  options: CommonOptions,
  work: (client: Client, lasting: boolean) => Promise<Result>,
): Promise<Result> {
  const session = await openSession(chosenStore(options), pipeline);
  try {
    return await work(session.client, !session.embedded);
  } finally {
    await session.close();
  }
}

const SHOWN_EVENTS = 15;

function describe(state: StewardSnapshot, history: StewardEvent[]): string {
  const { pipeline, champion, paused, heldUp, asked, awaitingApproval, inFlight, cooldownUntil } = state;
  const runs = Object.entries(inFlight).map(
    ([phase, { workflowId, startedAt }]) => `${phase} since ${minute(startedAt)} (${workflowId})`,
  );
  const cooling = cooldownUntil && new Date(cooldownUntil) > new Date() ? cooldownUntil : null;
  const facts: [string, string | null][] = [
    ['champion', champion ? `${champion.algorithm} ${champion.version}` : 'none yet'],
    ['held up', heldUp && `since ${minute(heldUp.since)}: ${heldUp.reason}`],
    ['paused', paused && `by ${paused.by} at ${minute(paused.at)}${paused.reason ? `: ${paused.reason}` : ''}`],
    ['in flight', runs.join(', ') || 'nothing'],
    ['asked', describeAsked(asked)],
    ['to approve', describeAsked(awaitingApproval)],
    ['cooldown', cooling && `until ${minute(cooling)}`],
  ];
  return [
    `${pipeline} (times are UTC)`,
    ...facts.flatMap(([fact, value]) => (value ? [`  ${fact.padEnd(11)} ${value}`] : [])),
    ...(history.length > 0
      ? ['', ...history.slice(-SHOWN_EVENTS).map(({ at, what }) => `  ${second(at)}  ${what}`)]
      : []),
  ].join('\n');
}

function describeAsked(asked: AskedRetrain | null): string {
  if (!asked) return 'nothing';
  return `${countOf(asked.count, 'request')} since ${minute(asked.since)}: ${asked.requests.map(({ reason, requestId }) => `${reason} (${requestId})`).join(', ')}`;
}

/** `2026-01-02 03:04` */
function minute(instant: string): string {
  return instant.slice(0, 16).replace('T', ' ');
}

function second(instant: string): string {
  return instant.slice(0, 19).replace('T', ' ');
}
