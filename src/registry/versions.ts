import type { ModelConfig } from '../config/schema.js';
import type { CandidateResult, Metrics, ModelRef, Params, RunRef, VersionRef } from '../contracts/index.js';
import type { DatasetMetadata } from '../data/dataset.js';
import { PerdureError } from '../errors.js';
import { checkName } from '../names.js';
import { readJson, updateJson } from '../storage/documents.js';
import type { ObjectStore } from '../storage/objectStore.js';

/** Files of a version's folder; `promotion.json` only of one that stood before the promotion gate. */
export type VersionFile = 'model.ubj' | 'metadata.json' | 'performance.json' | 'preprocessing.json' | 'profile.json' | 'promotion.json';

/** `metadata.json`: what a version is, how well it does, and all that it was made from. */
export interface VersionMetadata {
  model_name: string;
  version: string;
  /** ISO 8601: the start of the run that trained it. */
  training_date: string;
  temporal_splits: ModelConfig['temporal_splits'];
  feature_count: number;
  training_samples: number;
  test_samples: number;
  oot_samples: number;
  performance: { test: Metrics; oot: Metrics };
  best_params: Params;
  /** Mean of `config.search.scoring` over the folds. */
  cv_score: number;
  /** Every candidate of the search. */
  candidates: CandidateResult[];
  /** The whole model config it was trained with. */
  config: ModelConfig;
  lineage: Lineage;
}

export interface Lineage {
  pipeline: string;
  environment: string;
  workflow_id: string;
  run_id: string;
  /** The task of Amazon ECS that trained it, where one did: which launch, and whether with more memory after one ran out. */
  task?: { launch: number; larger: boolean; size: string };
  /** Commit of Perdure's own code; `null` where it can't be told. */
  code_commit: string | null;
  /** SHA-256 of `pipeline.json` and the model config. */
  config_hash: string;
  /** Name and version of the library that fitted it. */
  engine: string;
  seed: number;
  /** SHA-256 of `model.ubj`. */
  model_checksum: string;
  dataset: { id: string; uri: string; checksum: string };
  /** SHA-256 of `inputs` as JSON. */
  inputs_digest: string;
  /** SHA-256 of the gold files behind the dataset, a partition. */
  inputs: DatasetMetadata['partitions'];
}

/** `preprocessing.json`: how a row becomes the model's input. */
export type Preprocessing = Pick<DatasetMetadata, 'features' | 'label' | 'scaler'>;

/** A line of `versions.json`, the index of an algorithm's versions. */
export interface VersionSummary extends VersionRef {
  training_date: string;
  cv_score: number;
  test: Metrics;
  oot: Metrics;
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

/** A version's metadata; `undefined` where there is no such version, or it was never finished. */
export async function readVersion(registry: ObjectStore, ref: VersionRef): Promise<VersionMetadata | undefined> {
  return readJson<VersionMetadata>(registry, versionKey(ref, 'metadata.json'));
}

/** A JSON file of a version's folder. Throws `ObjectCorrupt` where it is gone. */
export async function readVersionFile<T>(registry: ObjectStore, ref: VersionRef, file: VersionFile): Promise<T> {
  const key = versionKey(ref, file);
  const found = await readJson<T>(registry, key);
  if (found === undefined) {
    throw new PerdureError('ObjectCorrupt', `${registry.uri(key)} belongs to a version and is gone; restore it or train again.`);
  }
  return found;
}

/** The model file of a registered version. */
export function modelRef(registry: ObjectStore, { model_name, version, lineage }: VersionMetadata): ModelRef {
  const uri = registry.uri(versionKey({ algorithm: model_name, version }, 'model.ubj'));
  return { algorithm: model_name, version, uri, checksum: lineage.model_checksum };
}

/** Registered versions of an algorithm, oldest first. */
export async function listVersions(registry: ObjectStore, algorithm: string): Promise<VersionSummary[]> {
  return (await readJson<VersionIndex>(registry, indexKey(algorithm)))?.versions ?? [];
}

/** Puts a version into its algorithm's index, once. */
export async function indexVersion(registry: ObjectStore, metadata: VersionMetadata): Promise<void> {
  const { model_name: algorithm, version, training_date, cv_score, performance, lineage } = metadata;
  const summary: VersionSummary = { algorithm, version, training_date, cv_score, ...performance, model_checksum: lineage.model_checksum };
  await updateJson<VersionIndex>(registry, indexKey(algorithm), (current) => {
    const versions = current?.versions ?? [];
    if (versions.some((known) => known.version === version)) return undefined;
    return { versions: [...versions, summary].sort((a, b) => (a.version < b.version ? -1 : 1)) };
  });
}

function indexKey(algorithm: string): string {
  return `model_registry/${checkName('an algorithm', algorithm)}/versions.json`;
}
