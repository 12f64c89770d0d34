import {
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
} from '@temporalio/client';
import { stewardIdOf, type Steering } from '../contracts/index.js';
import { messageOf, PerdureError } from '../errors.js';
import { openServed } from './session.js';

/** How long a steward may take to answer: it reads some small documents at most. */
const PATIENCE_MS = 60_000;

/** Asks a pipeline's steward something by an update; `undefined` where there is no server that serves one, or no steward. */
export async function askSteward<Result>(
  pipeline: string,
  update: string,
  input: Steering,
): Promise<Result | undefined> {
  const session = await openServed();
  try {
    return session && (await steer<Result>(session.client, pipeline, update, input));
  } catch (error) {
    if (error instanceof PerdureError && error.type === 'NotFound' && error.cause instanceof WorkflowNotFoundError)
      return undefined;
    throw error;
  } finally {
    await session?.close();
  }
}

/** Asks the steward for something that it answers. */
export async function steer<Result>(
  client: Client,
  pipeline: string,
  update: string,
  input: Steering,
): Promise<Result> {
  const handle = client.workflow.getHandle(stewardIdOf(pipeline));
  return heard(pipeline, client, () => handle.executeUpdate<Result, [Steering]>(update, { args: [input] }));
}

/**
 * Waits for a steward's answer, for a minute.
 * @throws PerdureError `NotFound` where there is no steward, `InputInvalid` where it refuses, `TemporalUnavailable`
 * where no worker answers for it
 */
export async function heard<Result>(
  pipeline: string,
  client: Client,
  question: () => Promise<Result>,
): Promise<Result> {
  try {
    return await client.withDeadline(Date.now() + PATIENCE_MS, question);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) {
      throw new PerdureError(
        'NotFound',
        `${pipeline} has no steward; "perdure steward start ${pipeline}" starts one.`,
        { cause: error },
      );
    }
    if (error instanceof WorkflowUpdateFailedError) throw new PerdureError('InputInvalid', messageOf(error.cause));
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
      throw new PerdureError(
        'TemporalUnavailable',
        `The steward of ${pipeline} did not answer within a minute; check that an orchestrator worker runs, and look at "perdure steward state ${pipeline}" before asking again.`,
      );
    }
    throw error;
  }
}
