import type { AlertFacts, AlertOutcome } from '../../contracts/index.js';
import type { AlertThresholds } from '../../config/alerts.js';
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
  const { status, ...outcome } = await notify(notifier, alert, options);
  return { condition, status, ...('reason' in outcome ? { reason: outcome.reason } : {}) };
}
