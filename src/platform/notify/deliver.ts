import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../errors.js';
import type { Attempt, Channel } from './channel.js';

export interface RetryPolicy {
  attempts: number;
  /** Milliseconds before the second try; doubled before each one after. */
  firstDelayMs: number;
  /** Milliseconds that one try may take. */
  attemptTimeoutMs: number;
  /** Milliseconds that all tries and waits may take together; a longer `Retry-After` ends them. */
  budgetMs: number;
}

/** 1, 2 and 4 s between tries of at most 10 s: over within a minute, so an activity of 2 minutes has room for it. */
export const RETRY_POLICY: RetryPolicy = {
  attempts: 4,
  firstDelayMs: 1_000,
  attemptTimeoutMs: 10_000,
  budgetMs: 60_000,
};

export type Delivery = { status: 'sent'; attempts: number } | { status: 'failed'; attempts: number; reason: string };

/** Tries to tell a channel something, again where that may help. Never rejects; reasons hold no secret of the channel. */
export async function deliver(
  { secrets }: Pick<Channel, 'secrets'>,
  tryIt: (signal: AbortSignal) => Promise<Attempt>,
  policy: RetryPolicy,
  signal: AbortSignal,
): Promise<Delivery> {
  const started = performance.now();
  let delayMs = policy.firstDelayMs;
  for (let attempts = 1; ; attempts++, delayMs *= 2) {
    const remainingMs = policy.budgetMs - (performance.now() - started);
    const attempt = await tryOnce(tryIt, Math.min(policy.attemptTimeoutMs, remainingMs), signal);
    if (attempt.status === 'delivered') return { status: 'sent', attempts };

    const failed: Delivery = { status: 'failed', attempts, reason: redacted(attempt.reason, secrets) };
    if (attempt.status === 'refused' || attempts === policy.attempts || signal.aborted) return failed;
    const waitMs = Math.max(delayMs, attempt.retryAfterMs ?? 0);
    if (performance.now() - started + waitMs >= policy.budgetMs) return failed;
    try {
      await sleep(waitMs, undefined, { signal });
    } catch {
      return failed;
    }
  }
}

async function tryOnce(
  tryIt: (signal: AbortSignal) => Promise<Attempt>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Attempt> {
  try {
    return await tryIt(AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(timeoutMs))]));
  } catch (error) {
    return { status: 'refused', reason: messageOf(error) };
  }
}

function redacted(text: string, secrets: string[]): string {
  return secrets.filter((secret) => secret.length > 1).reduce((clean, secret) => clean.replaceAll(secret, '***'), text);
}
