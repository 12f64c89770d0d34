import type { AlertLevel } from '../../contracts/index.js';
import type { Alert } from './alert.js';

export type ChannelName = 'pagerduty' | 'slack' | 'email';

/** A way to reach people. */
export interface Channel {
  name: ChannelName;
  /** Texts that must appear in no log, error or outcome. */
  secrets: string[];
  /** One try. Rejects only where the channel itself is at fault; what the other side says comes as an {@link Attempt}. */
  send(alert: Alert, signal: AbortSignal): Promise<Attempt>;
  /** Where the channel keeps open what it was sent: one try to close it. */
  resolve?: (dedupKey: string, signal: AbortSignal) => Promise<Attempt>;
}

/** What came of one try: `refused` would be refused again, `unavailable` may work later. */
export type Attempt =
  | { status: 'delivered' }
  | { status: 'refused'; reason: string }
  | { status: 'unavailable'; reason: string; retryAfterMs?: number };

/** Who tells what: one channel a level. */
export const CHANNEL_OF_LEVEL: Record<AlertLevel, ChannelName> = {
  critical: 'pagerduty',
  warning: 'slack',
  info: 'email',
};

/** What it means and what to do, then every detail, each as a line of text, `name: value`. */
export function detailLines({ level, consequence, command, link, details }: Alert): string[] {
  const facts = { severity: level, consequence, 'what to do': command, ...(link !== null && { link }), ...details };
  return Object.entries(facts).map(([name, value]) => `${name}: ${value ?? 'unknown'}`);
}
