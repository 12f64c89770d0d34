import type { Pipeline } from '../../config/load.js';
import { type VersionRef, versionName } from '../../contracts/index.js';
import { CARD, requireVersion, versionKey, type VersionFile, type VersionMetadata } from '../../registry/versions.js';
import type { ObjectStore, Stores } from '../storage/objectStore.js';
import { metricsOf, type LoggedMetric } from './metrics.js';
import type { MlflowClient } from './mlflowClient.js';
import { listed, TAG, tagged, type MlflowNames } from './mlflowNames.js';
import { modelFiles } from './modelFiles.js';
import type { WaitingTraining } from './waitingTrainings.js';

/** What MLflow takes in one request. */
const METRICS_AT_ONCE = 1_000;
const PARAMS_AT_ONCE = 100;

/** Characters that MLflow keeps of a tag and of a parameter. */
const LONGEST = 5_000;

/** Where it is written. */
export interface Destination extends MlflowNames {
  client: MlflowClient;
  experimentId: string;
}

interface MlflowRun {
  info: { run_id: string; status: string; artifact_uri: string };
  outputs?: { model_outputs?: { model_id: string }[] };
}

interface LoggedModel {
  info: { model_id: string; status: string; artifact_uri: string };
}

/**
 * Writes a training: a run with what it came to and its page, below it a run per version with parameters, metrics, dataset
 * and card, and each version's model, registered. Written again, it completes what is missing: runs, models and versions
 * are found by their tags, and metrics have the time of the training, by which MLflow knows them.
 *
 * @returns address of the training's run
 * @throws MlflowError, and PerdureError where a file of a version is gone or damaged
 */
export async function logTraining(
  destination: Destination,
  pipeline: Pipeline,
  { modelRegistry, monitoring }: Pick<Stores, 'modelRegistry' | 'monitoring'>,
  training: WaitingTraining,
): Promise<string> {
  const { client, experimentId } = destination;
  const { run, challenger, champion, promotion, comparison, page, at } = training;
  const parent = await openRun(destination, {
    name: pipeline.definition.name,
    startedAt: run.startedAt,
    found: { [TAG.kind]: 'training', [TAG.run]: run.runId },
    tags: {
      ...runTags(pipeline, training),
      'perdure.challenger': versionName(challenger),
      'perdure.champion': champion ? versionName(champion) : 'none',
      'perdure.promotion': promotion.decision,
      'mlflow.note.content': promotion.reason,
    },
  });
  if (!isFinished(parent)) {
    for (const version of training.trained) {
      const metadata = await requireVersion(modelRegistry, version);
      await logVersion(destination, pipeline, modelRegistry, training, parent, metadata);
    }
    await logMetrics(
      client,
      parent,
      run.startedAt,
      comparison.flatMap(({ metric, scores }) => {
        const value = scores[challenger.algorithm];
        return typeof value === 'number' ? [{ key: metric, value, step: 0 }] : [];
      }),
    );
    if (page !== undefined)
      await client.putArtifact(parent.info.artifact_uri, 'report.html', { file: await monitoring.localFile(page) });
    const gate = versionKey(challenger, 'promotion.json');
    if (await modelRegistry.head(gate))
      await client.putArtifact(parent.info.artifact_uri, 'promotion.json', {
        file: await modelRegistry.localFile(gate),
      });
    await finish(client, parent, at);
  }
  return client.page(`experiments/${experimentId}/runs/${parent.info.run_id}`);
}

/** Files of a version that its run has as well, for people and for other tools. */
const CHILD_FILES = [
  CARD,
  'metadata.json',
  'signature.json',
  'importance.json',
] as const satisfies readonly VersionFile[];

async function logVersion(
  destination: Destination,
  pipeline: Pipeline,
  registry: ObjectStore,
  training: WaitingTraining,
  parent: MlflowRun,
  metadata: VersionMetadata,
): Promise<void> {
  const { client } = destination;
  const { model_name: algorithm, version, lineage, best_params, config } = metadata;
  const tags = { [TAG.kind]: 'version', [TAG.algorithm]: algorithm, [TAG.version]: version };
  const run = await openRun(destination, {
    name: algorithm,
    startedAt: training.run.startedAt,
    found: tags,
    tags: {
      ...runTags(pipeline, training),
      'mlflow.parentRunId': parent.info.run_id,
      ...(lineage.code_commit !== null && { 'mlflow.source.git.commit': lineage.code_commit }),
      'perdure.code_commit': lineage.code_commit ?? undefined,
      'perdure.package_version': lineage.package_version,
      'perdure.engine': lineage.engine,
      'perdure.config_version': lineage.config_version,
      'perdure.dataset': lineage.dataset.id,
      'perdure.dataset_checksum': lineage.dataset.checksum,
      'perdure.inputs_digest': lineage.inputs_digest,
      'perdure.model_checksum': lineage.model_checksum,
    },
  });
  if (isFinished(run)) return;

  const model = await openModel(destination, run, metadata, tags);
  const params = { ...best_params, random_state: lineage.seed, scoring: config.search.scoring };
  const written = listed(
    Object.fromEntries(
      Object.entries(params).map(([name, value]) => [name, value === undefined ? undefined : String(value)]),
    ),
  );
  for (let from = 0; from < written.length; from += PARAMS_AT_ONCE)
    await client.post('runs/log-batch', {
      run_id: run.info.run_id,
      params: written.slice(from, from + PARAMS_AT_ONCE),
    });
  await logMetrics(client, run, metadata.training_date, metricsOf(metadata), model.info.model_id);
  await client.post('runs/log-inputs', { run_id: run.info.run_id, datasets: [datasetOf(metadata)] });
  for (const file of CHILD_FILES) {
    const key = versionKey({ algorithm, version }, file);
    // Versions of earlier releases have some of them.
    if (await registry.head(key))
      await client.putArtifact(run.info.artifact_uri, file, { file: await registry.localFile(key) });
  }

  if (model.info.status !== 'LOGGED_MODEL_READY') {
    const about = { modelId: model.info.model_id, runId: run.info.run_id, createdAt: metadata.training_date };
    for (const { path, content } of await modelFiles(registry, pipeline, metadata, about))
      await client.putArtifact(model.info.artifact_uri, path, content);
    await client.patch(`logged-models/${model.info.model_id}`, {
      model_id: model.info.model_id,
      status: 'LOGGED_MODEL_READY',
    });
  }
  if (!run.outputs?.model_outputs?.some(({ model_id }) => model_id === model.info.model_id))
    await client.post('runs/outputs', {
      run_id: run.info.run_id,
      models: [{ model_id: model.info.model_id, step: 0 }],
    });
  await registerVersion(destination, run, model, metadata, tags);
  await finish(client, run, training.at);
}

/** What runs of a training have in common. */
function runTags({ definition, environment }: Pipeline, { run }: WaitingTraining): Record<string, string> {
  return {
    [TAG.pipeline]: definition.name,
    [TAG.environment]: environment,
    [TAG.run]: run.runId,
    [TAG.workflow]: run.workflowId,
    'mlflow.source.name': 'perdure',
    'mlflow.source.type': 'JOB',
  };
}

/** The run with those tags; a new one where there is none. */
async function openRun(
  { client, experimentId }: Destination,
  asked: { name: string; startedAt: string; found: Record<string, string>; tags: Record<string, string | undefined> },
): Promise<MlflowRun> {
  const { runs = [] } = await client.post<{ runs?: MlflowRun[] }>('runs/search', {
    experiment_ids: [experimentId],
    filter: tagged(asked.found),
    max_results: 1,
  });
  if (runs[0]) return runs[0];
  const { run } = await client.post<{ run: MlflowRun }>('runs/create', {
    experiment_id: experimentId,
    run_name: asked.name,
    start_time: Date.parse(asked.startedAt),
    tags: listed({ ...asked.tags, ...asked.found }).map(({ key, value }) => ({ key, value: value.slice(0, LONGEST) })),
  });
  return run;
}

function isFinished({ info }: MlflowRun): boolean {
  return info.status === 'FINISHED';
}

async function finish(client: MlflowClient, { info }: MlflowRun, at: string): Promise<void> {
  await client.post('runs/update', { run_id: info.run_id, status: 'FINISHED', end_time: Date.parse(at) });
}

async function logMetrics(
  client: MlflowClient,
  { info: { run_id } }: MlflowRun,
  at: string,
  metrics: LoggedMetric[],
  model_id?: string,
): Promise<void> {
  const timestamp = Date.parse(at);
  const all = metrics.map((metric) => ({ ...metric, timestamp, ...(model_id !== undefined && { model_id }) }));
  for (let from = 0; from < all.length; from += METRICS_AT_ONCE)
    await client.post('runs/log-batch', { run_id, metrics: all.slice(from, from + METRICS_AT_ONCE) });
}

/** The dataset of a version as an input of its run. MLflow takes 36 characters of a digest; the tags have all of it. */
function datasetOf({ lineage: { dataset } }: VersionMetadata): object {
  return {
    dataset: {
      name: dataset.id,
      digest: dataset.checksum.slice(0, 36),
      source_type: dataset.uri.startsWith('s3:') ? 's3' : 'local',
      source: JSON.stringify({ uri: dataset.uri }),
    },
    tags: listed({ 'mlflow.data.context': 'training' }),
  };
}

/**
 * The model of a run; a new one, of which nothing is uploaded yet, where there is none. MLflow 3.17 would find it by one tag,
 * and by two finds others.
 */
async function openModel(
  { client, experimentId }: Destination,
  run: MlflowRun,
  { model_name: name, best_params }: VersionMetadata,
  tags: Record<string, string>,
): Promise<LoggedModel> {
  const { models = [] } = await client.post<{ models?: LoggedModel[] }>('logged-models/search', {
    experiment_ids: [experimentId],
    filter: `source_run_id = '${run.info.run_id}'`,
    max_results: 1,
  });
  if (models[0]) return models[0];
  const { model } = await client.post<{ model: LoggedModel }>('logged-models', {
    experiment_id: experimentId,
    name,
    model_type: 'perdure',
    source_run_id: run.info.run_id,
    params: listed(Object.fromEntries(Object.entries(best_params).map(([key, value]) => [key, String(value)]))),
    tags: listed(tags),
  });
  return model;
}

/** Makes a version of the registered model of a version of ours, once. */
async function registerVersion(
  { client, registeredModel: name }: Destination,
  run: MlflowRun,
  model: LoggedModel,
  { model_name, version }: VersionMetadata,
  tags: Record<string, string>,
): Promise<void> {
  if (await findRegistered(client, name, { algorithm: model_name, version })) return;
  await client.post('model-versions/create', {
    name,
    source: `models:/${model.info.model_id}`,
    run_id: run.info.run_id,
    model_id: model.info.model_id,
    description: `${model_name} ${version}`,
    tags: listed(tags),
  });
}

/** The number in MLflow of a version of ours; `undefined` where it isn't there. */
export async function findRegistered(
  client: MlflowClient,
  registeredModel: string,
  { algorithm, version }: VersionRef,
): Promise<string | undefined> {
  const filter = `name = '${registeredModel.replaceAll("'", "''")}' and ${tagged({ [TAG.algorithm]: algorithm, [TAG.version]: version })}`;
  const { model_versions = [] } = await client.get<{ model_versions?: { version: string }[] }>(
    'model-versions/search',
    { filter, max_results: '1' },
  );
  return model_versions[0]?.version;
}
