import { join } from 'node:path';
import type { Pipeline } from '../config/load.js';
import type { DatasetRef, PreprocessInput, Window } from '../contracts/index.js';
import { datasetKey, type DatasetMetadata, type DatasetWindow, type Scaler } from '../data/dataset.js';
import { withDuckDb, type Database } from '../data/duckdb.js';
import type { DayRange } from '../data/layers.js';
import { modelInput } from '../data/modelInput.js';
import { writeColumns } from '../data/parquet.js';
import { dayOf, earlier } from '../data/partitions.js';
import { goldFiles, readTrainingRows, type TrainingRows } from '../data/trainingRows.js';
import { PerdureError } from '../errors.js';
import { fitStandardScale } from '../learning/standardScaler.js';
import { profileColumn, type DatasetProfile } from '../monitoring/profile.js';
import { versionId } from '../registry/versions.js';
import { updateJson, writeJson } from '../storage/documents.js';
import type { Stores } from '../storage/objectStore.js';
import type { Stage, StageContext } from './context.js';

const WINDOWS = ['train', 'test', 'oot'] as const satisfies Window[];
const LATEST = 'gold/preprocessed/latest.json';

/** `latest.json`: the newest preprocessed dataset. */
interface LatestDataset {
  id: string;
  uri: string;
  checksum: string;
}

/** What the training window decides for all windows. */
interface Preprocessing {
  /** Columns in the files' order: scaled ones first, then the rest. */
  features: string[];
  scaler: Scaler;
}

/**
 * Gold as training data: features joined with labels, cut into the three temporal windows, scaled by the training
 * window's mean and standard deviation, in `gold/preprocessed/<id>/`. `metadata.json` is written last, so a folder
 * without one is unfinished; then `latest.json` moves on, never back.
 *
 * @throws PerdureError `InputInvalid` for a window without rows, or a training window with one class only
 */
export const preprocess: Stage<PreprocessInput, DatasetRef> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const stores = context.stores(pipeline);
  const metadata = await withDuckDb(context, (database) => buildDataset(context, database, pipeline, stores, input));

  const { id, windows } = metadata;
  const written = await writeJson(stores.datamart, datasetKey(id, 'metadata.json'), metadata);
  await updateJson<LatestDataset>(stores.datamart, LATEST, (current) => (current && current.id > id ? undefined : { id, ...written }), () => undefined);
  return { id, ...written, rows: { train: windows.train.rows, test: windows.test.rows, oot: windows.oot.rows } };
};

/** Writes all of a dataset but its metadata, which is returned. */
async function buildDataset(context: StageContext, database: Database, pipeline: Pipeline, stores: Stores, input: PreprocessInput): Promise<DatasetMetadata> {
  const { datamart } = stores;
  const id = `train_data_${versionId(input.run).slice(1)}`;
  const windows: Partial<Record<Window, DatasetWindow>> = {};
  const partitions: DatasetMetadata['partitions'] = {};
  let preprocessing: Preprocessing | undefined;
  for (const [done, window] of WINDOWS.entries()) {
    const { start_date, end_date } = pipeline.config.temporal_splits[window];
    const days = { from: start_date, to: earlier(end_date, dayOf(input.asOf)) };
    const files = await goldFiles(stores, days);
    for (const { features, labels } of files) {
      partitions[features.partition] = { feature_store: features.checksum, label_store: labels.checksum };
    }
    const rows = await readTrainingRows(database, pipeline, files, days);
    const positives = rows.labels.reduce((sum, label) => sum + label, 0);
    checkWindow(window, days, rows.labels.length, positives);
    if (!preprocessing) {
      preprocessing = fit(pipeline, rows);
      const profile = profileOf(pipeline, preprocessing, rows, { start_date, end_date });
      await writeJson(datamart, datasetKey(id, 'profile.json'), profile);
      await writeJson(datamart, datasetKey(id, 'scaler.json'), preprocessing.scaler);
    }
    const path = join(context.scratch, `${window}.parquet`);
    await writeColumns(path, modelInput(pipeline, preprocessing, rows));
    const { checksum } = await datamart.upload(path, datasetKey(id, `${window}_processed.parquet`));
    windows[window] = { start_date, end_date, rows: rows.labels.length, positives, checksum };
    context.report({ what: 'windows', done: done + 1, total: WINDOWS.length });
  }
  return {
    id,
    pipeline: pipeline.definition.name,
    as_of: input.asOf,
    ...preprocessing!,
    label: pipeline.definition.label,
    windows: windows as Record<Window, DatasetWindow>,
    partitions,
    config_hash: pipeline.configHash,
  };
}

function checkWindow(window: Window, { from, to }: Required<DayRange>, rows: number, positives: number): void {
  if (rows === 0) {
    throw new PerdureError('InputInvalid', `The ${window} window has no rows from ${from} to ${to}; process more data or change temporal_splits.`);
  }
  if (window === 'train' && (positives === 0 || positives === rows)) {
    throw new PerdureError('InputInvalid', `All ${rows} rows of the train window have the label ${positives === 0 ? 0 : 1}; nothing can be learned from one class.`);
  }
}

/** Chooses the columns and fits the scaler, on the training window alone. */
function fit(pipeline: Pipeline, { columns }: TrainingRows): Preprocessing {
  const { feature_selection } = pipeline.config.training_config;
  const chosen = pipeline.definition.features.filter(({ name }) => !feature_selection || varies(columns.get(name)!));
  if (chosen.length === 0) {
    throw new PerdureError('InputInvalid', 'Every feature is constant over the train window; nothing can be learned from them.');
  }
  const scaled = chosen.filter(({ scale }) => scale);
  const rest = chosen.filter(({ scale }) => !scale);
  return {
    features: [...scaled, ...rest].map(({ name }) => name),
    scaler: Object.fromEntries(scaled.map(({ name }) => [name, fitStandardScale(columns.get(name)!)])),
  };
}

function varies(values: Float64Array): boolean {
  return values.some((value) => !Object.is(value, values[0]));
}

function profileOf(pipeline: Pipeline, { features }: Preprocessing, { columns, labels }: TrainingRows, window: DatasetProfile['window']): DatasetProfile {
  const types = new Map(pipeline.definition.features.map(({ name, type }) => [name, type]));
  return {
    window,
    rows: labels.length,
    columns: Object.fromEntries(features.map((name) => [name, profileColumn(columns.get(name)!, types.get(name)!)])),
  };
}
