import { WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { loadPipeline } from '../../config/load.js';
import { STEWARD, stewardIdOf, TASK_QUEUES, type Approved, type AskedRetrain, type MovedAlias, type Steering, type StewardEvent, type StewardInput, type StewardState } from '../../contracts/index.js';
import { PerdureError, messageOf } from '../../errors.js';
import type { CommonOptions } from '../options.js';
import { person } from '../person.js';
import { openSession } from '../session.js';
import { chosenStore } from '../store.js';
import { print, printJson, say } from '../terminal.js';
import { selectorOf } from './registry.js';

export interface SteeringOptions extends CommonOptions {
  reason?: string;
}

/** Starts the pipeline's steward; one that runs already is left as it is. */
export async function startSteward(pipeline: string, options: CommonOptions): Promise<void> {
  await loadPipeline(pipeline);
  await withSession(options, async (client, lasting) => {
    const args: [StewardInput] = [{ pipeline }];
    const workflowId = stewardIdOf(pipeline);
    const handle = await client.workflow.start('steward', { args, taskQueue: TASK_QUEUES.orchestrator, workflowId, workflowIdConflictPolicy: 'USE_EXISTING' });
    if (options.json) printJson({ workflow_id: workflowId, run_id: handle.firstExecutionRunId });
    else print(`${workflowId} looks after ${pipeline}.`);
    if (!lasting) say('The server of this command ends with it; the steward goes on while "perdure up" runs.');
  });
}

export async function stewardState(pipeline: string, options: CommonOptions): Promise<void> {
  await loadPipeline(pipeline);
  await withSession(options, async (client) => {
    const handle = client.workflow.getHandle(stewardIdOf(pipeline));
    const state = await heard(pipeline, handle.query<StewardState>(STEWARD.queries.state));
    const history = await heard(pipeline, handle.query<StewardEvent[]>(STEWARD.queries.history));
    if (options.json) printJson({ state, history });
    else print(describe(state, history));
  });
}

export async function approveRetrain(pipeline: string, options: SteeringOptions): Promise<void> {
  const { requests, startsAt } = await steer<Approved>(pipeline, STEWARD.updates.approve, options);
  const when = startsAt ? `starts at ${startsAt}, or after the one under way` : 'starts when the steward is resumed';
  if (options.json) printJson({ requests, startsAt });
  else print(`Approved: one training answers ${requests} ${requests === 1 ? 'request' : 'requests'} and ${when}.`);
}

export async function pauseSteward(pipeline: string, options: SteeringOptions): Promise<void> {
  const state = await steer<StewardState>(pipeline, STEWARD.updates.pause, options);
  if (options.json) printJson(state);
  else print('Paused: what is asked is kept, and nothing is started.');
}

export async function resumeSteward(pipeline: string, options: SteeringOptions): Promise<void> {
  const state = await steer<StewardState>(pipeline, STEWARD.updates.resume, options);
  if (options.json) printJson(state);
  else print('Resumed.');
}

/** As `perdure models promote`, by way of the steward: inference follows at once. */
export async function promoteBySteward(name: string, model: string, options: SteeringOptions): Promise<void> {
  const pipeline = await loadPipeline(name);
  tellMoved(await steer<MovedAlias>(name, STEWARD.updates.promote, options, { model: selectorOf(pipeline, model) }), options);
}

/** As `perdure models rollback`, by way of the steward: inference follows at once. */
export async function rollBackBySteward(name: string, options: SteeringOptions): Promise<void> {
  tellMoved(await steer<MovedAlias>(name, STEWARD.updates.rollback, options), options);
}

function tellMoved({ alias, model, previous }: MovedAlias, { json }: CommonOptions): void {
  if (json) printJson({ alias, model, previous });
  else print(`${alias} is now ${model.algorithm} ${model.version}.`);
}

/** Asks the steward for something that it answers. */
async function steer<Result>(pipeline: string, update: string, options: SteeringOptions, more: object = {}): Promise<Result> {
  await loadPipeline(pipeline);
  const steering: Steering = { by: person(), reason: options.reason };
  return withSession(options, (client) => {
    const handle = client.workflow.getHandle(stewardIdOf(pipeline));
    return heard(pipeline, handle.executeUpdate<Result, [object]>(update, { args: [{ ...steering, ...more }] }));
  });
}

/** Turns what can go wrong with a question to a steward into a sentence. */
async function heard<Result>(pipeline: string, answer: Promise<Result>): Promise<Result> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) {
      throw new PerdureError('NotFound', `${pipeline} has no steward; "perdure steward start ${pipeline}" starts one.`);
    }
    if (error instanceof WorkflowUpdateFailedError) throw new PerdureError('InputInvalid', messageOf(error.cause));
    throw error;
  }
}

async function withSession<Result>(options: CommonOptions, work: (client: Client, lasting: boolean) => Promise<Result>): Promise<Result> {
  const session = await openSession(chosenStore(options));
  try {
    return await work(session.client, !session.embedded);
  } finally {
    await session.close();
  }
}

const SHOWN_EVENTS = 15;

function describe({ pipeline, champion, paused, asked, awaitingApproval, inFlight, cooldownUntil }: StewardState, history: StewardEvent[]): string {
  const runs = Object.entries(inFlight).map(([part, { workflowId, startedAt }]) => `${part} since ${startedAt} (${workflowId})`);
  const cooling = cooldownUntil && new Date(cooldownUntil) > new Date();
  const facts: [string, string][] = [
    ['champion', champion ? `${champion.algorithm} ${champion.version}` : 'none yet'],
    ['paused', paused ? `by ${paused.by} at ${paused.at}${paused.reason ? `: ${paused.reason}` : ''}` : 'no'],
    ['in flight', runs.join(', ') || 'nothing'],
    ['asked', describeAsked(asked)],
    ['to approve', describeAsked(awaitingApproval)],
    ...(cooling ? [['cooldown', `until ${cooldownUntil}`] as [string, string]] : []),
  ];
  return [
    pipeline,
    ...facts.map(([fact, value]) => `  ${fact.padEnd(11)} ${value}`),
    ...history.slice(-SHOWN_EVENTS).map(({ at, what }) => `  ${at.slice(0, 19).replace('T', ' ')}  ${what}`),
  ].join('\n');
}

function describeAsked(asked: AskedRetrain | null): string {
  if (!asked) return 'nothing';
  return `${asked.count} since ${asked.since}: ${[...new Set(asked.requests.map(({ reason }) => reason))].join(', ')}`;
}
