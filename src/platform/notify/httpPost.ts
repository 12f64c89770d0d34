import { messageOf } from '../../errors.js';
import type { Attempt } from './channel.js';

/** Characters of an answer's body that are worth repeating. */
const ANSWER_LENGTH = 200;

/** Posts JSON once. 2xx is delivered; 408, 429, 5xx and no answer at all may work later; all else is final. */
export async function postJson(url: string, body: unknown, signal: AbortSignal): Promise<Attempt> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      // A redirect could carry the secrets in the body elsewhere.
      redirect: 'manual',
      signal,
    });
    const answer = (await response.text()).trim().slice(0, ANSWER_LENGTH);
    if (response.ok) return { status: 'delivered' };
    const reason = `HTTP ${response.status}${answer && ` (${answer})`}`;
    if (![408, 429].includes(response.status) && response.status < 500) return { status: 'refused', reason };
    return { status: 'unavailable', reason, retryAfterMs: retryAfterMs(response.headers.get('retry-after')) };
  } catch (error) {
    return { status: 'unavailable', reason: reasonOf(error) };
  }
}

/** The wait that a `Retry-After` header asks for, in seconds or until a date (RFC 9110, 10.2.3). */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** `fetch failed` alone says nothing: what failed is its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? messageOf(cause) : messageOf(error);
}
