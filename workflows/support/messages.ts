import type {
  ApproveInput,
  DriftReport,
  MoveChampion,
  RetrainRequest,
  RunEnded,
  Steering,
} from '../../src/contracts/index.js';
import {
  A_NAME,
  DAY,
  FLAG,
  faultsOf,
  listOf,
  MODEL,
  MOMENT,
  nullOr,
  object,
  oneOf,
  OF_PIPELINE,
  PERIOD,
  PERIOD_UNIT,
  recordOf,
  required,
  SOURCE,
  text,
  TEXT,
  wholeNumber,
  type Fields,
  type Kind,
} from './input.js';

/**
 * What the steward's messages hold. Texts are short because the steward carries them along: all that it knows together
 * stays within what one payload may take, whatever it is sent.
 */
const SHORT_TEXT = text(200);
const REQUEST_ID = text(500);
/** The address of a report: shorter than a request's id, which drift is asked under, as that id holds address and severity. */
const REPORT = text(450);

/** The fields of a message that is a `T`: no more and no fewer. */
type FieldsOf<T> = Fields & Record<keyof T, Kind>;

const RETRAIN_REQUEST: FieldsOf<RetrainRequest> = {
  reason: required(SHORT_TEXT),
  requestId: required(REQUEST_ID),
  triggeredBy: TEXT,
  asOf: MOMENT,
};
const DRIFT_REPORT: FieldsOf<DriftReport> = {
  severity: required(oneOf('moderate', 'severe')),
  report: required(REPORT),
  asOf: MOMENT,
};
const RUN_ENDED: FieldsOf<RunEnded> = {
  workflowId: required(TEXT),
  runId: required(SHORT_TEXT),
  phase: required(oneOf('lifecycle', 'processing', 'training', 'inference', 'monitoring')),
  outcome: required(oneOf('completed', 'partial', 'skipped', 'failed')),
  summary: { expected: 'text', holds: (value) => typeof value === 'string' },
  newChampion: FLAG,
  busyWith: TEXT,
  asOf: MOMENT,
};
const STEERING: FieldsOf<Steering> = { by: required(SHORT_TEXT), reason: TEXT };
const APPROVAL: FieldsOf<ApproveInput> = { ...STEERING, approved: FLAG, requestId: REQUEST_ID };
const MOVE: FieldsOf<MoveChampion> = { ...STEERING, model: MODEL };

/** What a message has to be; people are told of fields that nobody reads, runs of another version may know more than this one. */
export const MESSAGES = {
  requestRetrain: { fields: RETRAIN_REQUEST, strict: true },
  driftDetected: { fields: DRIFT_REPORT, strict: false },
  runEnded: { fields: RUN_ENDED, strict: false },
  approve: { fields: APPROVAL, strict: true },
  pause: { fields: STEERING, strict: true },
  resume: { fields: STEERING, strict: true },
  promote: { fields: MOVE, strict: true },
  rollback: { fields: MOVE, strict: true },
} as const satisfies Record<string, { fields: Fields; strict: boolean }>;

/** Why a message can't be used, in a sentence without its end; `undefined` where it can. */
export function faultOf(message: keyof typeof MESSAGES, value: unknown): string | undefined {
  const { fields, strict } = MESSAGES[message];
  return faultsOf(value, fields, strict).join('; ') || undefined;
}

/** What an earlier run carries on. Fields may be absent, as an older version may have carried less. */
const VERSION = object({ algorithm: required(A_NAME), version: required(A_NAME) });
const RUN = object({ workflowId: required(TEXT), startedAt: required(MOMENT), answers: nullOr(asked()) });
const DUE = object({ asOf: MOMENT, because: required(TEXT) });
const COUNT = wholeNumber(0, Number.MAX_SAFE_INTEGER);
const SNAPSHOT = object({
  pipeline: required(A_NAME),
  champion: nullOr(VERSION),
  paused: nullOr(object({ by: required(TEXT), reason: TEXT, at: required(MOMENT) })),
  heldUp: nullOr(
    object({
      since: required(MOMENT),
      reason: required({ expected: 'text', holds: (value) => typeof value === 'string' }),
    }),
  ),
  asked: nullOr(asked()),
  awaitingApproval: nullOr(asked()),
  inFlight: recordOf(oneOf('training', 'inference', 'monitoring'), RUN),
  due: recordOf(oneOf('inference', 'monitoring'), DUE),
  cooldownUntil: nullOr(MOMENT),
  cooldownHours: { expected: 'a number from 0', holds: (value) => typeof value === 'number' && value >= 0 },
  counts: recordOf(TEXT, COUNT),
});
const CARRIED = object({
  snapshot: required(SNAPSHOT),
  history: listOf(
    object({ at: required(MOMENT), what: required({ expected: 'text', holds: (value) => typeof value === 'string' }) }),
    1_000,
  ),
  seen: listOf(TEXT, 10_000),
  inbox: listOf(object(RETRAIN_REQUEST), 1_000),
  processed: listOf(object(RUN_ENDED), 1_000),
  deployed: listOf(
    object({
      condition: required(oneOf('model_deployed')),
      pipeline: required(A_NAME),
      at: required(MOMENT),
      model: required(VERSION),
      previous: nullOr(VERSION),
      by: required(TEXT),
      reason: required(TEXT),
    }),
    1_000,
  ),
});

/** Fields of {@link StewardInput}. */
export const STEWARD_INPUT: Fields = {
  ...OF_PIPELINE,
  carried: CARRIED,
  signalsARun: wholeNumber(1, 100_000),
  resyncSeconds: wholeNumber(1, 86_400),
};

/** Fields of {@link BackfillInput} besides those that every run has. */
export const BACKFILL_INPUT: Fields = {
  from: DAY,
  periods: wholeNumber(1, 100_000),
  by: PERIOD_UNIT,
  againFrom: DAY,
  later: oneOf('redo', 'keep'),
  source: SOURCE,
  labels: SOURCE,
  periodsARun: wholeNumber(1, 10_000),
  carried: object({
    by: required(PERIOD_UNIT),
    first: required(FLAG),
    again: required(FLAG),
    after: nullOr(VERSION),
    ahead: required(listOf(PERIOD, 10_000)),
    state: required(
      object({
        pipeline: required(A_NAME),
        total: required(COUNT),
        done: required(COUNT),
        doneBefore: required(COUNT),
        trained: required(COUNT),
        paused: nullOr(object({ by: required(TEXT), reason: TEXT, at: required(MOMENT) })),
      }),
    ),
  }),
};

function asked(): Kind {
  return object({
    since: required(MOMENT),
    count: required(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
    requests: required(listOf(object(RETRAIN_REQUEST), 1_000)),
  });
}
