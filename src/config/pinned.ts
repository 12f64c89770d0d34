import { join } from 'node:path';
import { z } from 'zod';
import type { ConfigRef, RunRef, StageInput } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { sha256 } from '../platform/storage/checksum.js';
import { document, type DocumentOf } from '../platform/storage/documents.js';
import { localFileOr } from '../platform/storage/lost.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { openAddress, scratchRoot } from '../platform/storage/stores.js';
import { loadFrom, loadPipeline, type Pipeline } from './load.js';
import { confOf, copyOf, digestOf, unpack, type Snapshot } from './snapshot.js';

/**
 * Versions of the configuration in the datamart: `conf/files/` has the content of each file under its SHA-256, and a
 * version is a document with the checksums of its files, under the digest of them. Nothing there is written over or
 * deleted, so a run that takes long finds what it began with.
 */
const FILES = 'conf/files/';
const VERSIONS = 'conf/versions/';
/** The version that the newest run took, for people. */
export const NEWEST_CONFIG = 'conf/newest.json';

const configVersion = document({
  name: 'version of the configuration',
  schema: z.strictObject({ pipeline: z.string(), files: z.record(z.string(), z.string()) }),
});

/** What the newest run goes by. */
const newestVersion = document({
  name: 'pointer to the newest configuration',
  schema: z.strictObject({
    uri: z.string(),
    checksum: z.string(),
    source: z.string(),
    /** ISO 8601 start of the run. */
    started_at: z.string(),
    workflow_id: z.string(),
  }),
});
export type NewestConfig = DocumentOf<typeof newestVersion>;

/** Keeps a version for as long as the store, and returns what workers find it by. */
export async function keepVersion(
  datamart: ObjectStore,
  pipeline: Pipeline,
  { digest, files, conf }: Snapshot,
  run: RunRef,
): Promise<ConfigRef> {
  const name = pipeline.definition.name;
  for (const [path, checksum] of Object.entries(files)) {
    const key = `${FILES}${checksum}`;
    if (!(await isWhole(datamart, key, checksum))) await datamart.upload(join(conf, 'pipelines', name, path), key);
  }
  const key = `${VERSIONS}${digest}.json`;
  // One that is there is the same, unless it was damaged.
  await configVersion.update(
    datamart,
    key,
    (current) => (current ? undefined : { pipeline: name, files }),
    () => undefined,
  );
  const ref: ConfigRef = { uri: datamart.uri(key), checksum: digest, source: pipeline.address };
  const newest: NewestConfig = { ...ref, started_at: run.startedAt, workflow_id: run.workflowId };
  await newestVersion.update(
    datamart,
    NEWEST_CONFIG,
    (current) => (current && current.started_at > run.startedAt ? undefined : newest),
    () => undefined,
  );
  return ref;
}

/** By the store's own bytes: a cache on this machine would hide what was damaged there. */
async function isWhole(store: ObjectStore, key: string, checksum: string): Promise<boolean> {
  const found = await store.get(key);
  return found !== undefined && sha256(found.body) === checksum;
}

export async function newestConfig(datamart: ObjectStore): Promise<NewestConfig | undefined> {
  return newestVersion.read(datamart, NEWEST_CONFIG, () => undefined);
}

/**
 * The configuration that a piece of work goes by: its run's, else the present one.
 *
 * @param root where the buckets lie
 * @param scratch folder for local copies
 * @throws PerdureError `NotFound`, `ObjectCorrupt` where the run's is lost; as `loadPipeline` otherwise
 */
export async function pipelineOf(
  name: string,
  run: RunRef | undefined,
  root: string,
  scratch = scratchRoot(root),
): Promise<Pipeline> {
  if (!run?.config) return loadPipeline(name);
  const { uri, checksum, source } = run.config;
  const conf = copyOf(checksum, name, scratch) ?? (await fetchVersion(run.config, name, root, scratch));
  return loadFrom(conf, name, confOf(source)).catch((error: unknown) => {
    throw error instanceof PerdureError
      ? error
      : new PerdureError('ObjectCorrupt', `${uri} can't be used; ${REMEDY}.`, { cause: error });
  });
}

const REMEDY = 'restore it, or start the run again, which takes the present configuration';

async function fetchVersion(
  { uri, checksum }: ConfigRef,
  name: string,
  root: string,
  scratch: string,
): Promise<string> {
  const { store, key } = await openAddress(uri, root, scratch);
  const found = await store.get(key);
  if (!found)
    throw new PerdureError('NotFound', `${uri}, the configuration that this run began with, is not there; ${REMEDY}.`);
  const { files } = configVersion.parse(store, key, found.body, REMEDY);
  if (digestOf(files) !== checksum)
    throw new PerdureError('ObjectCorrupt', `${uri} is not the configuration that this run began with; ${REMEDY}.`);
  return unpack(name, files, scratch, (file) =>
    localFileOr(
      store,
      { key: `${FILES}${file}`, checksum: file },
      `, of the configuration that this run began with, is gone or damaged; ${REMEDY}.`,
    ),
  );
}

/** The run that an input of a stage belongs to, where it names one. */
export function runOf(input: unknown): RunRef | undefined {
  return (input as Partial<StageInput> | undefined)?.run;
}
