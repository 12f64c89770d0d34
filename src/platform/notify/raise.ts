import type { AlertFacts, AlertOutcome } from '../../contracts/index.js';
import type { AlertThresholds } from '../../config/alerts.js';
import type { Alert } from './alert.js';
import { alertFor, isOver } from './conditions.js';
import { notify, resolveOpen, type Notifier, type NotifyOptions } from './notify.js';

/** Tells people of facts where they call for it, and ends what was told before where they say that it is over. Never rejects. */
export async function raise(
  facts: AlertFacts,
  thresholds: AlertThresholds,
  notifier: Notifier,
  options: NotifyOptions,
): Promise<AlertOutcome> {
  const { condition, pipeline } = facts;
  const { signal = new AbortController().signal } = options;
  const closed = isOver(facts, thresholds) ? await resolveOpen(notifier, pipeline, condition, signal) : 0;
  const alert = alertFor(facts, thresholds, notifier.webUi);
  if (!alert) return { condition, status: closed > 0 ? 'resolved' : 'uncalled' };
  const outcomes = [await notify(notifier, alert, options)];
  if (thresholds.email.includes(condition) && outcomes[0]!.channel !== 'email')
    outcomes.push(await notify(notifier, byEmail(alert), { ...options, channel: 'email' }));
  // What could not be sent counts, then what was.
  const told =
    outcomes.find(({ status }) => status === 'failed') ??
    outcomes.find(({ status }) => status === 'sent') ??
    outcomes[0]!;
  return { condition, status: told.status, ...('reason' in told ? { reason: told.reason } : {}) };
}

/** The same alert as one of its own, so that each channel is told once. */
function byEmail(alert: Alert): Alert {
  return { ...alert, dedupKey: `${alert.dedupKey}/email` };
}
