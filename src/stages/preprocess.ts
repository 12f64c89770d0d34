import { join } from 'node:path';
import type { Pipeline } from '../config/load.js';
import { WINDOWS, type DatasetRef, type PreprocessInput, type Window } from '../contracts/index.js';
import { datasetKey, type DatasetMetadata, type DatasetWindow, type Scaler } from '../data/dataset.js';
import { withDuckDb, type Database } from '../data/duckdb.js';
import { modelInput } from '../data/modelInput.js';
import { writeColumns } from '../data/parquet.js';
import { dayOf, earlier } from '../data/partitions.js';
import { lastLabelledDay } from '../data/labels.js';
import { goldFiles, readTrainingRows, windowDays, type TrainingRows } from '../data/trainingRows.js';
import { PerdureError } from '../errors.js';
import { findLeaks } from '../ml/leakage.js';
import { fitStandardScale } from '../ml/standardScaler.js';
import { profileColumn, type DatasetProfile } from '../monitoring/profile.js';
import { versionId } from '../registry/versions.js';
import { updateJson, writeJson } from '../platform/storage/documents.js';
import type { Stores } from '../platform/storage/objectStore.js';
import type { Stage, StageContext } from './context.js';
import { agreeing, countOf } from '../contracts/counts.js';

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
 * Rows count whose labels are known at `asOf`. What is suspicious but can be trained on is said in `warnings`.
 *
 * @throws PerdureError `InputInvalid` for a window without rows, or a training window with too few of one class for the folds
 */
export const preprocess: Stage<PreprocessInput, DatasetRef> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const stores = context.stores(pipeline);
  const metadata = await withDuckDb(context, (database) => buildDataset(context, database, pipeline, stores, input));

  const { id, windows } = metadata;
  const written = await writeJson(stores.datamart, datasetKey(id, 'metadata.json'), metadata);
  await updateJson<LatestDataset>(stores.datamart, LATEST, (current) => (current && current.id > id ? undefined : { id, ...written }), () => undefined);
  return { id, ...written, rows: { train: windows.train.rows, test: windows.test.rows, oot: windows.oot.rows }, warnings: metadata.warnings };
};

/** Writes all of a dataset but its metadata, which is returned. */
async function buildDataset(context: StageContext, database: Database, pipeline: Pipeline, stores: Stores, input: PreprocessInput): Promise<DatasetMetadata> {
  const { datamart } = stores;
  const id = `train_data_${versionId(input.run).slice(1)}`;
  const windows: Partial<Record<Window, DatasetWindow>> = {};
  const partitions: DatasetMetadata['partitions'] = {};
  const warnings: string[] = [];
  const labelledTo = lastLabelledDay(pipeline, input.asOf);
  let preprocessing: Preprocessing | undefined;
  for (const [done, window] of WINDOWS.entries()) {
    const { start_date, end_date } = pipeline.config.temporal_splits[window];
    const files = await goldFiles(stores, windowDays(pipeline, window, input.asOf));
    for (const { features, labels } of files) {
      partitions[features.partition] = { feature_store: features.checksum, label_store: labels.checksum };
    }
    const rows = await readTrainingRows(database, pipeline, files, { from: start_date, to: earlier(end_date, labelledTo) });
    const positives = rows.labels.reduce((sum, label) => sum + label, 0);
    checkWindow(pipeline, window, input.asOf, rows.labels.length, positives);
    warnings.push(...warningsOf(pipeline, window, rows, positives));
    if (!preprocessing) {
      preprocessing = fit(pipeline, rows);
      const profile = profileOf(pipeline, preprocessing, rows, { start_date, end_date });
      await writeJson(datamart, datasetKey(id, 'profile.json'), profile);
      await writeJson(datamart, datasetKey(id, 'scaler.json'), preprocessing.scaler);
    }
    const path = join(context.scratch, `${window}.parquet`);
    await writeColumns(path, modelInput(pipeline, preprocessing, rows));
    const { checksum } = await datamart.upload(path, datasetKey(id, `${window}_processed.parquet`));
    windows[window] = { start_date, end_date, rows: rows.labels.length, positives, unlabelled: rows.unlabelled, checksum };
    context.report({ what: 'windows', done: done + 1, total: WINDOWS.length });
  }
  return {
    id,
    pipeline: pipeline.definition.name,
    as_of: input.asOf,
    labelled_to: labelledTo,
    ...preprocessing!,
    label: pipeline.definition.label,
    windows: windows as Record<Window, DatasetWindow>,
    partitions,
    warnings,
    config_hash: pipeline.configHash,
  };
}

function checkWindow({ config }: Pipeline, window: Window, asOf: string, rows: number, positives: number): void {
  if (rows === 0) {
    const { start_date, end_date } = config.temporal_splits[window];
    const { label_maturity_days: days } = config.monitoring_config;
    throw new PerdureError(
      'InputInvalid',
      `The ${window} window (${start_date} to ${end_date}) has no rows whose labels are known by ${dayOf(asOf)}, which is ${countOf(days, 'day')} after a row's own day; process more data or change temporal_splits.`,
    );
  }
  if (window !== 'train') return;
  if (positives === 0 || positives === rows) {
    throw new PerdureError('InputInvalid', `The train window has ${countOf(rows, 'row')}, all with the label ${positives === 0 ? 0 : 1}; nothing can be learned from one class.`);
  }
  const { cv_folds } = config.model_config;
  const [fewer, label] = positives < rows - positives ? [positives, 1] : [rows - positives, 0];
  if (fewer < cv_folds) {
    throw new PerdureError(
      'InputInvalid',
      `${fewer} of the ${countOf(rows, 'row')} of the train window ${agreeing(fewer, 'has', 'have')} the label ${label}, and ${countOf(cv_folds, 'fold')} need one each; lower model_config.cv_folds, widen the window or process more data.`,
    );
  }
}

/** What a person should know of a window's rows before trusting what is trained on them. */
function warningsOf({ config }: Pipeline, window: Window, { columns, labels, unlabelled }: TrainingRows, positives: number): string[] {
  const warnings: string[] = [];
  if (unlabelled > 0) warnings.push(`${countOf(unlabelled, 'row')} of the ${window} window ${agreeing(unlabelled, 'has', 'have')} no label yet (null) and ${agreeing(unlabelled, 'is', 'are')} left out.`);
  if (positives === 0 || positives === labels.length) {
    const decides = config.model_config.champion_metric.startsWith(`${window}.`);
    warnings.push(`The ${window} window has ${countOf(labels.length, 'label')}, all of them ${positives === 0 ? 0 : 1}: what tells two classes apart can't be measured on it${decides ? ', so no model is promoted by it' : ''}.`);
  }
  if (window !== 'train') return warnings;
  for (const { feature, same, auc } of findLeaks(columns, labels)) {
    const what = same ? 'is the label itself in every row' : `alone separates the classes almost perfectly (ROC AUC ${auc.toFixed(4)})`;
    warnings.push(`Leakage: the feature ${feature} ${what} of the train window; leave it out unless it is known before the label is.`);
  }
  return warnings;
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
