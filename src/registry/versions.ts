import { z } from 'zod';
import { SCORINGS } from '../config/schema.js';
import { ZERO_OR_ONE, type ModelRef, type RunRef, type VersionRef } from '../contracts/index.js';
import { candidateResult, chosenThreshold, params, splitMetrics, taskSpec } from '../contracts/schemas.js';
import {
  entityShare,
  partitionChecksums,
  preprocessingShape,
  ROW_FILES,
  upgradePreprocessing,
  type RowFile,
} from '../data/dataset.js';
import { PerdureError } from '../errors.js';
import { REFERENCE_SCORES } from '../data/referenceRows.js';
import { Calibrator } from '../ml/calibrator.js';
import { MODEL_FILES, type ModelFile } from '../ml/estimators/estimator.js';
import { modelProfile } from '../monitoring/profile.js';
import { checkName } from '../names.js';
import { versionCurves } from './curves.js';
import { learningCurve } from './learningCurve.js';
import { versionBackground, versionImportance } from './importance.js';
import { promotionDecision } from './promotionDecision.js';
import { originShape } from './origin.js';
import { TEST_AGAIN, versionReadiness, type VersionReadiness } from './readiness.js';
import { modelSignature } from './signature.js';
import { versionSlices } from './slices.js';
import { sha256 } from '../platform/storage/checksum.js';
import { document, type Document, type DocumentOf } from '../platform/storage/documents.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';

const lineage = z.strictObject({
  ...originShape,
  pipeline: z.string(),
  environment: z.string(),
  workflow_id: z.string(),
  run_id: z.string(),
  /** The task of Amazon ECS that trained it, where one did: which launch, and whether with more memory after one ran out. */
  task: z.strictObject({ launch: z.number(), larger: z.boolean(), size: z.string() }).optional(),
  /** SHA-256 of `pipeline.json` and the model config. */
  config_hash: z.string(),
  /** Version of the whole configuration that the run went by; absent where it was none of a run's. */
  config_version: z.string().optional(),
  /** SHA-256 of the model's file. */
  model_checksum: z.string(),
  dataset: z.strictObject({ id: z.string(), uri: z.string(), checksum: z.string() }),
  /** SHA-256 of the gold files behind the dataset, per partition. */
  inputs: partitionChecksums,
});
export type Lineage = z.infer<typeof lineage>;

/** `metadata.json`: what a version is, how well it does, and all that it was made from. */
export const versionMetadata = document({
  name: 'metadata of a version',
  schema: z.strictObject({
    model_name: z.string(),
    version: z.string(),
    /** How many versions its algorithm had with it; those of earlier releases have none. */
    number: z.number().int().optional(),
    /** ISO 8601: the start of the run that trained it. */
    training_date: z.string(),
    task: taskSpec,
    /** Days of each split, where it is by time. */
    temporal_splits: z
      .record(z.string(), z.strictObject({ start_date: z.string().optional(), end_date: z.string().optional() }))
      .optional(),
    feature_count: z.number(),
    training_samples: z.number(),
    /** Rows of the splits that evaluate. */
    validation_samples: z.number().optional(),
    test_samples: z.number().optional(),
    oot_samples: z.number().optional(),
    entity: entityShare.optional(),
    /** On the splits that evaluate. */
    performance: splitMetrics,
    best_params: params,
    /** Mean of the search's scoring over the folds; `null` where there were none. */
    cv_score: z.number().nullable(),
    /** Every candidate of the search. */
    candidates: z.array(candidateResult),
    /** The whole model config it was trained with, as the release that trained it has it. */
    config: z.looseObject({ search: z.looseObject({ scoring: z.enum(SCORINGS).optional() }) }),
    lineage,
    /** Name of the model's file. */
    model_file: z.enum(MODEL_FILES),
    /** SHA-256 of the files beside this one that using the version depends on; versions of old have none. */
    files: z.record(z.string(), z.string()).optional(),
  }),
  upgrades: [
    (metadata) => ({ ...metadata, task: metadata.task ?? ZERO_OR_ONE, model_file: 'model.ubj' satisfies ModelFile }),
  ],
});
export type VersionMetadata = DocumentOf<typeof versionMetadata>;

/** `preprocessing.json`: how a row becomes the model's input. */
const preprocessing = document({
  name: 'preprocessing of a version',
  schema: z.strictObject(preprocessingShape),
  upgrades: [upgradePreprocessing],
});
export type Preprocessing = DocumentOf<typeof preprocessing>;

/**
 * The documents of a version's folder beside its metadata: `threshold.json` of a binary task, and of none of earlier
 * releases; `calibrator.json` where its probabilities are calibrated, `slices.json` where the config names some; `importance.json` and
 * `background.json` of none of earlier releases; `learning_curve.json` of an estimator that tells its steps; `promotion.json` only of one that stood before the promotion gate,
 * `readiness.json` of one that was tested.
 */
const VERSION_DOCUMENTS = {
  'preprocessing.json': preprocessing,
  'performance.json': document({ name: 'performance of a version', schema: splitMetrics }),
  'profile.json': modelProfile,
  'threshold.json': document({ name: 'decision threshold of a version', schema: chosenThreshold }),
  'slices.json': versionSlices,
  'signature.json': modelSignature,
  'calibrator.json': document({ name: 'calibrator of a version', schema: Calibrator }),
  'promotion.json': promotionDecision,
  'readiness.json': versionReadiness,
  'curves.json': versionCurves,
  'learning_curve.json': learningCurve,
  'importance.json': versionImportance,
  'background.json': versionBackground,
};
type VersionDocument = keyof typeof VERSION_DOCUMENTS;

/** What a version knows of single rows: of those of its dataset, and of what it said of held-out ones. */
const VERSION_ROW_FILES = [...ROW_FILES, REFERENCE_SCORES] as const;
export type VersionRowFile = (typeof VERSION_ROW_FILES)[number];

/** What a version is, for people, in Markdown. */
export const CARD = 'card.md';

/** Files of a version's folder. */
export type VersionFile = ModelFile | 'metadata.json' | typeof CARD | VersionRowFile | VersionDocument;

/** Of these a version has those that its task and the config ask for. */
const MAY_BE_ABSENT = [
  'threshold.json',
  'calibrator.json',
  'slices.json',
  'signature.json',
  'learning_curve.json',
  'importance.json',
  'background.json',
] as const satisfies readonly VersionDocument[];

/**
 * A document that a version may keep; `undefined` where it keeps none, as those of other tasks and of earlier releases.
 * Throws `ObjectCorrupt` where it is gone or damaged.
 */
export async function readVersionFileIfAny<File extends VersionDocument>(
  registry: ObjectStore,
  { model_name: algorithm, version, files }: VersionMetadata,
  file: File,
  remedy = REPAIR,
): Promise<DocumentOf<(typeof VERSION_DOCUMENTS)[File]> | undefined> {
  return files?.[file] === undefined ? undefined : readVersionFile(registry, { algorithm, version }, file, remedy);
}

/** A document of a version that is under way, which has no metadata yet; `undefined` where there is none. */
export async function newVersionDocument<File extends VersionDocument>(
  registry: ObjectStore,
  ref: VersionRef,
  file: File,
): Promise<DocumentOf<(typeof VERSION_DOCUMENTS)[File]> | undefined> {
  return kindOf(file).read(registry, versionKey(ref, file), REPAIR);
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
  return versionMetadata.read(registry, versionKey(ref, 'metadata.json'), remedy);
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

/** A document of a version's folder. Throws `ObjectCorrupt` where it is gone, or isn't what was written. */
export async function readVersionFile<File extends VersionDocument>(
  registry: ObjectStore,
  ref: VersionRef,
  file: File,
  remedy = REPAIR,
): Promise<DocumentOf<(typeof VERSION_DOCUMENTS)[File]>> {
  const checksum = (await readVersion(registry, ref, remedy))?.files?.[file];
  const found = await registry.get(versionKey(ref, file));
  if (!found) throw fileGone(registry, ref, file, remedy);
  if (checksum && sha256(found.body) !== checksum) throw fileDamaged(registry, ref, file, remedy);
  return kindOf(file).parse(registry, versionKey(ref, file), found.body, remedy);
}

/** Writes a document into the folder of a version, once. Throws `AlreadyExists` where there is another. */
export async function createVersionFile<File extends VersionDocument>(
  registry: ObjectStore,
  ref: VersionRef,
  file: File,
  value: DocumentOf<(typeof VERSION_DOCUMENTS)[File]>,
): Promise<void> {
  await kindOf(file).create(registry, versionKey(ref, file), value);
}

/** As {@link createVersionFile}, where another attempt may have seen it otherwise: of two the first one's counts. */
export async function createUnlessThere<File extends VersionDocument>(
  ...file: Parameters<typeof createVersionFile<File>>
): Promise<void> {
  await createVersionFile(...file).catch((error: unknown) => {
    if (!(error instanceof PerdureError && error.type === 'AlreadyExists')) throw error;
  });
}

function kindOf<File extends VersionDocument>(file: File): Document<DocumentOf<(typeof VERSION_DOCUMENTS)[File]>> {
  return VERSION_DOCUMENTS[file] as Document<DocumentOf<(typeof VERSION_DOCUMENTS)[File]>>;
}

/** What the model tests said of a version last; `undefined` for one that was not tested. */
export async function readReadiness(registry: ObjectStore, ref: VersionRef): Promise<VersionReadiness | undefined> {
  return versionReadiness.read(registry, versionKey(ref, 'readiness.json'), TEST_AGAIN);
}

/** A version's card; `undefined` for one of an earlier release. */
export async function readCard(registry: ObjectStore, ref: VersionRef): Promise<string | undefined> {
  return (await registry.get(versionKey(ref, CARD)))?.body.toString();
}

/** A version's model as a local file. Throws `ObjectCorrupt` where it is gone, or isn't what was written. */
export async function modelFile(registry: ObjectStore, metadata: VersionMetadata): Promise<string> {
  return openModelFile(registry, modelRef(registry, metadata));
}

async function openModelFile(registry: ObjectStore, model: ModelRef): Promise<string> {
  return openFile(registry, model, modelFileOf(model), model.checksum);
}

async function openFile(
  registry: ObjectStore,
  ref: VersionRef,
  file: VersionFile,
  checksum: string,
  remedy = REPAIR,
): Promise<string> {
  try {
    return await registry.localFile(versionKey(ref, file), checksum);
  } catch (error) {
    if (!(error instanceof PerdureError)) throw error;
    if (error.type === 'NotFound') throw fileGone(registry, ref, file, remedy);
    throw error.type === 'ObjectCorrupt' ? fileDamaged(registry, ref, file, remedy) : error;
  }
}

/** The name of a model's file in its version's folder. */
export function modelFileOf({ uri }: Pick<ModelRef, 'uri'>): ModelFile {
  return uri.slice(uri.lastIndexOf('/') + 1) as ModelFile;
}

/**
 * Insists that all of a version is there as it was written, so that whoever uses it can.
 * @throws PerdureError `ObjectCorrupt`
 */
export async function checkVersion(registry: ObjectStore, ref: VersionRef): Promise<void> {
  const metadata = await requireVersion(registry, ref);
  for (const file of Object.keys(metadata.files ?? {})) {
    if (file === metadata.model_file) await modelFile(registry, metadata);
    else if (isRowFile(file)) await rowFile(registry, ref, file);
    else await readVersionFile(registry, ref, file as VersionDocument);
  }
}

function isRowFile(file: string): file is VersionRowFile {
  return (VERSION_ROW_FILES as readonly string[]).includes(file);
}

/** What a version knows of single rows, as a local file; `undefined` for one that has none, as those of earlier releases. */
export async function rowFile(
  registry: ObjectStore,
  ref: VersionRef,
  file: VersionRowFile,
  remedy = REPAIR,
): Promise<string | undefined> {
  const checksum = (await requireVersion(registry, ref, remedy)).files?.[file];
  return checksum === undefined ? undefined : openFile(registry, ref, file, checksum, remedy);
}

/**
 * SHA-256 of what lies beside the metadata that a version is about to get.
 * @param rowFiles those of its {@link ROW_FILES}
 * @throws PerdureError `ObjectCorrupt` where a file isn't there, or the model isn't the one that was fitted
 */
export async function checksumsOf(
  registry: ObjectStore,
  model: ModelRef,
  rowFiles: Partial<Record<RowFile, string>>,
): Promise<VersionMetadata['files']> {
  await openModelFile(registry, model);
  const checksums: NonNullable<VersionMetadata['files']> = { [modelFileOf(model)]: model.checksum, ...rowFiles };
  for (const file of ['preprocessing.json', 'performance.json', 'profile.json'] as const) {
    const found = await registry.get(versionKey(model, file));
    if (!found) throw fileGone(registry, model, file);
    checksums[file] = sha256(found.body);
  }
  for (const file of MAY_BE_ABSENT) {
    const found = await registry.get(versionKey(model, file));
    if (found) checksums[file] = sha256(found.body);
  }
  // An evaluation by a worker of an earlier release leaves none.
  const scores = await registry.get(versionKey(model, REFERENCE_SCORES));
  if (scores) checksums[REFERENCE_SCORES] = sha256(scores.body);
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

/** Which version a metadata is of. */
export function refOf({ model_name: algorithm, version }: Pick<VersionMetadata, 'model_name' | 'version'>): VersionRef {
  return { algorithm, version };
}

/** The model file of a registered version. */
export function modelRef(
  registry: ObjectStore,
  { model_name, version, lineage, model_file }: VersionMetadata,
): ModelRef {
  const uri = registry.uri(versionKey({ algorithm: model_name, version }, model_file));
  return { algorithm: model_name, version, uri, checksum: lineage.model_checksum };
}
