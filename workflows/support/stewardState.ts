import {
  clipped,
  inShort,
  RETRAIN_CAUSES,
  stewardIdOf,
  utf8Bytes,
  type Approved,
  type ApproveInput,
  type AskedRetrain,
  type DriftReport,
  type ModelDeployed,
  type MovedAlias,
  type ReadChampion,
  type RetrainCause,
  type RetrainRequest,
  type RunEnded,
  type Steering,
  type StewardCarried,
  type StewardedPhase,
  type StewardEvent,
  type StewardPolicy,
  type StewardSnapshot,
} from '../../src/contracts/index.js';
import { faultOf } from './messages.js';

/** Requests that are named in full; the rest are counted. */
const NAMED_REQUESTS = 20;
/** Enough to tell a repeated signal from a new one, and small enough to carry on. */
const SEEN_IDS = 1_000;
const SEEN_BYTES = 100_000;
/** What waits to be looked into, of a kind; more than this only comes where the config can't be read, and is refused. */
const WAITING = 20;
/** Requests that wait to be looked into, as JSON: hundreds of usual ones, and no more than a payload can carry along. */
const WAITING_REQUESTS_BYTES = 50_000;
/** Events kept: what a person reads back on, a few weeks of a busy pipeline. */
const HISTORY = 200;
/** Of them, those of messages that were ignored: a flood of them must not push out the rest. */
const HISTORY_OF_IGNORED = 50;
const EVENT_BYTES = 500;
/** Of a request that is carried along. */
const TRIGGERED_BY_BYTES = 200;
const HOUR_MS = 3_600_000;
const LONGEST_COOLDOWN_HOURS = 24 * 366;

const IGNORED = 'ignored ';

/** Something that is to be started now. */
export interface Start {
  phase: StewardedPhase;
  workflowId: string;
  asOf?: string;
  because: string;
}

/**
 * What a steward knows, and what follows from what it is told. Knows nothing of Temporal: time is handed in, and
 * whatever is to be done is given back.
 */
export class StewardState {
  readonly snapshot: StewardSnapshot;
  readonly history: StewardEvent[];
  /** Since this run began. */
  signals = 0;
  /** Whether the registry is to be asked again who is champion. */
  championUnsure = true;
  /** Ended processing runs whose data nobody has looked at. */
  readonly processed: RunEnded[];
  /** Moves of the champion that nobody has been told of. */
  readonly deployed: ModelDeployed[];
  private readonly seen: Set<string>;
  private seenBytes: number;
  private readonly inbox: RetrainRequest[];

  constructor(pipeline: string, carried?: StewardCarried) {
    const fresh: StewardSnapshot = {
      pipeline,
      champion: null,
      paused: null,
      heldUp: null,
      asked: null,
      awaitingApproval: null,
      inFlight: {},
      due: {},
      cooldownUntil: null,
      cooldownHours: 0,
      counts: { signals: 0, duplicates: 0, ignored: 0, runs: 0, trainings: 0 },
    };
    // An earlier version of this workflow may have carried less.
    this.snapshot = {
      ...fresh,
      ...carried?.snapshot,
      pipeline,
      counts: { ...fresh.counts, ...carried?.snapshot.counts },
    };
    this.history = carried?.history ?? [];
    this.seen = new Set(carried?.seen);
    this.seenBytes = utf8Bytes([...this.seen].join(''));
    this.inbox = carried?.inbox ?? [];
    this.processed = carried?.processed ?? [];
    this.deployed = carried?.deployed ?? [];
  }

  get carried(): StewardCarried {
    const { snapshot, history, seen, inbox, processed, deployed } = this;
    return { snapshot, history, seen: [...seen], inbox, processed, deployed };
  }

  /** Whether something was told that has not been looked into. */
  get hasNews(): boolean {
    return this.inbox.length > 0 || this.processed.length > 0 || this.deployed.length > 0 || this.championUnsure;
  }

  get hasRequests(): boolean {
    return this.inbox.length > 0;
  }

  note(at: Date, what: string): void {
    this.history.push({ at: at.toISOString(), what: clipped(what, EVENT_BYTES).replace(/\s+/g, ' ') });
    const ignored = this.history.filter((event) => event.what.startsWith(IGNORED));
    if (ignored.length > HISTORY_OF_IGNORED) this.history.splice(this.history.indexOf(ignored[0]!), 1);
    this.history.splice(0, this.history.length - HISTORY);
  }

  /** A message that is not what it should be changes nothing, and people can see that it came. */
  ignored(at: Date, signal: string, why: string): void {
    this.received();
    this.snapshot.counts.ignored += 1;
    this.note(at, `${IGNORED}the signal ${inShort(signal)}: ${why}`);
  }

  /** Somebody asks for a retraining; who asks twice under one id is heard once. */
  requested(at: Date, request: RetrainRequest): void {
    const fault = faultOf('requestRetrain', request);
    if (fault) return this.ignored(at, 'requestRetrain', fault);
    this.received();
    this.ask(at, request);
  }

  /** Monitoring found drift. Its report is told once per severity, so that an escalation is heard. */
  drifted(at: Date, report: DriftReport): void {
    const fault = faultOf('driftDetected', report);
    if (fault) return this.ignored(at, 'driftDetected', fault);
    this.received();
    const reason = report.severity === 'severe' ? 'severe_drift' : 'drift';
    this.ask(at, { reason, triggeredBy: 'monitoring', requestId: `${reason}:${report.report}`, asOf: report.asOf });
  }

  /** Enough new data came in to train with. */
  hasNewData(at: Date, { runId: requestId, workflowId, asOf }: RunEnded): void {
    this.ask(at, { reason: 'new_data', triggeredBy: workflowId, requestId, asOf });
  }

  private ask(at: Date, request: RetrainRequest): void {
    if (this.seen.has(request.requestId)) {
      this.snapshot.counts.duplicates += 1;
      return;
    }
    const kept = { ...request, triggeredBy: request.triggeredBy && clipped(request.triggeredBy, TRIGGERED_BY_BYTES) };
    if (utf8Bytes(JSON.stringify([...this.inbox, kept])) > WAITING_REQUESTS_BYTES) {
      this.snapshot.counts.ignored += 1;
      this.note(
        at,
        `${IGNORED}the request ${clipped(request.requestId, 100)}: ${this.inbox.length} wait to be looked into already`,
      );
    } else {
      this.remember(request.requestId);
      this.inbox.push(kept);
    }
  }

  /** A workflow of the pipeline has ended: what follows from it is due. */
  ended(at: Date, run: RunEnded): void {
    const fault = faultOf('runEnded', run);
    if (fault) return this.ignored(at, 'runEnded', fault);
    this.received();
    const { phase, outcome, asOf } = run;
    this.note(at, `${phase} ${outcome}: ${run.workflowId}${run.summary ? `, ${run.summary}` : ''}`);
    if (phase === 'lifecycle') {
      this.championUnsure = true;
    } else if (phase === 'processing') {
      // Whether there is enough new data is asked of the store, so the newest runs stand for those before.
      if (outcome === 'completed') this.processed.push({ ...run, summary: undefined });
      this.processed.splice(0, this.processed.length - WAITING);
    } else if (run.busyWith) {
      this.wait(at, run.workflowId, run.busyWith);
    } else {
      this.runClosed(at, phase, run.workflowId, outcome === 'skipped');
      if (phase === 'training' && run.newChampion) this.championChanged(asOf);
      if (phase === 'inference' && outcome === 'completed')
        this.snapshot.due.monitoring = { asOf, because: 'new predictions' };
    }
  }

  /** A run has ended that told nothing. */
  lost(at: Date, phase: StewardedPhase, workflowId: string, status: string): void {
    this.note(at, `${phase} ended as ${status} without telling: ${workflowId}`);
    this.runClosed(at, phase, workflowId, false);
  }

  /** There is a new champion: rows that nobody has predicted yet are due. */
  championChanged(asOf?: string): void {
    this.championUnsure = true;
    this.snapshot.due.inference = { asOf, because: 'a new champion' };
  }

  /** A person has moved the champion by way of this steward. */
  moved(at: Date, { model, previous, reason }: MovedAlias, by: string): void {
    this.note(at, `champion moved to ${model.algorithm} ${model.version} by ${by}: ${reason}`);
    this.snapshot.champion = model;
    this.deployed.push({
      condition: 'model_deployed',
      pipeline: this.snapshot.pipeline,
      at: at.toISOString(),
      model,
      previous,
      by,
      reason,
    });
    this.deployed.splice(0, this.deployed.length - WAITING);
    this.championChanged();
  }

  /** Who is champion. Where a person moved it past this steward, what follows from a new champion is due as well. */
  knowChampion(at: Date, champion: ReadChampion | null): void {
    const before = this.snapshot.champion;
    this.snapshot.champion = champion && { algorithm: champion.algorithm, version: champion.version };
    if (champion && (champion.algorithm !== before?.algorithm || champion.version !== before.version)) {
      this.note(
        at,
        `champion is ${champion.algorithm} ${champion.version}${champion.person ? `, by ${champion.person}` : ''}`,
      );
      if (champion.person) this.championChanged();
    }
    this.championUnsure = false;
  }

  /** Something stands in the way of everything else. */
  holdUp(at: Date, reason: string): void {
    const told = clipped(reason, EVENT_BYTES);
    if (this.snapshot.heldUp?.reason !== told) this.note(at, `held up: ${reason}`);
    this.snapshot.heldUp = { since: this.snapshot.heldUp?.since ?? at.toISOString(), reason: told };
  }

  goOn(at: Date): void {
    if (this.snapshot.heldUp) this.note(at, 'no longer held up');
    this.snapshot.heldUp = null;
  }

  /** Decides of everything that was asked: train, wait for approval, or note only. */
  decide(at: Date, policy: StewardPolicy): void {
    this.snapshot.cooldownHours = Math.min(policy.cooldownHours, LONGEST_COOLDOWN_HOURS);
    for (const request of this.inbox.splice(0)) {
      const mode = isCause(request.reason) ? policy.retrain[request.reason] : 'auto';
      if (mode === 'auto') this.snapshot.asked = joined(at, this.snapshot.asked, request);
      else if (mode === 'approve') this.snapshot.awaitingApproval = joined(at, this.snapshot.awaitingApproval, request);
      this.note(at, `retrain asked (${request.reason}, by ${request.triggeredBy ?? 'somebody'}): ${OUTCOMES[mode]}`);
    }
  }

  /** Lets what waits for approval be trained, or strikes it off: all of it, or one request. */
  approve(at: Date, { by, reason, approved = true, requestId }: ApproveInput): Approved {
    const [meant, rest] = parted(this.snapshot.awaitingApproval, requestId);
    this.snapshot.awaitingApproval = rest;
    if (meant && approved) this.snapshot.asked = joinedAll(meant, this.snapshot.asked);
    const which = requestId ? ` (${requestId})` : '';
    this.note(at, `retrain ${approved ? 'approved' : 'declined'} by ${by}${which}${reason ? `: ${reason}` : ''}`);
    const earliest = [this.snapshot.cooldownUntil ?? '', at.toISOString()].sort()[1]!;
    return { approved, requests: meant?.count ?? 0, startsAt: approved && !this.snapshot.paused ? earliest : null };
  }

  pause(at: Date, steering: Steering): void {
    this.snapshot.paused = { ...steering, at: at.toISOString() };
    this.note(at, `paused by ${steering.by}${steering.reason ? `: ${steering.reason}` : ''}`);
  }

  resume(at: Date, { by, reason }: Steering): void {
    this.snapshot.paused = null;
    this.note(at, `resumed by ${by}${reason ? `: ${reason}` : ''}`);
  }

  /**
   * What is to be started now, marked as in flight. A training answers all that was asked until it starts, what waits
   * for approval included; what is asked while it is in flight gets one more.
   */
  takeDue(at: Date): Start[] {
    const { snapshot } = this;
    if (snapshot.paused) return [];
    const starts: Start[] = [];
    if (snapshot.asked && !snapshot.inFlight.training && !this.cooling(at)) {
      const answers = joinedAll(snapshot.asked, snapshot.awaitingApproval);
      const { requests, count } = answers;
      snapshot.asked = null;
      snapshot.awaitingApproval = null;
      snapshot.counts.trainings += 1;
      const reasons = clipped([...new Set(requests.map(({ reason }) => reason))].join(', '), 200);
      starts.push(this.launch(at, 'training', `${reasons} (${count} asked)`, newest(requests)));
      snapshot.inFlight.training = { ...snapshot.inFlight.training!, answers };
    }
    for (const phase of ['inference', 'monitoring'] as const) {
      const due = snapshot.due[phase];
      if (!due || snapshot.inFlight[phase]) continue;
      delete snapshot.due[phase];
      starts.push(this.launch(at, phase, due.because, due.asOf));
    }
    return starts;
  }

  /** When time alone makes something due; `undefined` where only news can. */
  nextMoment(): Date | undefined {
    const { asked, paused, inFlight, cooldownUntil } = this.snapshot;
    return asked && !paused && !inFlight.training && cooldownUntil ? new Date(cooldownUntil) : undefined;
  }

  /** Whether there is something to start at `at`. */
  isDue(at: Date): boolean {
    const { asked, paused, inFlight, due } = this.snapshot;
    if (paused) return false;
    const training = asked && !inFlight.training && !this.cooling(at);
    return Boolean(training || (due.inference && !inFlight.inference) || (due.monitoring && !inFlight.monitoring));
  }

  private received(): void {
    this.signals += 1;
    this.snapshot.counts.signals += 1;
  }

  private remember(id: string): void {
    this.seen.add(id);
    this.seenBytes += utf8Bytes(id);
    for (const oldest of this.seen) {
      if (this.seen.size <= SEEN_IDS && this.seenBytes <= SEEN_BYTES) break;
      this.seen.delete(oldest);
      this.seenBytes -= utf8Bytes(oldest);
    }
  }

  private cooling(at: Date): boolean {
    const { cooldownUntil } = this.snapshot;
    return cooldownUntil !== null && at < new Date(cooldownUntil);
  }

  private launch(at: Date, phase: StewardedPhase, because: string, asOf?: string): Start {
    this.snapshot.counts.runs += 1;
    const workflowId = `${stewardIdOf(this.snapshot.pipeline)}-${phase}-${this.snapshot.counts.runs}`;
    this.snapshot.inFlight[phase] = { workflowId, startedAt: at.toISOString() };
    this.note(at, `${phase} started because of ${because}: ${workflowId}`);
    return { phase, workflowId, asOf, because };
  }

  /** A training found another at work: what it was to answer is asked again, for when that one is over. */
  private wait(at: Date, workflowId: string, busyWith: string): void {
    const { training } = this.snapshot.inFlight;
    if (training?.workflowId !== workflowId) return;
    if (training.answers) this.snapshot.asked = joinedAll(training.answers, this.snapshot.asked);
    this.snapshot.inFlight.training = { workflowId: busyWith, startedAt: at.toISOString() };
  }

  /** A run is over; a training that did its work, well or not, is followed by the cooldown. */
  private runClosed(at: Date, phase: StewardedPhase, workflowId: string, skipped: boolean): void {
    if (phase === 'training' && !skipped) {
      this.championUnsure = true;
      this.snapshot.cooldownUntil = new Date(at.getTime() + this.snapshot.cooldownHours * HOUR_MS).toISOString();
    }
    if (this.snapshot.inFlight[phase]?.workflowId === workflowId) delete this.snapshot.inFlight[phase];
  }
}

const OUTCOMES = {
  auto: 'to be trained',
  approve: 'waits for approval',
  off: 'not trained, as the config says',
} as const;

function joined(at: Date, asked: AskedRetrain | null, request: RetrainRequest): AskedRetrain {
  return joinedAll(asked ?? { since: at.toISOString(), count: 0, requests: [] }, {
    since: at.toISOString(),
    count: 1,
    requests: [request],
  });
}

function joinedAll(one: AskedRetrain, other: AskedRetrain | null): AskedRetrain {
  if (!other) return one;
  return {
    since: one.since < other.since ? one.since : other.since,
    count: one.count + other.count,
    requests: [...one.requests, ...other.requests].slice(-NAMED_REQUESTS),
  };
}

/** What is meant by a request's id, everything without one, and the rest. */
function parted(
  waiting: AskedRetrain | null,
  requestId?: string,
): [meant: AskedRetrain | null, rest: AskedRetrain | null] {
  if (!waiting || requestId === undefined) return [waiting, null];
  const meant = waiting.requests.filter((request) => request.requestId === requestId);
  const count = waiting.count - meant.length;
  const rest = { ...waiting, count, requests: waiting.requests.filter((request) => !meant.includes(request)) };
  return [{ ...waiting, count: meant.length, requests: meant }, count > 0 ? rest : null];
}

/** The latest moment that one of the requests asks for; none where one asks for now. */
function newest(requests: RetrainRequest[]): string | undefined {
  const moments = requests.map(({ asOf }) => asOf);
  return moments.every((moment) => moment !== undefined)
    ? moments.sort((a, b) => Date.parse(a) - Date.parse(b)).at(-1)
    : undefined;
}

function isCause(reason: string): reason is RetrainCause {
  return (RETRAIN_CAUSES as readonly string[]).includes(reason);
}
