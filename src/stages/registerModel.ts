import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { launchOfThisTask } from '../platform/ecs/taskDocuments.js';
import { estimatorOf, type Pipeline } from '../config/load.js';
import {
  plannedParams,
  type CandidateResult,
  type Params,
  type RegisteredModel,
  type RegisterModelInput,
  type VersionRef,
} from '../contracts/index.js';
import { datasetKey, readDatasetMetadata, ROW_FILES, type DatasetMetadata } from '../data/dataset.js';
import { PerdureError } from '../errors.js';
import { modelCard, type CardFacts } from '../registry/modelCard.js';
import { signatureOf } from '../registry/signature.js';
import { importanceChange } from '../registry/importanceHistory.js';
import { originOf } from '../registry/origin.js';
import { latestKey, movePointer } from '../registry/pointers.js';
import { indexVersion } from '../registry/versionIndex.js';
import {
  CARD,
  checksumsOf,
  newVersionDocument,
  createVersionFile,
  modelFileOf,
  modelRef,
  readVersion,
  versionKey,
  versionMetadata,
  readVersionFileIfAny,
  type VersionMetadata,
} from '../registry/versions.js';
import { formatResources } from '../platform/resources/resources.js';
import { diskError } from '../platform/files/diskError.js';
import { createFile } from '../platform/storage/createOnly.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import type { Stage, StageContext } from './context.js';
import { searchRecord } from './searchRecord.js';
import { studyRecord } from './studyRecord.js';

/**
 * Makes a version of the files that lie in its folder: what belongs beside the model first, then a line in the index, which
 * gives it its number, `metadata.json` last, then `latest`. Until the metadata is there nobody sees the version.
 */
export const registerModel: Stage<RegisterModelInput, RegisteredModel> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const { datamart, modelRegistry } = context.stores(pipeline);
  const { model, run } = input;

  let metadata = await readVersion(modelRegistry, model);
  if (!metadata) {
    const dataset = await readDatasetMetadata(datamart, input.dataset);
    const { task, inputs, transforms, features, label } = dataset;
    await createVersionFile(modelRegistry, model, 'preprocessing.json', { task, inputs, transforms, features, label });
    await createVersionFile(modelRegistry, model, 'signature.json', signatureOf({ task, inputs, transforms }));
    await createVersionFile(modelRegistry, model, 'performance.json', input.performance);
    const rowFiles = dataset.row_files ?? {};
    for (const file of ROW_FILES) {
      if (rowFiles[file] === undefined) continue;
      const copy = join(context.scratch, file);
      // A folder's own file, which a store may move away.
      const stored = await datamart.localFile(datasetKey(dataset.id, file), rowFiles[file]);
      await copyFile(stored, copy).catch((error: unknown) => {
        throw diskError(error, copy);
      });
      await createFile(modelRegistry, copy, versionKey(model, file));
    }
    const candidates = await candidatesOf(datamart, input);
    const described = await describe(context, pipeline, input, dataset, candidates);
    await writeCard(context, pipeline, input, { metadata: described, dataset });
    const files = await checksumsOf(modelRegistry, model, rowFiles);
    const number = await indexVersion(modelRegistry, described);
    metadata = await complete(modelRegistry, model, { ...described, number, files });
  } else await indexVersion(modelRegistry, metadata);

  await movePointer(modelRegistry, latestKey(model.algorithm), model, run, `trained on ${input.dataset.id}`, {
    overDamage: true,
  });
  const threshold = await readVersionFileIfAny(modelRegistry, metadata, 'threshold.json');
  return { ...modelRef(modelRegistry, metadata), ...(threshold?.rule !== undefined && { threshold }) };
};

/** Writes the card beside the model. Of two attempts that differ in who did it, the first one's word counts. */
async function writeCard(
  context: StageContext,
  pipeline: Pipeline,
  { model }: RegisterModelInput,
  facts: Pick<CardFacts, 'metadata' | 'dataset'>,
): Promise<void> {
  const { modelRegistry } = context.stores(pipeline);
  const { title, source, label, labelSource } = pipeline.definition;
  const importance = await newVersionDocument(modelRegistry, model, 'importance.json');
  const card = modelCard({
    ...facts,
    title,
    source: source.file,
    label: labelSource && 'column' in labelSource ? labelSource.column : label,
    signature: signatureOf(facts.dataset),
    threshold: await newVersionDocument(modelRegistry, model, 'threshold.json'),
    calibrator: await newVersionDocument(modelRegistry, model, 'calibrator.json'),
    slices: await newVersionDocument(modelRegistry, model, 'slices.json'),
    importance,
    importanceChange: importance && (await importanceChange(modelRegistry, model, importance)),
  });
  const file = join(context.scratch, CARD);
  await writeFile(file, card).catch((error: unknown) => {
    throw diskError(error, file);
  });
  await createFile(modelRegistry, file, versionKey(model, CARD)).catch((error: unknown) => {
    if (!(error instanceof PerdureError && error.type === 'AlreadyExists')) throw error;
  });
}

/** Every candidate of the search, with what is recorded of it and why it left. */
async function candidatesOf(datamart: ObjectStore, input: RegisterModelInput): Promise<CandidateResult[]> {
  const folds = input.plan.rungs.flat();
  const paramsOf = await paramsOfCandidates(datamart, input);
  const dropped = new Map(input.dropped.flatMap((group) => group.candidates.map((index) => [index, group] as const)));
  const asked = paramsOf.map((_, index) => ({ index, folds: folds.slice(0, dropped.get(index)?.folds) }));
  const records = await searchRecord(datamart, input).readAll(asked);
  return paramsOf.map((params, index) => {
    const reason = dropped.get(index)?.reason;
    return {
      index,
      params,
      scores: records[index]!.map(({ score }) => score),
      seconds: records[index]!.reduce((sum, { seconds }) => sum + seconds, 0),
      ...(reason === undefined ? {} : { dropped: reason }),
    };
  });
}

/** Parameters of every candidate, by its index. */
async function paramsOfCandidates(datamart: ObjectStore, input: RegisterModelInput): Promise<Params[]> {
  if (!input.plan.study) return input.plan.cells.map((_, index) => plannedParams(input.plan, index));
  const rounds = await studyRecord(datamart, input).readAll();
  return rounds.flatMap(({ candidates }) => candidates.map(({ params }) => params));
}

/** Of two attempts of the run that describe the version, differing in who did it, the first one's word counts. */
async function complete(registry: ObjectStore, ref: VersionRef, metadata: VersionMetadata): Promise<VersionMetadata> {
  try {
    await versionMetadata.create(registry, versionKey(ref, 'metadata.json'), metadata);
    return metadata;
  } catch (error) {
    const first =
      error instanceof PerdureError && error.type === 'AlreadyExists' ? await readVersion(registry, ref) : undefined;
    if (!first) throw error;
    return first;
  }
}

async function describe(
  { engines, resources }: StageContext,
  pipeline: Pipeline,
  input: RegisterModelInput,
  dataset: DatasetMetadata,
  candidates: CandidateResult[],
): Promise<VersionMetadata> {
  const { config } = pipeline;
  const { train, ...evaluating } = dataset.splits;
  const byTime = train?.start_date !== undefined || train?.end_date !== undefined;
  const task = launchOfThisTask();
  const { estimator, script } = estimatorOf(pipeline, input.algorithm);
  return {
    model_name: input.algorithm,
    version: input.model.version,
    training_date: input.run.startedAt,
    task: dataset.task,
    ...(byTime && {
      temporal_splits: Object.fromEntries(
        Object.entries(dataset.splits).map(([name, { start_date, end_date }]) => [name, { start_date, end_date }]),
      ),
    }),
    feature_count: dataset.features.length,
    training_samples: train!.rows,
    ...Object.fromEntries(Object.entries(evaluating).map(([name, { rows }]) => [`${name}_samples`, rows])),
    ...(dataset.entity && { entity: dataset.entity }),
    performance: Object.fromEntries(Object.entries(input.performance).filter(([name]) => name !== 'train')),
    best_params: input.best_params,
    cv_score: input.cv_score,
    candidates,
    config,
    lineage: {
      pipeline: input.pipeline,
      environment: pipeline.environment,
      workflow_id: input.run.workflowId,
      run_id: input.run.runId,
      ...(task ? { task: { launch: task.launch, larger: task.larger, size: formatResources(resources) } } : {}),
      ...(await originOf(pipeline, input.algorithm, dataset, await engines.version(estimator, script))),
      config_hash: pipeline.configHash,
      ...(input.run.config && { config_version: input.run.config.checksum }),
      model_checksum: input.model.checksum,
      dataset: { id: input.dataset.id, uri: input.dataset.uri, checksum: input.dataset.checksum },
      inputs: dataset.partitions,
    },
    model_file: modelFileOf(input.model),
  };
}
