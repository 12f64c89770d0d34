import type { ModelDeployed } from './alerts.js';
import type { Phase, Skipped, StageInput } from './common.js';
import type { ModelSelector } from './inference.js';
import type { DriftSeverity } from './monitoring.js';
import type { VersionRef } from './training.js';
import type { Outcome } from './progress.js';

/** What the steward's messages are called. */
export const STEWARD = {
  signals: { requestRetrain: 'requestRetrain', driftDetected: 'driftDetected', runEnded: 'runEnded' },
  updates: { approve: 'approve', promote: 'promote', rollback: 'rollback', pause: 'pause', resume: 'resume' },
  queries: { state: 'state', history: 'history' },
} as const;

/** `churn-steward`: a pipeline has one steward, whose id says so. */
export function stewardIdOf(pipeline: string): string {
  return `${pipeline}-steward`;
}

/** What may ask for a retraining, and has a policy of its own in the config. Whatever else asks is trained at once. */
export const RETRAIN_CAUSES = ['drift', 'severe_drift', 'performance_drop', 'new_data', 'schedule'] as const;
export type RetrainCause = (typeof RETRAIN_CAUSES)[number];

/** `auto` trains, `approve` waits until a person approves, `off` only notes it. */
export type RetrainMode = 'auto' | 'approve' | 'off';

/** When a pipeline is retrained. */
export interface StewardPolicy {
  retrain: Record<RetrainCause, RetrainMode>;
  /** Hours from the end of one training to the start of the next. */
  cooldownHours: number;
}

/** Signal `requestRetrain`. */
export interface RetrainRequest {
  /** A {@link RetrainCause}, or whatever else a person may have in mind. */
  reason: string;
  /** Who or what asks, for people who read the history. */
  triggeredBy?: string;
  /** Of two requests with one id the second is ignored. */
  requestId: string;
  /** The moment that the training stands at. @default when it starts */
  asOf?: string;
}

/** Signal `driftDetected`. */
export interface DriftReport {
  severity: DriftSeverity;
  /** Address of the monitoring report; of two with one address and one severity the second is ignored. */
  report: string;
  asOf?: string;
}

/** Signal `runEnded`: a workflow of the pipeline tells how it went. */
export interface RunEnded {
  workflowId: string;
  runId: string;
  /** `lifecycle` sees to everything itself, and only tells that the champion may be another. */
  phase: Phase | 'lifecycle';
  outcome: Outcome;
  /** A sentence on what came of it, where there is more to say. */
  summary?: string;
  /** Whether a training made a new champion. */
  newChampion?: boolean;
  /** The training that was under way already, where this one left it at that. */
  busyWith?: string;
  /** The moment it stood at, where it was given one. */
  asOf?: string;
}

/** What the steward starts itself. */
export type StewardedPhase = Exclude<Phase, 'processing'>;

/** Who steers, and why. */
export interface Steering {
  by: string;
  reason?: string;
}
export interface ApproveInput extends Steering {
  /** `false` declines. @default true */
  approved?: boolean;
  /** The one request that is meant. @default all that wait */
  requestId?: string;
}
/** Of the updates `promote` and `rollback`. */
export interface MoveChampion extends Steering {
  /** @default the challenger for `promote`, the champion before the present one for `rollback` */
  model?: ModelSelector;
}

/** What came of an approval. */
export interface Approved {
  approved: boolean;
  /** Requests that were approved, which one training answers, or declined. */
  requests: number;
  /**
   * ISO 8601 instant from which the training may start: later than now in a cooldown; `null` while paused, and where
   * the requests were declined.
   */
  startsAt: string | null;
}

/** An alias that was moved. */
export interface MovedAlias {
  alias: string;
  model: VersionRef;
  previous: VersionRef | null;
  at: string;
  reason: string;
}

/** Requests that one training answers. */
export interface AskedRetrain {
  /** ISO 8601 instant of the first. */
  since: string;
  count: number;
  /** The newest, oldest first. */
  requests: RetrainRequest[];
}

/** A run that the steward started, or was told of. */
export interface RunInFlight {
  workflowId: string;
  startedAt: string;
  /** What a training was asked for. */
  answers?: AskedRetrain;
}

/** Query `state`. */
export interface StewardSnapshot {
  pipeline: string;
  champion: VersionRef | null;
  paused: (Steering & { at: string }) | null;
  /** What stands in the way of everything else, such as a config that can't be read; it is tried again by and by. */
  heldUp: { since: string; reason: string } | null;
  /** What is asked and will be trained as soon as nothing is in the way. */
  asked: AskedRetrain | null;
  /** What is asked and waits for {@link STEWARD.updates.approve}. */
  awaitingApproval: AskedRetrain | null;
  inFlight: Partial<Record<StewardedPhase, RunInFlight>>;
  /** What is to be started next, with the moment it stands at. */
  due: Partial<Record<'inference' | 'monitoring', { asOf?: string; because: string }>>;
  /** ISO 8601 instant until which no training starts. */
  cooldownUntil: string | null;
  /** Since the steward first started: signals received, requests that it had seen before, messages that were not what they should be, runs started, trainings among them. */
  counts: { signals: number; duplicates: number; ignored: number; runs: number; trainings: number };
  /** From the end of one training to the start of the next. */
  cooldownHours: number;
}

/** Query `history`: what happened, newest last. */
export interface StewardEvent {
  at: string;
  what: string;
}

export interface StewardInput {
  pipeline: string;
  /** What an earlier run of this workflow passes on; not for people. */
  carried?: StewardCarried;
  /**
   * Signals after which the workflow continues as new, besides when Temporal suggests it.
   * @default 2,000
   */
  signalsARun?: number;
  /**
   * Seconds without news after which it compares what it knows with Temporal and the registry (resync).
   * @default 600
   */
  resyncSeconds?: number;
}

export interface StewardCarried {
  snapshot: StewardSnapshot;
  history: StewardEvent[];
  /** Ids of requests and reports that were seen, oldest first. */
  seen: string[];
  /** Signals that have not been looked into yet. */
  inbox: RetrainRequest[];
  /** Processing runs whose data has not been checked yet. */
  processed: RunEnded[];
  /** Moves of the champion that nobody has been told of. */
  deployed: ModelDeployed[];
}

export interface MoveChampionInput extends StageInput {
  move: 'promote' | 'rollback';
  /** @default the challenger for a promotion, the champion before the present one for a rollback */
  model?: ModelSelector;
  by: string;
  reason: string;
}

/** The champion as the registry has it. */
export interface ReadChampion extends VersionRef {
  /** The person who moved it, where it was no run. */
  person: string | null;
}

/** Whether a run may train, as one at a time may of a pipeline. */
export type TrainingClaim = { status: 'ready' } | TrainingBusy;
/** Another run trains. */
export interface TrainingBusy extends Skipped {
  /** Its workflow id. */
  busyWith: string;
}

/** What gold holds that the newest training has not seen. */
export interface NewData {
  /** Partitions within the days that a training uses, new or changed. */
  partitions: string[];
  /** Whether there are as many as `steward.new_data.min_partitions` asks for. */
  enough: boolean;
}

/** Whether a run is still at work. */
export interface RunStatus {
  open: boolean;
  /** As Temporal calls it: `COMPLETED`, `TERMINATED`, ...; `NOT_FOUND`. */
  status: string;
  /** Type of its workflow; absent where there is none. */
  type?: string;
}

/** A signal to the steward. */
export type StewardMessage =
  | { signal: 'requestRetrain'; message: RetrainRequest }
  | { signal: 'driftDetected'; message: DriftReport }
  | { signal: 'runEnded'; message: RunEnded };
