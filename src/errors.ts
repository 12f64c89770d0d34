/** The ways in which a task ends otherwise than well, by name. */
export type TaskEndKind =
  /** No room for the task, at any capacity provider, for as long as the config waits. */
  | 'NoCapacity'
  /** ECS refuses the launch: permissions, a name that nothing answers to, a parameter. */
  | 'LaunchRefused'
  /** The same client token with other parameters: a defect of Perdure. */
  | 'LaunchConflict'
  /** The container never started. */
  | 'StartFailed'
  /** The task was not running when its start deadline was over. */
  | 'StartDeadlineExceeded'
  /** ECS no longer knows the task, and it left no result. */
  | 'TaskLost'
  /** The container, or its task, used more memory than it has. */
  | 'OutOfMemory'
  /** AWS took the Spot capacity back. */
  | 'SpotInterrupted'
  /** The machine under the task went away. */
  | 'HostTerminated'
  /** The container ended without an exit code. */
  | 'InfrastructureFailed'
  /** Somebody stopped the task. */
  | 'TaskStopped'
  /** The container ended with an exit code of its own, and without a result. */
  | 'ContainerFailed'
  /** The container ended well, and left no result. */
  | 'ResultMissing';

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
  /** A stored document was written by a newer release, whose format this one doesn't know. */
  | 'FormatNewer'
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
  /** The native library, program or packages that train an algorithm aren't installed. */
  | 'EngineMissing'
  /** Native code refused its input. */
  | 'EngineFailed'
  /** The promotion gate refused the best model, and the config has the training fail then. */
  | 'PromotionRefused'
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
