import { z } from 'zod';
import type { PromotedBest, PromoteBestInput, RunRef } from '../../contracts/index.js';
import { runRef, versionRef } from '../../contracts/schemas.js';
import { checkName } from '../../names.js';
import { versionId } from '../../registry/versions.js';
import { document, type DocumentOf } from '../storage/documents.js';
import type { ObjectStore, Stores } from '../storage/objectStore.js';

/** Keys of all that is kept of tracking, in the bucket of the registry. */
export const TRACKING_FOLDER = 'tracking/';
const WAITING = `${TRACKING_FOLDER}waiting/`;

/** Longer than one attempt may take: a claim that is older belongs to a process that died. */
const CLAIM_MS = 120_000;

const scores = z.record(z.string(), z.number().nullable());

/** What a training came to, and not yet written; all else stands in its versions. */
const waitingTraining = document({
  name: 'training that waits for MLflow',
  schema: z.strictObject({
    run: runRef,
    /** ISO 8601 instant at which it ended. */
    at: z.string(),
    dataset: z.strictObject({ id: z.string(), uri: z.string(), checksum: z.string() }),
    trained: z.array(versionRef),
    challenger: versionRef,
    champion: versionRef.nullable(),
    promotion: z.strictObject({ decision: z.string(), reason: z.string() }),
    /** The figure that chose the challenger, and the one to expect, by algorithm. */
    comparison: z.array(z.strictObject({ metric: z.string(), scores })),
    /** Key of its page, in the bucket of monitoring. */
    page: z.string().optional(),
    /** Who writes it now. */
    claim: z.strictObject({ owner: z.string(), until: z.string() }).optional(),
  }),
});
export type WaitingTraining = DocumentOf<typeof waitingTraining>;

const writtenTraining = document({
  name: 'training that is in MLflow',
  schema: z.strictObject({ run: runRef, at: z.string(), uri: z.string() }),
});
export type WrittenTraining = DocumentOf<typeof writtenTraining>;

/** What is done about one that is damaged: all but how its versions compared stands in them. */
const REPAIR = 'delete it, and the training is not written to MLflow';

/** Notes that a training is to be written; one that is written already stays so. */
export async function keepForTracking(
  { modelRegistry, monitoring }: Pick<Stores, 'modelRegistry' | 'monitoring'>,
  { run, dataset, trained }: PromoteBestInput,
  { challenger, champion, promotion, comparison, page }: PromotedBest,
): Promise<void> {
  const id = idOf(run);
  if (await writtenAs(modelRegistry, id)) return;
  const { metric, scores, estimate } = comparison;
  const training: WaitingTraining = {
    run,
    at: new Date().toISOString(),
    dataset: { id: dataset.id, uri: dataset.uri, checksum: dataset.checksum },
    trained,
    challenger,
    champion,
    promotion: { decision: promotion.decision, reason: promotion.reason },
    comparison: [{ metric, scores }, ...(estimate ? [estimate] : [])],
    ...(page && 'uri' in page && { page: monitoring.key(page.uri) }),
  };
  await waitingTraining.update(
    modelRegistry,
    waitingKey(id),
    (waiting) => (waiting ? undefined : training),
    () => undefined,
  );
}

/** Names a training among others, in the order of their starts: as the versions that it made. */
export function idOf(run: RunRef): string {
  return versionId(run);
}

/** The trainings that wait, oldest first. */
export async function waitingIds(registry: ObjectStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const { key } of registry.list(WAITING)) ids.push(key.slice(WAITING.length).replace(/[.]json$/, ''));
  return ids;
}

/** Where a training is written; `undefined` where it isn't. */
export async function writtenAs(registry: ObjectStore, id: string): Promise<WrittenTraining | undefined> {
  return writtenTraining.read(registry, writtenKey(id), () => undefined);
}

/**
 * Claims a training, so that of two that would write it at once one does; the same owner may take it over at once.
 * @returns the training; `undefined` where another writes it, or has written it
 * @throws PerdureError `ObjectCorrupt`
 */
export async function claimWaiting(
  registry: ObjectStore,
  id: string,
  owner: string,
): Promise<WaitingTraining | undefined> {
  const until = new Date(Date.now() + CLAIM_MS).toISOString();
  const claimed = await waitingTraining.update(
    registry,
    waitingKey(id),
    (waiting) => {
      const { claim } = waiting ?? {};
      const isOthers = claim && claim.owner !== owner && Date.parse(claim.until) > Date.now();
      return waiting && !isOthers ? { ...waiting, claim: { owner, until } } : undefined;
    },
    REPAIR,
  );
  return claimed?.claim?.owner === owner ? claimed : undefined;
}

/** Lets a claimed training wait for others. */
export async function releaseWaiting(registry: ObjectStore, id: string, owner: string): Promise<void> {
  await waitingTraining.update(
    registry,
    waitingKey(id),
    (waiting) => {
      const { claim, ...unclaimed } = waiting ?? {};
      return claim?.owner === owner ? (unclaimed as WaitingTraining) : undefined;
    },
    REPAIR,
  );
}

/** Notes where a training is written, after which it no longer waits. */
export async function settleWaiting(registry: ObjectStore, { run }: WaitingTraining, uri: string): Promise<void> {
  const id = idOf(run);
  await writtenTraining.write(registry, writtenKey(id), { run, at: new Date().toISOString(), uri });
  await registry.delete(waitingKey(id));
}

function waitingKey(id: string): string {
  return `${WAITING}${checkName('a training', id)}.json`;
}

function writtenKey(id: string): string {
  return `${TRACKING_FOLDER}written/${checkName('a training', id)}.json`;
}
