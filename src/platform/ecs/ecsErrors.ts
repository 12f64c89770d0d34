import type { Failure } from '@aws-sdk/client-ecs';
import { PerdureError, messageOf } from '../../errors.js';

/** What a failed call of ECS means for who made it. */
export type CallFailure =
  /** Too many calls: later, and less often. */
  | 'throttled'
  /** Nobody can say whether the call did its work: no answer, or the server's own fault. */
  | 'ambiguous'
  /** The client token stands for another request. */
  | 'conflict'
  /** The call will be refused again. */
  | 'refused';

const THROTTLING: ReadonlySet<string> = new Set([
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'LimitExceededException',
]);

export function callFailure(error: unknown): CallFailure {
  const { name, message } = error as Error;
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  // ECS has told of throttling inside Fargate by an InvalidParameterException.
  if (THROTTLING.has(name) || status === 429 || /throttl|rate exceeded|limit on the number of tasks/i.test(message))
    return 'throttled';
  if (name === 'ConflictException') return 'conflict';
  if (status === undefined || status >= 500) return isOfThisProcess(error) ? 'refused' : 'ambiguous';
  return 'refused';
}

/** Credentials and region are looked for before anything is sent. */
function isOfThisProcess(error: unknown): boolean {
  const { name, message } = error as Error;
  return name === 'CredentialsProviderError' || name === 'TokenProviderError' || message === 'Region is missing';
}

/** Whether StopTask or another call answered that ECS doesn't know the task. */
export function isTaskUnknown(error: unknown): boolean {
  const { name, message } = error as Error;
  return name === 'InvalidParameterException' && /task was not found/i.test(message);
}

export function computeUnavailable(error: unknown): PerdureError {
  return new PerdureError(
    'ComputeUnavailable',
    `ECS can't be reached (${said(error)}); see that its endpoint and the network of this worker are up.`,
    { cause: error },
  );
}

/** An error's name and words, without a full stop. */
export function said(error: unknown): string {
  const message = messageOf(error).replace(/\.$/, '');
  return error instanceof Error && error.name !== 'Error' && message
    ? `${error.name}: ${message}`
    : message || (error as Error).name;
}

/** Whether RunTask answered that there is no room. */
export function isShortage(failures: Failure[]): boolean {
  return failures.some(
    ({ reason = '', detail = '' }) => /^RESOURCE:|^AGENT$|capacity/i.test(reason) || /capacity/i.test(detail),
  );
}

/** Why RunTask launched nothing, in its own words. */
export function reasonOf(failures: Failure[]): string {
  return (
    failures.map(({ reason, detail }) => [reason, detail].filter(Boolean).join(', ')).join('; ') ||
    'ECS launched nothing and gave no reason'
  );
}
