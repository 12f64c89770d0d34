/**
 * The words every workflow, activity and stage shares. Workflows import nothing of `src` but this folder, so what
 * stands here is types and constants, and code that is pure and deterministic.
 */

/** The phases of a pipeline, each a workflow of its own, in the order of a lifecycle. */
export const PHASES = ['processing', 'training', 'inference', 'monitoring'] as const;
export type Phase = (typeof PHASES)[number];

/** Name of the workflow that runs a phase on its own. */
export const WORKFLOW_OF_PHASE = {
  processing: 'dataProcessing',
  training: 'modelTraining',
  inference: 'modelInference',
  monitoring: 'modelMonitoring',
} as const satisfies Record<Phase, string>;

/** What may start by a schedule: the phases, each on its own, and the periods that are over since the last. */
export const SCHEDULED = [...PHASES, 'backfill'] as const;
export type Scheduled = (typeof SCHEDULED)[number];

export const WORKFLOW_OF_SCHEDULE = {
  ...WORKFLOW_OF_PHASE,
  backfill: 'backfill',
} as const satisfies Record<Scheduled, string>;

/** Every workflow that the orchestrator runs. */
export const WORKFLOW_TYPES = [
  'lifecycle',
  'backfill',
  'lifecycleOfPeriod',
  ...Object.values(WORKFLOW_OF_PHASE),
  'trainAlgorithm',
  'inferenceOutage',
  'steward',
] as const;

/** The run that caused a piece of work. Version ids come from it, so a retried write is the same version. */
export interface RunRef {
  workflowId: string;
  runId: string;
  /** ISO 8601 instant at which the run started. */
  startedAt: string;
  /** The configuration that all of the run goes by; absent where stages read the present one. */
  config?: ConfigRef;
}

/** A pipeline's configuration as it stood at one moment, kept in the store. */
export interface ConfigRef extends ObjectRef {
  /** Where it was read from: a folder, or an address in S3. */
  source: string;
}

/** What every stage is told: whose pipeline it works for, and on whose behalf. */
export interface StageInput {
  /** Name of a folder in `conf/pipelines`. */
  pipeline: string;
  run: RunRef;
}

/** What every workflow may be told besides its own settings. */
export interface WorkflowInput {
  /** Name of a folder in `conf/pipelines`. */
  pipeline: string;
  /**
   * The moment the run stands at, as an ISO 8601 date or instant: rows after it don't exist yet.
   * @default the nominal time of the schedule that started the workflow; else its start
   */
  asOf?: string;
  /** Why the run was started, for people who read its history. */
  reason?: string;
  /** Who or what started it. */
  triggeredBy?: string;
  /**
   * The configuration that the run goes by, as an earlier run had it.
   * @default the present one, at the run's start
   */
  config?: ConfigRef;
}

/** A true absence: nothing to do, with the reason in a sentence. Not an error. */
export interface Skipped {
  status: 'skipped';
  reason: string;
}

/** A piece of work that ended in an error, told in a sentence with what to do. */
export interface Failed {
  status: 'failed';
  /** The error's type, e.g. `EngineCrashed`. */
  type: string;
  reason: string;
}

/** A stored object by reference: payloads never carry rows. */
export interface ObjectRef {
  /** `file://` or `s3://` address. */
  uri: string;
  /** SHA-256 of the bytes, hexadecimal. */
  checksum: string;
}

/** The page of a run that people look at, or why there is none: that stops no run. */
export type WrittenPage = { uri: string } | { not_written: string };

/** What a running stage tells whoever waits: `done` of `total` units of `what`. */
export interface Progress {
  what: string;
  done: number;
  total: number;
}

/** Whether a value is an object of named fields, as those of JSON. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
