import { isGrpcServiceError, ServiceError, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  TerminatedFailure,
  TimeoutFailure,
  ValueError,
} from '@temporalio/common';
import { PerdureError, messageOf } from '../errors.js';
import { configuredTarget } from '../platform/temporal/connection.js';
import { damageSince, databasePath, tellsDamage } from '../platform/temporal/serverDatabase.js';
import { Interrupted } from './interruption.js';
import { stateFolder } from './stateFolder.js';

/** A failure as people and scripts are told of it. */
export interface Failure {
  /** An error type of Perdure, or `Cancelled`, `Interrupted`, `Terminated`, `TimedOut`, `Unexpected`. */
  type: string;
  message: string;
}

/** Turns anything thrown into a type and a sentence; a workflow's failure into that of its innermost cause. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof PerdureError) return { type: error.type, message: error.message };
  if (error instanceof WorkflowFailedError) return describeWorkflowFailure(error);
  if (error instanceof WorkflowNotFoundError) return { type: 'NotFound', message: `${error.message}.` };
  if (error instanceof ServiceError || isGrpcServiceError(error)) {
    const why = messageOf(error instanceof ServiceError ? (error.cause ?? error) : error);
    const damage = configuredTarget()
      ? undefined
      : tellsDamage(why)
        ? why
        : damageSince(stateFolder(), new Date(Date.now() - process.uptime() * 1000));
    if (damage) {
      const database = databasePath(stateFolder());
      return {
        type: 'TemporalUnavailable',
        message: `The history of runs in ${database} is damaged (${damage}); move it, with ${database}-wal and ${database}-shm, to another folder and run again: data and models are in the store, and a new history begins.`,
      };
    }
    return {
      type: 'TemporalUnavailable',
      message: `Temporal stopped answering (${why}); check the server and look at the run with "perdure status".`,
    };
  }
  if (error instanceof ValueError && /unknown encoding: binary\/encrypted/i.test(error.message)) {
    return {
      type: 'ConfigInvalid',
      message:
        'What Temporal keeps is encrypted, and this command has no key; set PERDURE_ENCRYPTION_KEY to that of the workers.',
    };
  }
  if (error instanceof Interrupted) return { type: 'Interrupted', message: error.message };
  return { type: 'Unexpected', message: messageOf(error) };
}

/** Temporal wraps a failure at each level; the first below the wrappings is what was told on purpose. */
function describeWorkflowFailure(error: WorkflowFailedError): Failure {
  const chain = causes(error);
  const told = chain.find((cause) => cause instanceof ApplicationFailure);
  if (told) return { type: told.type ?? 'Unexpected', message: told.message };
  const innermost = chain.at(-1);
  if (innermost instanceof CancelledFailure) return { type: 'Cancelled', message: 'The run was cancelled.' };
  if (innermost instanceof TerminatedFailure) return { type: 'Terminated', message: 'The run was terminated.' };
  if (innermost instanceof TimeoutFailure) {
    const step = chain.find((cause) => cause instanceof ActivityFailure)?.activityType ?? 'The run';
    return {
      type: 'TimedOut',
      message: `${step} ran out of time at every attempt (${innermost.timeoutType}); look at the run's history and the workers' logs for why.`,
    };
  }
  return { type: 'Unexpected', message: messageOf(innermost) };
}

function causes(error: Error): Error[] {
  const chain: Error[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) chain.push(cause);
  return chain;
}
