import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  currentUpdateInfo,
  defineQuery,
  defineSignal,
  defineUpdate,
  ParentClosePolicy,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  clipped,
  countOf,
  STEWARD,
  stewardIdOf,
  SUMMARY_BYTES,
  type Approved,
  type ApproveInput,
  type DriftReport,
  type MoveChampion,
  type MoveChampionInput,
  type MovedAlias,
  type RetrainRequest,
  type RunEnded,
  type StageInput,
  type Steering,
  type StewardEvent,
  type StewardInput,
  type StewardSnapshot,
} from '../src/contracts/index.js';
import { modelInference } from './modelInference.js';
import { modelMonitoring } from './modelMonitoring.js';
import { modelTraining } from './modelTraining.js';
import { activities } from './support/activityProxies.js';
import { raiseAlerts } from './support/alerts.js';
import { failureOf } from './support/failures.js';
import { checkInput } from './support/input.js';
import { STEWARD_INPUT } from './support/messages.js';
import { setSearchAttributes } from './support/searchAttributes.js';
import { StewardState, type Start } from './support/stewardState.js';
import { refuseUnless, refuseUnlessValid } from './support/validators.js';

const requestRetrain = defineSignal<[RetrainRequest]>(STEWARD.signals.requestRetrain);
const driftDetected = defineSignal<[DriftReport]>(STEWARD.signals.driftDetected);
const runEnded = defineSignal<[RunEnded]>(STEWARD.signals.runEnded);
const approve = defineUpdate<Approved, [ApproveInput]>(STEWARD.updates.approve);
const promote = defineUpdate<MovedAlias, [MoveChampion]>(STEWARD.updates.promote);
const rollback = defineUpdate<MovedAlias, [MoveChampion]>(STEWARD.updates.rollback);
const pause = defineUpdate<StewardSnapshot, [Steering]>(STEWARD.updates.pause);
const resume = defineUpdate<StewardSnapshot, [Steering]>(STEWARD.updates.resume);
const stateQuery = defineQuery<StewardSnapshot>(STEWARD.queries.state);
const history = defineQuery<StewardEvent[]>(STEWARD.queries.history);

/** What the web UI and `temporal workflow metadata` say of each message. */
const DESCRIPTIONS: Record<
  keyof typeof STEWARD.signals | keyof typeof STEWARD.updates | keyof typeof STEWARD.queries,
  string
> = {
  requestRetrain:
    'Asks for a training: {"reason", "requestId", "triggeredBy"?, "asOf"?}; a requestId that was seen before is ignored.',
  driftDetected: 'Monitoring found drift: {"severity": "moderate" or "severe", "report", "asOf"?}.',
  runEnded: 'A run of the pipeline tells how it ended; sent by the workflows themselves.',
  approve:
    'Lets the retraining that waits for approval run, or declines it: {"by", "reason"?, "approved"?, "requestId"?}.',
  promote: 'Makes a version the champion, the challenger by default: {"by", "reason"?, "model"?}.',
  rollback: 'Goes back to the champion before, or to a named version: {"by", "reason"?, "model"?}.',
  pause: 'Starts nothing more until it is resumed; requests are kept: {"by", "reason"?}.',
  resume: 'Starts runs again: {"by", "reason"?}.',
  state: 'The champion, what is asked, in flight and to approve, and whether it is paused or held up.',
  history: 'What happened, the newest last.',
};

/** A signal makes about four events of a history: far below the 51,200 that a server allows, and cheap to replay. */
const SIGNALS_A_RUN = 2_000;

/** How often it compares what it knows with Temporal and the registry, for changes that nobody told it of. */
const RESYNC_SECONDS = 600;

/** How long it waits after something that it needs could not be done, such as reading a config that is broken. */
const SETBACK = '10 minutes';

/** The long-lived workflow of a pipeline: knows who is champion, what was asked and what is in flight, and starts what follows. */
export async function steward(input: StewardInput): Promise<void> {
  checkInput(input, STEWARD_INPUT);
  const { pipeline, carried, signalsARun = SIGNALS_A_RUN, resyncSeconds = RESYNC_SECONDS } = input;
  setSearchAttributes({ pipeline, phase: 'steward' });
  const state = new StewardState(pipeline, carried);
  setHandlers(state, stageInput(pipeline));
  showDetails(state);
  const isFull = () => state.signals >= signalsARun || workflowInfo().continueAsNewSuggested;
  try {
    while (!isFull()) await reconcile(state, isFull, resyncSeconds * 1000);
  } finally {
    // Whoever steers hears what came of it, also where the steward is cancelled meanwhile.
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  }
  await continueAsNew<typeof steward>({ pipeline, carried: state.carried, signalsARun, resyncSeconds });
}

/** Does what is to be done now, and waits until there is more. */
async function reconcile(state: StewardState, isFull: () => boolean, resyncMs: number): Promise<void> {
  const { pipeline } = state.snapshot;
  try {
    await handleNews(state, stageInput(pipeline));
    const starts = state.takeDue(now());
    showDetails(state);
    for (const start of starts) await launch(pipeline, start, state);
    state.goOn(now());
    showDetails(state);
    if (!(await waitForNews(state, isFull, resyncMs))) await resync(state);
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) throw error;
    state.holdUp(now(), failureOf(error).reason);
    showDetails(state);
    await sleep(SETBACK, { summary: 'Held up: try again' });
  }
}

/**
 * Signals are only taken down: what follows from them is decided in the loop, one thing at a time. Whatever is sent, no
 * handler throws: an error here would stop the steward until somebody resets it.
 */
function setHandlers(state: StewardState, stage: StageInput): void {
  // The details are right at the end of each change, also where the loop is busy with something else for long.
  const shown =
    <Args extends unknown[], Result>(handler: (...args: Args) => Result) =>
    (...args: Args): Result => {
      const result = handler(...args);
      showDetails(state);
      return result;
    };
  setHandler(
    requestRetrain,
    shown((request: RetrainRequest) => state.requested(now(), request)),
    { description: DESCRIPTIONS.requestRetrain },
  );
  setHandler(
    driftDetected,
    shown((report: DriftReport) => state.drifted(now(), report)),
    { description: DESCRIPTIONS.driftDetected },
  );
  setHandler(
    runEnded,
    shown((run: RunEnded) => state.ended(now(), run)),
    { description: DESCRIPTIONS.runEnded },
  );
  setHandler(stateQuery, () => state.snapshot, { description: DESCRIPTIONS.state });
  setHandler(history, () => state.history, { description: DESCRIPTIONS.history });
  // After the others: whatever came before this run listened is given to whoever listens first.
  setDefaultSignalHandler((name) => state.ignored(now(), name, 'there is no such signal'));

  setHandler(
    approve,
    shown((input) => state.approve(now(), input)),
    {
      description: DESCRIPTIONS.approve,
      validator: (input: ApproveInput) => {
        refuseUnlessValid('approve', input);
        const { awaitingApproval } = state.snapshot;
        const { requestId } = input;
        refuseUnless(awaitingApproval !== null, 'Nothing waits for approval.');
        const waiting = awaitingApproval?.requests.map((request) => request.requestId) ?? [];
        refuseUnless(
          requestId === undefined || waiting.includes(requestId),
          `No request ${String(requestId)} waits for approval; these do: ${waiting.join(', ')}.`,
        );
      },
    },
  );
  setHandler(
    pause,
    shown((input) => (state.pause(now(), input), state.snapshot)),
    {
      description: DESCRIPTIONS.pause,
      validator: (input: Steering) => {
        refuseUnlessValid('pause', input);
        refuseUnless(
          state.snapshot.paused === null,
          `${state.snapshot.paused?.by} paused it already, at ${state.snapshot.paused?.at}.`,
        );
      },
    },
  );
  setHandler(
    resume,
    shown((input) => (state.resume(now(), input), state.snapshot)),
    {
      description: DESCRIPTIONS.resume,
      validator: (input: Steering) => {
        refuseUnlessValid('resume', input);
        refuseUnless(state.snapshot.paused !== null, 'It is not paused.');
      },
    },
  );
  setHandler(promote, (input) => moveChampion('promote', input), {
    description: DESCRIPTIONS.promote,
    validator: (input: MoveChampion) => {
      refuseUnlessValid('promote', input);
      const { champion } = state.snapshot;
      const isChampion =
        input.model &&
        'version' in input.model &&
        input.model.version === champion?.version &&
        input.model.algorithm === champion?.algorithm;
      refuseUnless(!isChampion, `${champion?.algorithm} ${champion?.version} is champion already.`);
    },
  });
  setHandler(rollback, (input) => moveChampion('rollback', input), {
    description: DESCRIPTIONS.rollback,
    validator: (input: MoveChampion) => refuseUnlessValid('rollback', input),
  });

  async function moveChampion(
    move: MoveChampionInput['move'],
    { by, reason = 'asked of the steward', model }: MoveChampion,
  ): Promise<MovedAlias> {
    try {
      // The update's id makes the move its own: an activity that is tried again gets the same answer.
      const run = { ...stage.run, runId: `${stage.run.runId}/${currentUpdateInfo()?.id}` };
      const moved = await CancellationScope.nonCancellable(() =>
        activities.moveChampion({ ...stage, run, move, model, by, reason }),
      );
      state.moved(now(), moved, by);
      showDetails(state);
      return moved;
    } catch (error) {
      const { reason, type } = failureOf(error);
      throw ApplicationFailure.nonRetryable(reason, type);
    }
  }
}

async function handleNews(state: StewardState, stage: StageInput): Promise<void> {
  if (state.deployed.length > 0) await raiseAlerts(() => state.deployed.splice(0));
  if (state.championUnsure) {
    state.knowChampion(now(), await activities.readChampion(stage));
    showDetails(state);
  }
  while (state.processed.length > 0) {
    const [run] = state.processed;
    const { partitions, enough } = await activities.checkNewData(stage);
    if (enough && run) {
      state.note(now(), `${countOf(partitions.length, 'partition')} that no training has seen`);
      state.hasNewData(now(), run);
    }
    state.processed.shift();
  }
  if (state.hasRequests) state.decide(now(), await activities.readStewardPolicy(stage));
}

/**
 * Starts a run on its own. It is abandoned to itself because this workflow's run ends, by continuing as new, while a
 * training may go on for hours: Temporal would hand its close policy to the children, and the next run could not wait
 * for their results. So nobody waits for a child's result: every run tells the steward how it ended by the signal
 * `runEnded`, which finds whichever run of the steward is current; and the resync finds those that ended without telling.
 */
async function launch(
  pipeline: string,
  { phase, workflowId, asOf, because }: Start,
  state: StewardState,
): Promise<void> {
  const input = { pipeline, asOf, reason: because, triggeredBy: stewardIdOf(pipeline) };
  const options = {
    workflowId,
    args: [input] as [typeof input],
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: clipped(`${pipeline} ${phase}: ${because}`, SUMMARY_BYTES),
  };
  try {
    if (phase === 'training') await startChild(modelTraining, options);
    else if (phase === 'inference') await startChild(modelInference, options);
    else await startChild(modelMonitoring, options);
  } catch (error) {
    // An earlier steward of this pipeline started it: its end is this one's news as well.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    state.note(now(), `${workflowId} runs already`);
  }
}

/** Waits for news, or for the end of a cooldown. False where neither came in the interval of a resync. */
async function waitForNews(state: StewardState, isFull: () => boolean, resyncMs: number): Promise<boolean> {
  const moment = state.nextMoment();
  const untilDue = moment ? Math.max(1, moment.getTime() - Date.now()) : Infinity;
  const wake = () => state.hasNews || state.isDue(now()) || isFull();
  return (
    (await condition(wake, Math.min(untilDue, resyncMs), {
      summary: untilDue < resyncMs ? 'Cooldown' : 'Until the next resync',
    })) || untilDue <= resyncMs
  );
}

/** Finds what nobody tells the steward: runs that died, a champion that was moved past it, inference that never starts. */
async function resync(state: StewardState): Promise<void> {
  for (const phase of ['training', 'inference', 'monitoring'] as const) {
    const run = state.snapshot.inFlight[phase];
    if (!run) continue;
    const { open, status } = await activities.describeRun(run.workflowId);
    // A run tells its end before it ends, so what was not heard by now never will be.
    if (!open && state.snapshot.inFlight[phase]?.workflowId === run.workflowId)
      state.lost(now(), phase, run.workflowId, status);
  }
  state.championUnsure = true;
  showDetails(state);
  await raiseAlerts(async () => (await activities.checkDueInference(state.snapshot.pipeline)) ?? []);
}

function stageInput(pipeline: string): StageInput {
  const { workflowId, runId, runStartTime } = workflowInfo();
  return { pipeline, run: { workflowId, runId, startedAt: runStartTime.toISOString() } };
}

function showDetails({ snapshot }: StewardState): void {
  setCurrentDetails(describeSnapshot(snapshot));
}

function describeSnapshot({ paused, heldUp, champion, asked, awaitingApproval, inFlight }: StewardSnapshot): string {
  const facts = [
    `champion ${champion ? `${champion.algorithm} ${champion.version}` : 'none'}`,
    heldUp && `held up since ${heldUp.since}: ${heldUp.reason}`,
    paused && `paused by ${paused.by}`,
    asked && `${asked.count} asked`,
    awaitingApproval && `${awaitingApproval.count} waiting for approval`,
    ...Object.entries(inFlight).map(([phase, run]) => `${phase} in flight: ${run.workflowId}`),
  ];
  return facts.filter(Boolean).join('; ');
}

function now(): Date {
  return new Date();
}
