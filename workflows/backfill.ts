import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  patched,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import {
  agreeing,
  BACKFILL,
  countOf,
  type BackfillCarried,
  type BackfillCompleted,
  type BackfillInput,
  type BackfillResult,
  type BackfillState,
  type Period,
  type PeriodRecord,
  type StageInput,
  type Steering,
  type VersionRef,
} from '../src/contracts/index.js';
import { lifecycleOfPeriod } from './lifecycleOfPeriod.js';
import { activities } from './support/activityProxies.js';
import { runChild } from './support/children.js';
import { BACKFILL_INPUT } from './support/messages.js';
import { withConfig } from './support/pinConfig.js';
import type { ProgressTracker } from './support/progress.js';
import { startRun } from './support/startRun.js';
import { refuseUnless, refuseUnlessValid } from './support/validators.js';

const pause = defineUpdate<BackfillState, [Steering]>(BACKFILL.updates.pause);
const resume = defineUpdate<BackfillState, [Steering]>(BACKFILL.updates.resume);
const stateQuery = defineQuery<BackfillState>(BACKFILL.queries.state);

/** A period makes about a dozen events of this history: far below what a server allows, and cheap to replay. */
const PERIODS_A_RUN = 100;
/** Records that a run passes on for whoever looks on: it shows them each as it comes. */
const SHOWN_RECORDS = 20;
/** How often a run that continues waits for a training that came between. */
const BUSY_PAUSE = '10 seconds';

/** Runs the lifecycle of one period after the other, strictly in order, each as it would have been at its time. */
export async function backfill(input: BackfillInput): Promise<BackfillResult> {
  const { stage: started, asOf, progress } = startRun(input, BACKFILL_INPUT);
  const { carried, periodsARun = PERIODS_A_RUN } = input;
  const state = carried?.state ?? notBegun(input.pipeline);
  setHandlers(state);
  const stage = await withConfig(started, input);

  const claim = await claimTraining(stage, carried);
  if (claim.status === 'skipped') return claim;

  const backfilling = carried ?? (await begin(input, stage, asOf, state));
  const { ahead } = backfilling;
  if (ahead.length === 0 && state.done === state.doneBefore) return { status: 'skipped', reason: nothingAhead(state) };
  progress.count(`${backfilling.by}s`, state.total);
  progress.advance(state.done);

  for (let run = 0; ahead.length > 0; run++) {
    if (run > 0 && (run >= periodsARun || workflowInfo().continueAsNewSuggested)) await goOn(input, stage, backfilling);
    await condition(() => state.paused === null);
    state.now = ahead[0]!;
    progress.now.step = describeState(state);
    showDetails(state);
    took(backfilling, await runPeriod(input, stage, progress, backfilling, state.now));
    progress.advance();
    showDetails(state);
  }
  if (backfilling.after !== undefined)
    await makeChampion(stage, backfilling.after, 'as it is after the periods that were kept');
  const page = patched('timeline-page') ? await activities.drawTimeline(stage) : undefined;
  await condition(allHandlersFinished);
  return { ...resultOf(stage, backfilling), ...(page && { page }) };
}

/** The claim of the one training at a time, for all periods; a run that goes on waits for what came between. */
async function claimTraining(stage: StageInput, carried: BackfillCarried | undefined) {
  for (;;) {
    const claim = await activities.claimTraining(stage);
    if (claim.status === 'ready' || !carried) return claim;
    await sleep(BUSY_PAUSE, { summary: claim.reason });
  }
}

/** Plans the periods; those that are run again leave the timeline, and the champion is who it was before them. */
async function begin(
  input: BackfillInput,
  stage: StageInput,
  asOf: string,
  state: BackfillState,
): Promise<BackfillCarried> {
  const { from, periods, by, againFrom, later } = input;
  const plan = await activities.planBackfill({ ...stage, asOf, from, periods, by, againFrom, later });
  if (plan.again) {
    await activities.reopenTimeline({ ...stage, drop: plan.again.drop });
    await makeChampion(stage, plan.again.before, 'as it was before the periods that are run again');
  }
  return {
    by: plan.by,
    ahead: plan.periods,
    first: plan.first,
    again: plan.again !== undefined,
    ...(plan.again?.after !== undefined && { after: plan.again.after }),
    state: Object.assign(state, { total: plan.done + plan.periods.length, done: plan.done, doneBefore: plan.done }),
  };
}

/** Moves the champion to a version, unless it is; nobody can take it away, so of none it stays as it is. */
async function makeChampion(stage: StageInput, model: VersionRef | null, reason: string): Promise<void> {
  if (model === null) return;
  const present = await activities.readChampion(stage);
  if (present?.algorithm === model.algorithm && present.version === model.version) return;
  // A run moves the champion once; each of these moves is one of its own.
  const run = { ...stage.run, runId: `${stage.run.runId}/${reason}` };
  const { algorithm, version } = model;
  await activities.moveChampion({
    ...stage,
    run,
    move: 'rollback',
    model: { algorithm, version },
    by: 'backfill',
    reason,
  });
}

function runPeriod(
  { pipeline, reason, triggeredBy, source, labels }: BackfillInput,
  { run }: StageInput,
  progress: ProgressTracker,
  { by, first, again }: BackfillCarried,
  period: Period,
): Promise<PeriodRecord> {
  const { config } = run;
  const input = { pipeline, reason, triggeredBy, source, labels, config, period, by, first, again, claimedBy: run };
  return runChild(progress, {
    name: period.from,
    workflow: lifecycleOfPeriod,
    input,
    summary: `${pipeline}, ${period.from} to ${period.to}`,
  });
}

function took(backfilling: BackfillCarried, record: PeriodRecord): void {
  const { state, ahead } = backfilling;
  backfilling.first = false;
  ahead.shift();
  state.now = null;
  state.done++;
  if (record.training) state.trained++;
  state.recent = [...state.recent, record].slice(-SHOWN_RECORDS);
}

/** Goes on in a run with a history of its own. */
async function goOn(input: BackfillInput, { run }: StageInput, carried: BackfillCarried): Promise<void> {
  await condition(allHandlersFinished);
  const { pipeline, asOf, reason, triggeredBy, source, labels, periodsARun } = input;
  await continueAsNew<typeof backfill>({
    ...{ pipeline, asOf, reason, triggeredBy, source, labels, periodsARun },
    config: run.config,
    carried,
  });
}

/** Before the periods are planned: a backfill can be paused from its first moment. */
function notBegun(pipeline: string): BackfillState {
  return { pipeline, total: 0, done: 0, doneBefore: 0, now: null, paused: null, trained: 0, recent: [] };
}

function setHandlers(state: BackfillState): void {
  setHandler(stateQuery, () => state, {
    description: 'Which period is at work, how many are done, and whether it is paused.',
  });
  setHandler(
    pause,
    ({ by, reason }) => {
      state.paused = { by, ...(reason !== undefined && { reason }), at: new Date().toISOString() };
      showDetails(state);
      return state;
    },
    {
      description: 'Begins no further period until it is resumed; the one at work is finished: {"by", "reason"?}.',
      validator: (input: Steering) => {
        refuseUnlessValid('pause', input);
        refuseUnless(state.paused === null, `${state.paused?.by} paused it already, at ${state.paused?.at}.`);
      },
    },
  );
  setHandler(
    resume,
    () => {
      state.paused = null;
      showDetails(state);
      return state;
    },
    {
      description: 'Goes on with the next period: {"by", "reason"?}.',
      validator: (input: Steering) => {
        refuseUnlessValid('resume', input);
        refuseUnless(state.paused !== null, 'It is not paused.');
      },
    },
  );
}

function resultOf({ run }: StageInput, { by, state }: BackfillCarried): BackfillCompleted {
  const last = state.recent.at(-1)!;
  return {
    status: 'completed',
    by,
    to: last.to,
    periods: state.done - state.doneBefore,
    done_before: state.doneBefore,
    trained: state.trained,
    model: last.model,
    config: run.config?.checksum,
  };
}

function nothingAhead({ total }: BackfillState): string {
  return total === 0
    ? 'No period is over yet.'
    : `${agreeing(total, 'The one period is', `All ${countOf(total, 'period')} are`)} done already.`;
}

function showDetails(state: BackfillState): void {
  setCurrentDetails(describeState(state));
}

function describeState({ now, paused, done, total }: BackfillState): string {
  const at = now ? `${now.from} to ${now.to}` : 'between periods';
  return `${at}; ${done} of ${countOf(total, 'period')} done${paused ? `; paused by ${paused.by}` : ''}`;
}
