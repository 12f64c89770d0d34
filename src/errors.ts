import type { TaskEndKind } from './platform/ecs/taskEnd.js';

/**
 * The ways in which Perdure fails, by name. A message is one sentence that says what is wrong, where, and what to do.
 * `retryable` says whether the same call may succeed later; activities turn it into Temporal's retry decision.
 */
export type ErrorType =
  /** A setting is missing, unknown or of the wrong kind. */
  | 'ConfigInvalid'
  /** Raw data can't be used: absent, torn, short of a column, of the wrong type. */
  | 'InputInvalid'
  /** A name that nothing answers to: pipeline, algorithm, version, alias. */
  | 'NotFound'
  /** A stored object's bytes aren't what was written. */
  | 'ObjectCorrupt'
  /** A conditional write lost against another writer. */
  | 'PreconditionFailed'
  /** An object that is written once is there already, with other bytes. */
  | 'AlreadyExists'
  /** A pointer of the registry was moved by another since it was looked at. */
  | 'PointerMoved'
  /** The store can't be reached or written now. */
  | 'StoreUnavailable'
  /** The store answers and refuses: credentials, permissions, region. */
  | 'StoreRefused'
  /** No space is left where the store or the scratch files lie. */
  | 'StoreFull'
  /** A native library isn't installed. */
  | 'EngineMissing'
  /** Native code refused its input. */
  | 'EngineFailed'
  /** The process that runs native code died: a crash, or killed for its memory. */
  | 'EngineCrashed'
  /** ECS can't be reached now. */
  | 'ComputeUnavailable'
  /** A task of ECS ended otherwise than well. */
  | TaskEndKind
  /** No Temporal server answers. */
  | 'TemporalUnavailable'
  /** A worker process doesn't start, or dies again and again. */
  | 'WorkerFailed'
  /** A set-up step couldn't be done. */
  | 'SetupFailed';

const RETRYABLE: ReadonlySet<ErrorType> = new Set([
  'PreconditionFailed',
  'StoreUnavailable',
  'EngineCrashed',
  'ComputeUnavailable',
  'TemporalUnavailable',
]);

export class PerdureError extends Error {
  readonly retryable: boolean;

  constructor(
    readonly type: ErrorType,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = type;
    this.retryable = RETRYABLE.has(type);
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Node's `code` of a system error (`ENOENT`, `ENOSPC`), where it has one. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
