import type { Pipeline } from '../../config/load.js';
import type { Tracking } from '../../contracts/index.js';
import { messageOf, PerdureError } from '../../errors.js';
import { aliasKey, listAliases, readPointer } from '../../registry/pointers.js';
import type { ObjectStore, Stores } from '../storage/objectStore.js';
import { findRegistered, logTraining, type Destination } from './loggedTraining.js';
import { MlflowClient, MlflowError } from './mlflowClient.js';
import { mlflowNames, TAG, type MlflowNames } from './mlflowNames.js';
import { TRACKING_URI, trackingServer, type TrackingServer } from './settings.js';
import { claimWaiting, releaseWaiting, settleWaiting, waitingIds, writtenAs } from './waitingTrainings.js';

/** All trainings of one call together: a run that wants to end waits no longer, and what isn't written by then waits. */
const BUDGET_MS = 60_000;
/** The first answer: a server that is away or hangs holds up nothing. */
const FIRST_ANSWER_MS = 5_000;

export interface TrackingOptions {
  /** Who writes, the same at each attempt. */
  owner: string;
  signal: AbortSignal;
  /** Milliseconds for all. */
  budgetMs?: number;
}

/** What became of each training that waited, by its id, oldest first. */
export type TrackedTrainings = Map<string, Tracking>;

/**
 * Writes what waits to the MLflow server that the environment names, oldest first, and has the aliases there name what they
 * name here. Never rejects for what the server does: what can't be written waits, with the reason.
 *
 * @throws PerdureError where the store can't be read
 */
export async function writeWaiting(
  pipeline: Pipeline,
  stores: Pick<Stores, 'modelRegistry' | 'monitoring'>,
  { owner, signal, budgetMs = BUDGET_MS }: TrackingOptions,
): Promise<TrackedTrainings> {
  const registry = stores.modelRegistry;
  const ids = await waitingIds(registry);
  const tracked: TrackedTrainings = new Map();
  const waits = (reason: string) =>
    ids.filter((id) => !tracked.has(id)).forEach((id) => tracked.set(id, { status: 'waits', reason }));
  const names = mlflowNames(pipeline);
  if (!names) {
    waits('pipeline.json has no "tracking"');
    return tracked;
  }
  let server: TrackingServer | undefined;
  try {
    server = trackingServer();
  } catch (error) {
    if (!(error instanceof PerdureError && error.type === 'ConfigInvalid')) throw error;
    waits(error.message);
    return tracked;
  }
  if (!server) {
    waits(`${TRACKING_URI} is not set where data-processing runs`);
    return tracked;
  }

  const within = AbortSignal.any([signal, AbortSignal.timeout(budgetMs)]);
  try {
    const destination = await openDestination(server, within, names);
    for (const id of ids) tracked.set(id, await writeOne(destination, pipeline, stores, id, owner));
    await mirrorAliases(destination, registry);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof MlflowError)) throw error;
    const late = within.aborted ? `not all could be written within ${budgetMs / 1000} s` : error.message;
    waits(`MLflow at ${server.address}: ${late}`);
  }
  return tracked;

  async function writeOne(...[destination, , , id]: Parameters<typeof writeTraining>): Promise<Tracking> {
    try {
      return await writeTraining(destination, pipeline, stores, id, owner);
    } catch (error) {
      if (error instanceof MlflowError && (error.isAway || within.aborted)) throw error;
      const isOfThis = error instanceof MlflowError || (error instanceof PerdureError && !error.retryable);
      if (!isOfThis) throw error;
      const reason = error instanceof MlflowError ? `MLflow at ${server!.address}: ${error.message}` : messageOf(error);
      return { status: 'waits', reason };
    }
  }
}

async function writeTraining(
  destination: Destination,
  pipeline: Pipeline,
  stores: Pick<Stores, 'modelRegistry' | 'monitoring'>,
  id: string,
  owner: string,
): Promise<Tracking> {
  const registry = stores.modelRegistry;
  const training = await claimWaiting(registry, id, owner);
  if (!training) {
    const written = await writtenAs(registry, id);
    return written ? { status: 'written', uri: written.uri } : { status: 'waits', reason: 'another writes it now' };
  }
  try {
    const uri = await logTraining(destination, pipeline, stores, training);
    await settleWaiting(registry, training, uri);
    return { status: 'written', uri };
  } catch (error) {
    await releaseWaiting(registry, id, owner);
    throw error;
  }
}

/** Finds the experiment and the registered model, or makes them. */
async function openDestination(server: TrackingServer, signal: AbortSignal, names: MlflowNames): Promise<Destination> {
  const client = new MlflowClient(server, signal);
  // Whether anybody answers is known soon.
  const known = await findExperiment(new MlflowClient(server, signal, FIRST_ANSWER_MS), names.experiment);
  const experimentId =
    known ??
    (await created(client.post<{ experiment_id: string }>('experiments/create', { name: names.experiment })))
      ?.experiment_id ??
    (await findExperiment(client, names.experiment))!;
  await created(client.post('registered-models/create', { name: names.registeredModel }));
  return { ...names, client, experimentId };
}

async function findExperiment(client: MlflowClient, name: string): Promise<string | undefined> {
  try {
    const { experiment } = await client.get<{ experiment: { experiment_id: string; lifecycle_stage: string } }>(
      'experiments/get-by-name',
      { experiment_name: name },
    );
    if (experiment.lifecycle_stage === 'active') return experiment.experiment_id;
    throw new MlflowError(`its experiment ${name} is deleted; restore it there, or name another in "tracking"`, false);
  } catch (error) {
    if (error instanceof MlflowError && error.code === 'RESOURCE_DOES_NOT_EXIST') return undefined;
    throw error;
  }
}

/** What is made; `undefined` where it is there already. */
async function created<Answer>(request: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof MlflowError && error.code === 'RESOURCE_ALREADY_EXISTS') return undefined;
    throw error;
  }
}

/** MLflow keeps these for itself. */
const RESERVED = /^(latest|v\d+)$/i;
/** The stages that MLflow had before aliases; many tools still show them, so a tag says them. */
const STAGE_OF: Record<string, string> = { champion: 'Production', staging: 'Staging' };
const LEFT = 'Archived';

/** Has the registered model's aliases name the versions that ours name. Of versions that MLflow doesn't have nothing is said. */
async function mirrorAliases({ client, registeredModel: name }: Destination, registry: ObjectStore): Promise<void> {
  const { registered_model } = await client.get<{
    registered_model: { aliases?: { alias: string; version: string }[] };
  }>('registered-models/get', { name });
  const before = new Map((registered_model.aliases ?? []).map(({ alias, version }) => [alias, version]));
  const after = new Map(before);
  for (const alias of await listAliases(registry)) {
    if (RESERVED.test(alias)) continue;
    const pointer = await readPointer(registry, aliasKey(alias), () => undefined);
    const version = pointer && (await findRegistered(client, name, pointer));
    if (version === undefined || before.get(alias) === version) continue;
    await client.post('registered-models/alias', { name, alias, version });
    after.set(alias, version);
  }
  for (const version of new Set([...before.values(), ...after.values()])) {
    const stage = stageOf(version, after);
    if (stage === stageOf(version, before)) continue;
    await client.post('model-versions/set-tag', { name, version, key: TAG.stage, value: stage ?? LEFT });
  }
}

/** A champion that is in staging as well is in production. */
function stageOf(version: string, aliases: Map<string, string>): string | undefined {
  return Object.entries(STAGE_OF).find(([alias]) => aliases.get(alias) === version)?.[1];
}
