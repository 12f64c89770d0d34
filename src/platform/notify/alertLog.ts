import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { AlertCondition } from '../../contracts/index.js';
import { document, type DocumentOf } from '../storage/documents.js';
import type { ObjectStore } from '../storage/objectStore.js';
import { alertSchema, dedupKey, type Alert } from './alert.js';
import type { ChannelName } from './channel.js';

const HOUR_MS = 3_600_000;

/** Of the keys of all records. */
const PREFIX = 'alerts/';

/** A damaged record counts as none: an alert is told twice rather than never. */
const FORGOTTEN = () => undefined;

/** Longer than any delivery takes: a claim that is older belongs to a process that died. */
export const CLAIM_MS = 120_000;

const channel = z.enum(['pagerduty', 'slack', 'email'] satisfies ChannelName[]);

/** `alerts/<dedupKey>.json`: the last alert of its key and what became of it. */
const alertRecord = document({
  name: 'record of an alert',
  schema: alertSchema.extend({
    delivery: z.discriminatedUnion('status', [
      z.strictObject({ status: z.literal('sending'), claim: z.string(), owner: z.string(), until: z.string() }),
      z.strictObject({ status: z.literal('sent'), channel, at: z.string() }),
      z.strictObject({ status: z.literal('failed'), channel, at: z.string(), reason: z.string() }),
      /** What it told of is over, and so is what its channel kept open. */
      z.strictObject({ status: z.literal('resolved'), channel, at: z.string() }),
      /** No channel is set up for its level. */
      z.strictObject({ status: z.literal('logged') }),
    ]),
  }),
});
export type AlertRecord = DocumentOf<typeof alertRecord>;

type Settled = Exclude<AlertRecord['delivery'], { status: 'sending' }>;

/**
 * Remembers, across workers and retries, what has been told. An alert is claimed before it is sent and settled after:
 * of several that raise it at once one sends it, and one that was sent stays untold until its repeat is due.
 *
 * A process that dies between sending and settling leaves its claim. The same `owner` (an activity's next attempt) may
 * take it over at once and anyone after {@link CLAIM_MS}, so what was under way may be sent twice: at least once, never
 * lost. PagerDuty folds the second by its `dedup_key`; Slack and e-mail can't.
 */
export class AlertLog {
  constructor(
    private readonly store: ObjectStore,
    private readonly claimMs = CLAIM_MS,
  ) {}

  /** Whether `owner` is to send the alert; a mark to settle with if so, else `undefined`. */
  async claim(alert: Alert, owner: string): Promise<string | undefined> {
    const claim = randomUUID();
    const until = new Date(Date.now() + this.claimMs).toISOString();
    const record = await alertRecord.update(
      this.store,
      keyOf(alert),
      (last) =>
        last && isTold(last, alert, owner)
          ? undefined
          : { ...alert, delivery: { status: 'sending', claim, owner, until } },
      FORGOTTEN,
    );
    return record?.delivery.status === 'sending' && record.delivery.claim === claim ? claim : undefined;
  }

  /** Says what became of a claimed alert; nothing where another has taken the claim over. */
  async settle(alert: Alert, claim: string, delivery: Settled): Promise<void> {
    await alertRecord.update(
      this.store,
      keyOf(alert),
      (last) =>
        last?.delivery.status === 'sending' && last.delivery.claim === claim ? { ...alert, delivery } : undefined,
      FORGOTTEN,
    );
  }

  /** What a channel was sent about a condition of a pipeline, and has not been told to be over. */
  async open(pipeline: string, condition: AlertCondition, channel: ChannelName): Promise<AlertRecord[]> {
    const found: AlertRecord[] = [];
    for await (const { key } of this.store.list(`${PREFIX}${dedupKey(pipeline, condition)}/`)) {
      const record = await alertRecord.read(this.store, key, FORGOTTEN);
      if (record?.delivery.status === 'sent' && record.delivery.channel === channel) found.push(record);
    }
    return found;
  }

  /** Says that what an alert told of is over; nothing where it was told again meanwhile. */
  async resolve({ dedupKey, at }: Alert, channel: ChannelName): Promise<void> {
    await alertRecord.update(
      this.store,
      keyOf({ dedupKey }),
      (last) =>
        last?.at === at
          ? { ...last, delivery: { status: 'resolved', channel, at: new Date().toISOString() } }
          : undefined,
      FORGOTTEN,
    );
  }

  async read(dedupKey: string): Promise<AlertRecord | undefined> {
    return alertRecord.read(this.store, keyOf({ dedupKey }), FORGOTTEN);
  }
}

function isTold(last: AlertRecord, alert: Alert, owner: string): boolean {
  switch (last.delivery.status) {
    case 'sent':
      return (
        alert.repeatAfterHours === undefined ||
        Date.parse(alert.at) - Date.parse(last.at) < alert.repeatAfterHours * HOUR_MS
      );
    case 'sending':
      return last.delivery.owner !== owner && Date.parse(last.delivery.until) > Date.now();
    case 'failed':
    case 'resolved':
    case 'logged':
      return false;
  }
}

function keyOf({ dedupKey }: Pick<Alert, 'dedupKey'>): string {
  return `${PREFIX}${dedupKey}.json`;
}
