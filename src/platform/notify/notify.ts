import type { Logger } from '@temporalio/common';
import type { AlertCondition } from '../../contracts/index.js';
import { messageOf } from '../../errors.js';
import type { WebUi } from './advice.js';
import type { Alert } from './alert.js';
import type { AlertLog } from './alertLog.js';
import { CHANNEL_OF_LEVEL, type ChannelName } from './channel.js';
import { RETRY_POLICY, deliver, type RetryPolicy } from './deliver.js';
import { SWITCH, type Channels } from './settings.js';

export interface Notifier {
  channels: Channels;
  /** Shared by all workers: in the monitoring bucket. Without it every alert is sent. */
  alertLog?: AlertLog;
  /** Every alert is logged here besides. */
  log: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
  retry?: RetryPolicy;
  /** Where alerts send people to look at a run. */
  webUi?: WebUi;
}

export interface NotifyOptions {
  /** Who raises the alert, the same at each attempt: workflow id, run id and activity id. */
  owner: string;
  /** Ends waits and tries. */
  signal?: AbortSignal;
  /** @default that of the alert's level */
  channel?: ChannelName;
}

/** What became of an alert. */
export type NotifyOutcome = { channel: ChannelName } & (
  | { status: 'sent'; attempts: number }
  /** Told already, or being told by another; or the channel isn't set up. */
  | { status: 'skipped'; reason: string }
  | { status: 'failed'; attempts: number; reason: string }
);

/**
 * Logs an alert and sends it by the channel of its level, once for its key and repeat.
 *
 * Never rejects: an alert that can't be sent is an outcome, so that no pipeline fails for it. Where the alert log can't
 * be reached the alert is sent all the same: better twice than not at all.
 */
export async function notify(
  notifier: Notifier,
  alert: Alert,
  { owner, signal = new AbortController().signal, channel: name = CHANNEL_OF_LEVEL[alert.level] }: NotifyOptions,
): Promise<NotifyOutcome> {
  const { channels, alertLog, log, retry = RETRY_POLICY } = notifier;
  const about = { alert: alert.condition, level: alert.level, pipeline: alert.pipeline, dedup_key: alert.dedupKey };

  const claim = await claimFrom(notifier, alert, owner);
  if (claim === undefined) {
    log.debug('An alert was told before.', about);
    return { channel: name, status: 'skipped', reason: 'The same was told before.' };
  }
  log[LOG_METHOD[alert.level]](alert.summary, {
    ...about,
    severity: alert.level,
    at: alert.at,
    consequence: alert.consequence,
    command: alert.command,
    link: alert.link,
    details: alert.details,
  });

  const channel = channels[name];
  const outcome: NotifyOutcome = channel
    ? { channel: name, ...(await deliver(channel, (ending) => channel.send(alert, ending), retry, signal)) }
    : { channel: name, status: 'skipped', reason: `${SWITCH[name]} is not set.` };
  if (outcome.status === 'failed') log.error(`An alert could not be sent by ${name}: ${outcome.reason}`, about);
  if (outcome.status === 'sent') log.info(`An alert was sent by ${name}.`, about);

  if (claim !== null) {
    await alertLog?.settle(alert, claim, settled(outcome)).catch((error: unknown) => {
      log.warn(`That an alert was sent can't be noted, so it may be sent again: ${messageOf(error)}`, about);
    });
  }
  return outcome;
}

/**
 * Closes what the channels keep open of a condition that is over. Never rejects: what can't be closed now is left for
 * the next run that goes well, or for a person.
 *
 * @returns how many were closed
 */
export async function resolveOpen(
  notifier: Notifier,
  pipeline: string,
  condition: AlertCondition,
  signal: AbortSignal,
): Promise<number> {
  const { channels, alertLog, log, retry = RETRY_POLICY } = notifier;
  let closed = 0;
  try {
    for (const channel of Object.values(channels)) {
      const { name, resolve } = channel;
      if (!resolve) continue;
      for (const alert of (await alertLog?.open(pipeline, condition, name)) ?? []) {
        const about = { alert: condition, pipeline, dedup_key: alert.dedupKey };
        const delivery = await deliver(channel, (ending) => resolve(alert.dedupKey, ending), retry, signal);
        if (delivery.status === 'failed') {
          log.error(`An alert could not be resolved by ${name}: ${delivery.reason}`, about);
          continue;
        }
        log.info(`An alert was resolved by ${name}.`, about);
        await alertLog?.resolve(alert, name);
        closed += 1;
      }
    }
  } catch (error) {
    log.warn(`What is open of ${condition} can't be told, so nothing is resolved: ${messageOf(error)}`, {
      alert: condition,
      pipeline,
    });
  }
  return closed;
}

/** A mark to settle with; `undefined` where the alert was told before, `null` where that can't be told. */
async function claimFrom({ alertLog, log }: Notifier, alert: Alert, owner: string): Promise<string | null | undefined> {
  if (!alertLog) return null;
  return alertLog.claim(alert, owner).catch((error: unknown) => {
    log.warn(`Whether an alert was sent before can't be told, so it is sent: ${messageOf(error)}`, {
      alert: alert.condition,
      dedup_key: alert.dedupKey,
    });
    return null;
  });
}

const LOG_METHOD = { critical: 'error', warning: 'warn', info: 'info' } as const;

function settled(outcome: NotifyOutcome): Parameters<AlertLog['settle']>[2] {
  const at = new Date().toISOString();
  switch (outcome.status) {
    case 'sent':
      return { status: 'sent', channel: outcome.channel, at };
    case 'failed':
      return { status: 'failed', channel: outcome.channel, at, reason: outcome.reason };
    case 'skipped':
      return { status: 'logged' };
  }
}
