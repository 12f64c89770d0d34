import { ApplicationFailure } from '@temporalio/workflow';
import { faultOf, type MESSAGES } from './messages.js';

/** Refuses an update, for whoever asked to read. For validators, which Temporal wants synchronous. */
export function refuseUnless(holds: boolean, reason: string): void {
  if (!holds) throw ApplicationFailure.nonRetryable(reason, 'Refused');
}

/** Refuses an update whose input is not what it has to be. */
export function refuseUnlessValid(update: keyof typeof MESSAGES, input: unknown): void {
  const fault = faultOf(update, input);
  refuseUnless(fault === undefined, `The input of ${update} can't be used (${fault}); correct it and ask again.`);
}
