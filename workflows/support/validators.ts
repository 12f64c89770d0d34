import { ApplicationFailure } from '@temporalio/workflow';
import { MODEL } from './input.js';

/** Refuses an update, for whoever asked to read. For validators, which Temporal wants synchronous. */
export function refuseUnless(holds: boolean, reason: string): void {
  if (!holds) throw ApplicationFailure.nonRetryable(reason, 'Refused');
}

/** Whoever steers gives a name. */
export function refuseUnlessSigned(input: { by: string; reason?: string }): void {
  refuseUnless(typeof input?.by === 'string' && input.by !== '', 'Say who asks: {"by": ...}.');
  refuseUnless(input.reason === undefined || typeof input.reason === 'string', '"reason" is not text.');
}

/** Where a model is named, it is named in full. */
export function refuseUnlessModel(model: unknown): void {
  refuseUnless(model === undefined || MODEL.holds(model), `"model" is ${JSON.stringify(model)}, expected ${MODEL.expected}.`);
}
