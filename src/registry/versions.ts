import type { ModelConfig } from '../config/schema.js';
import type {
  CandidateResult,
  ModelRef,
  Params,
  RunRef,
  SplitMetrics,
  TaskSpec,
  VersionRef,
} from '../contracts/index.js';
import type { DatasetMetadata, DatasetSplit } from '../data/dataset.js';
import { PerdureError } from '../errors.js';
import { checkName } from '../names.js';
import type { Origin } from './origin.js';
import { sha256 } from '../platform/storage/checksum.js';
import { parseDocument, readJson, updateJson } from '../platform/storage/documents.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';

/** Files of a version's folder; `promotion.json` only of one that stood before the promotion gate. */
export type VersionFile =
  'model.ubj' | 'metadata.json' | 'performance.json' | 'preprocessing.json' | 'profile.json' | 'promotion.json';

/** `metadata.json`: what a version is, how well it does, and all that it was made from. */
export interface VersionMetadata {
  model_name: string;
  version: string;
  /** ISO 8601: the start of the run that trained it. */
  training_date: string;
  task: TaskSpec;
  /** Days of each split, where it is by time. */
  temporal_splits?: Record<string, Pick<DatasetSplit, 'start_date' | 'end_date'>>;
  feature_count: number;
  training_samples: number;
  /** Rows of the splits that evaluate. */
  validation_samples?: number;
  test_samples?: number;
  oot_samples?: number;
  /** Whom or what rows are about, and how much of each evaluating split is about those that train has, too. */
  entity?: DatasetMetadata['entity'];
  /** On the splits that evaluate. */
  performance: SplitMetrics;
  best_params: Params;
  /** Mean of the search's scoring over the folds; `null` where there were none. */
  cv_score: number | null;
  /** Every candidate of the search. */
  candidates: CandidateResult[];
  /** The whole model config it was trained with. */
  config: ModelConfig;
  lineage: Lineage;
  /** SHA-256 of the files beside this one that using the version depends on; versions of old have none. */
  files?: Partial<Record<VersionFile, string>>;
}

export interface Lineage extends Origin {
  pipeline: string;
  environment: string;
  workflow_id: string;
  run_id: string;
  /** The task of Amazon ECS that trained it, where one did: which launch, and whether with more memory after one ran out. */
  task?: { launch: number; larger: boolean; size: string };
  /** SHA-256 of `pipeline.json` and the model config. */
  config_hash: string;
  /** Version of the whole configuration that the run went by; absent where it was none of a run's. */
  config_version?: string;
  /** SHA-256 of `model.ubj`. */
  model_checksum: string;
  dataset: { id: string; uri: string; checksum: string };
  /** SHA-256 of the gold files behind the dataset, a partition. */
  inputs: DatasetMetadata['partitions'];
}

/** `preprocessing.json`: how a row becomes the model's input. */
export type Preprocessing = Pick<DatasetMetadata, 'task' | 'inputs' | 'transforms' | 'features' | 'label'>;

/** A line of `versions.json`, the index of an algorithm's versions. */
export interface VersionSummary extends VersionRef, SplitMetrics {
  training_date: string;
  cv_score: number | null;
  model_checksum: string;
}

interface VersionIndex {
  versions: VersionSummary[];
}

/**
 * The version that a run makes: `v<YYYYMMDD>_<HHMMSS>_<run>` with the run's start in UTC and the last 8 letters and
 * digits of its id: Temporal's ids begin with the time, so that runs of one second differ only towards the end. A
 * retried write is the same version.
 */
export function versionId(run: RunRef): string {
  const [day, time] = new Date(run.startedAt).toISOString().slice(0, 19).replace(/[-:]/g, '').split('T');
  return `v${day}_${time}_${run.runId.replace(/[^A-Za-z0-9]/g, '').slice(-8)}`;
}

export function versionFolder({ algorithm, version }: VersionRef): string {
  return `model_registry/${checkName('an algorithm', algorithm)}/${checkName('a version', version)}/`;
}

export function versionKey(ref: VersionRef, file: VersionFile): string {
  return `${versionFolder(ref)}${file}`;
}

/** What is done where the version that is monitored lacks a file: the rows get their scores from another. */
export const SCORE_ANEW =
  'restore it, or promote another version and predict with --again, so that it is monitored instead';

/** What is done about a version that lacks a file: each way leads on. */
const REPAIR = 'restore it, promote another version, or train again';

/**
 * A version's metadata; `undefined` where there is no such version, or it was never finished. Throws `ObjectCorrupt`
 * where it isn't what was written.
 */
export async function readVersion(
  registry: ObjectStore,
  ref: VersionRef,
  remedy = REPAIR,
): Promise<VersionMetadata | undefined> {
  return readJson<VersionMetadata>(registry, versionKey(ref, 'metadata.json'), remedy);
}

/** As {@link readVersion}, of a version that something points to: throws `ObjectCorrupt` where it is gone as well. */
export async function requireVersion(
  registry: ObjectStore,
  ref: VersionRef,
  remedy = REPAIR,
): Promise<VersionMetadata> {
  const metadata = await readVersion(registry, ref, remedy);
  if (!metadata) throw fileGone(registry, ref, 'metadata.json', remedy);
  return metadata;
}

/** A JSON file of a version's folder. Throws `ObjectCorrupt` where it is gone, or isn't what was written. */
export async function readVersionFile<T>(
  registry: ObjectStore,
  ref: VersionRef,
  file: VersionFile,
  remedy = REPAIR,
): Promise<T> {
  const checksum = (await readVersion(registry, ref, remedy))?.files?.[file];
  const found = await registry.get(versionKey(ref, file));
  if (!found) throw fileGone(registry, ref, file, remedy);
  if (checksum && sha256(found.body) !== checksum) throw fileDamaged(registry, ref, file, remedy);
  return parseDocument<T>(registry, versionKey(ref, file), found.body, remedy);
}

/** A version's model as a local file. Throws `ObjectCorrupt` where it is gone, or isn't what was written. */
export async function modelFile(registry: ObjectStore, ref: VersionRef, checksum: string): Promise<string> {
  try {
    return await registry.localFile(versionKey(ref, 'model.ubj'), checksum);
  } catch (error) {
    if (!(error instanceof PerdureError)) throw error;
    if (error.type === 'NotFound') throw fileGone(registry, ref, 'model.ubj');
    throw error.type === 'ObjectCorrupt' ? fileDamaged(registry, ref, 'model.ubj') : error;
  }
}

/**
 * Insists that all of a version is there as it was written, so that whoever uses it can.
 * @throws PerdureError `ObjectCorrupt`
 */
export async function checkVersion(registry: ObjectStore, ref: VersionRef): Promise<void> {
  const { files = {}, lineage } = await requireVersion(registry, ref);
  for (const file of Object.keys(files) as VersionFile[]) {
    await (file === 'model.ubj'
      ? modelFile(registry, ref, lineage.model_checksum)
      : readVersionFile(registry, ref, file));
  }
}

/**
 * SHA-256 of what lies beside the metadata that a version is about to get.
 * @throws PerdureError `ObjectCorrupt` where a file isn't there, or the model isn't the one that was fitted
 */
export async function checksumsOf(registry: ObjectStore, model: ModelRef): Promise<VersionMetadata['files']> {
  await modelFile(registry, model, model.checksum);
  const checksums: VersionMetadata['files'] = { 'model.ubj': model.checksum };
  for (const file of ['preprocessing.json', 'performance.json', 'profile.json'] as const) {
    const found = await registry.get(versionKey(model, file));
    if (!found) throw fileGone(registry, model, file);
    checksums[file] = sha256(found.body);
  }
  return checksums;
}

function fileGone(registry: ObjectStore, ref: VersionRef, file: VersionFile, remedy = REPAIR): PerdureError {
  return new PerdureError(
    'ObjectCorrupt',
    `${registry.uri(versionKey(ref, file))} of ${ref.algorithm} ${ref.version} is gone; ${remedy}.`,
  );
}

function fileDamaged(registry: ObjectStore, ref: VersionRef, file: VersionFile, remedy = REPAIR): PerdureError {
  return new PerdureError(
    'ObjectCorrupt',
    `${registry.uri(versionKey(ref, file))} of ${ref.algorithm} ${ref.version} is damaged: it is not what was written; ${remedy}.`,
  );
}

/** The model file of a registered version. */
export function modelRef(registry: ObjectStore, { model_name, version, lineage }: VersionMetadata): ModelRef {
  const uri = registry.uri(versionKey({ algorithm: model_name, version }, 'model.ubj'));
  return { algorithm: model_name, version, uri, checksum: lineage.model_checksum };
}

/**
 * Registered versions of an algorithm, oldest first: those whose folder holds a `metadata.json`. The index spares reading
 * each of them; what it lacks is read, and what is gone from the registry isn't listed.
 */
export async function listVersions(registry: ObjectStore, algorithm: string): Promise<VersionSummary[]> {
  const { versions: indexed } = (await readJson<VersionIndex>(registry, indexKey(algorithm), NO_INDEX)) ?? NO_INDEX();
  const known = new Map(indexed.map((summary) => [summary.version, summary]));
  const versions: VersionSummary[] = [];
  for await (const version of registeredVersions(registry, algorithm)) {
    const metadata = known.has(version)
      ? undefined
      : await readVersion(registry, { algorithm, version }, 'restore it, or delete the folder of this version');
    const summary = known.get(version) ?? (metadata && summaryOf(metadata));
    if (summary) versions.push(summary);
  }
  return versions.sort((a, b) => (a.version < b.version ? -1 : 1));
}

/** Puts a version into its algorithm's index, once. */
export async function indexVersion(registry: ObjectStore, metadata: VersionMetadata): Promise<void> {
  const summary = summaryOf(metadata);
  await updateJson<VersionIndex>(
    registry,
    indexKey(summary.algorithm),
    (current) => {
      const versions = current?.versions ?? [];
      if (versions.some((known) => known.version === summary.version)) return undefined;
      return { versions: [...versions, summary].sort((a, b) => (a.version < b.version ? -1 : 1)) };
    },
    NO_INDEX,
  );
}

/** A damaged index counts as empty: what it lacks is read from the versions. */
const NO_INDEX = (): VersionIndex => ({ versions: [] });

function summaryOf({
  model_name: algorithm,
  version,
  training_date,
  cv_score,
  performance,
  lineage,
}: VersionMetadata): VersionSummary {
  return { algorithm, version, training_date, cv_score, ...performance, model_checksum: lineage.model_checksum };
}

/** Names of an algorithm's finished versions. */
async function* registeredVersions(registry: ObjectStore, algorithm: string): AsyncGenerator<string> {
  const folder = `model_registry/${checkName('an algorithm', algorithm)}/`;
  for await (const { key } of registry.list(folder)) {
    const [version, file, ...deeper] = key.slice(folder.length).split('/');
    if (version && file === 'metadata.json' && deeper.length === 0) yield version;
  }
}

function indexKey(algorithm: string): string {
  return `model_registry/${checkName('an algorithm', algorithm)}/versions.json`;
}
