import { join } from 'node:path';
import { INTERNAL } from '../config/columns.js';
import { algorithmsToTrain, unableOf, type Pipeline } from '../config/load.js';
import { toldTask } from '../config/schema.js';
import type { DatasetRef, PreprocessInput, SplitName, TaskSpec } from '../contracts/index.js';
import {
  datasetKey,
  datasetMetadata,
  datasetTransforms,
  latestDataset,
  type DatasetMetadata,
  type DatasetSplit,
  type RowFile,
} from '../data/dataset.js';
import { readParquetSql, withDuckDb, type Database } from '../data/duckdb.js';
import { goldFilesAsOf, mayTrain, type GoldFiles } from '../data/goldAsOf.js';
import { requireOneRowAKey } from '../data/goldKeys.js';
import { inputColumns, namesRows, valuesOf, type InputColumn } from '../data/inputColumns.js';
import { lastLabelledDay } from '../data/labels.js';
import { goldPartitions } from '../data/layers.js';
import { columnNames, writeMatrix } from '../data/matrix.js';
import type { Column } from '../platform/files/parquet.js';
import { dayOf } from '../data/partitions.js';
import { countSharedEntities, readTask, readTrainingRows, type TrainingRows } from '../data/trainingRows.js';
import { REFERENCE_ROWS, writeReferenceRows } from '../data/referenceRows.js';
import { TRAINED_ROWS, writeTrainedRows } from '../data/trainedRows.js';
import { splitDays, trainingSplit } from '../data/trainingSplit.js';
import { PerdureError } from '../errors.js';
import { estimatorKind } from '../ml/estimators/estimators.js';
import { findLeaks } from '../ml/leakage.js';
import type { RawTable } from '../ml/table.js';
import type { FittedTransforms } from '../ml/transforms/fitted.js';
import { fitTransforms } from '../ml/transforms/transforms.js';
import { inColumnOrder, transformSettings } from '../data/pipelineTransforms.js';
import { datasetProfile, profileColumn, profileLabels, type DatasetProfile } from '../monitoring/profile.js';
import { checkMetrics } from '../registry/championMetric.js';
import { versionId } from '../registry/versions.js';
import type { Stores } from '../platform/storage/objectStore.js';
import type { Stage, StageContext } from './context.js';
import { checkThresholdTask } from './decisionThreshold.js';
import {
  FEWER_FOLDS,
  foldInput,
  foldsOfTraining,
  trainingFolds,
  transformTarget,
  type FoldsOfTraining,
} from './trainingFolds.js';
import { agreeing, countOf, listOf, shareOf } from '../contracts/counts.js';

const LATEST = 'gold/preprocessed/latest.json';

/** What the training rows decide for all splits. */
interface Preprocessing {
  task: TaskSpec;
  inputs: InputColumn[];
  transforms: FittedTransforms;
}

/**
 * Gold as training data: features joined with labels, cut into splits, transformed by what the training rows say, in
 * `gold/preprocessed/<id>/`. `metadata.json` is written last, so a folder without one is unfinished; then `latest.json`
 * moves on, never back.
 *
 * Rows count whose labels are known at `asOf`. What is suspicious but can be trained on is said in `warnings`.
 *
 * @throws PerdureError `InputInvalid` for a split without rows, or training rows with too few of one class for the folds
 */
export const preprocess: Stage<PreprocessInput, DatasetRef> = async (context, input) => {
  const pipeline = await context.pipeline(input.pipeline);
  const stores = context.stores(pipeline);
  const metadata = await withDuckDb(context, (database) => buildDataset(context, database, pipeline, stores, input));

  const { id, splits, task } = metadata;
  const unable = unableOf(pipeline.config, algorithmsToTrain(pipeline.config), task);
  const written = await datasetMetadata.write(stores.datamart, datasetKey(id, 'metadata.json'), metadata);
  await latestDataset.update(
    stores.datamart,
    LATEST,
    (current) => (current && current.id > id ? undefined : { id, ...written }),
    () => undefined,
  );
  return {
    id,
    ...written,
    rows: Object.fromEntries(Object.entries(splits).map(([name, { rows }]) => [name, rows])),
    warnings: metadata.warnings,
    ...(unable.length > 0 && { unable }),
  };
};

/** Writes all of a dataset but its metadata, which is returned. */
async function buildDataset(
  context: StageContext,
  database: Database,
  pipeline: Pipeline,
  stores: Stores,
  input: PreprocessInput,
): Promise<DatasetMetadata> {
  const { datamart } = stores;
  const { asOf } = input;
  await requireOneRowAKey(database, pipeline, stores);
  const reader = { database, scratch: context.scratch, pipeline, stores };
  const id = `train_data_${versionId(input.run).slice(1)}`;
  const splits: DatasetMetadata['splits'] = {};
  const partitions: DatasetMetadata['partitions'] = {};
  const warnings: string[] = [];
  const labelledTo = lastLabelledDay(pipeline, asOf);
  const split = trainingSplit(pipeline);
  const filesOf = new Map<string, GoldFiles>();
  let decided: Preprocessing | undefined;
  const row_files: NonNullable<DatasetMetadata['row_files']> = {};
  const keep = async (file: RowFile, path: string) => {
    row_files[file] = (await datamart.upload(path, datasetKey(id, file))).checksum;
  };
  let folds: FoldsOfTraining = { columns: {} };
  for (const [done, name] of split.names.entries()) {
    const files = await goldFilesAsOf(reader, splitDays(split, name, asOf), asOf);
    if (files.length === 0) await refuseLater(pipeline, stores, name, asOf);
    for (const file of files) {
      const { features, labels, unlabelled = false } = file;
      filesOf.set(features.partition, file);
      if (!mayTrain(features.partition, unlabelled, labelledTo)) continue;
      partitions[features.partition] = { feature_store: features.checksum, label_store: labels.checksum };
    }
    const asked = { name, asOf, labelledTo };
    const task = decided?.task ?? (await readTask(database, pipeline, files, asked));
    if (!decided) {
      checkMetrics(pipeline, task);
      checkThresholdTask(pipeline.config, task);
    }
    const inputs = decided?.inputs ?? (await readInputs(database, pipeline, files, name, asOf));
    const folding = name === 'train' ? foldInput(pipeline) : undefined;
    const wanted = { ...asked, keys: name === 'train' };
    const rows = await readTrainingRows(database, pipeline, files, wanted, inputs, task, folding);
    if (rows.labels.length === 0 && !split.required.includes(name)) continue;
    const classes = classesOf(rows, task);
    checkSplit(pipeline, name, asOf, rows, task, classes);
    warnings.push(...warningsOf(pipeline, name, rows, task, classes));
    if (!decided) {
      const chosen = inputs.filter(
        (column) =>
          (!pipeline.config.training_config.feature_selection || varies(rows.table, column)) &&
          !namesRows(pipeline.definition, column.name, rows.table.columns.get(column.name)!),
      );
      if (chosen.length === 0)
        throw new PerdureError(
          'InputInvalid',
          'Every feature is constant over the train split; nothing can be learned from them.',
        );
      decided = {
        task,
        inputs: chosen,
        transforms: fitTransforms(
          transformSettings(pipeline, chosen),
          only(chosen, rows.table),
          transformTarget(rows, task),
        ),
      };
      await datasetProfile.write(
        datamart,
        datasetKey(id, 'profile.json'),
        profileOf(decided, rows, daysOf(pipeline, name, asOf)),
      );
      await datasetTransforms.write(datamart, datasetKey(id, 'transforms.json'), decided.transforms);
      const reference = join(context.scratch, REFERENCE_ROWS);
      if (
        pipeline.config.monitoring_config.drift_warnings &&
        (await writeReferenceRows(reference, chosen, rows.table, task.task === 'regression' ? rows.labels : undefined))
      )
        await keep(REFERENCE_ROWS, reference);
    }
    if (name === 'train') {
      const trained = join(context.scratch, TRAINED_ROWS);
      await writeTrainedRows(trained, rows.keys!);
      await keep(TRAINED_ROWS, trained);
      folds = trainingFolds(pipeline, rows, {
        task,
        transforms: decided.transforms,
        settings: transformSettings(pipeline, decided.inputs),
      });
    }
    const path = join(context.scratch, `${name}.parquet`);
    const label = { [labelColumn(pipeline, columnNames(decided.transforms))]: labelsOf(rows, task) };
    await writeMatrix(path, decided.transforms, rows.table, {
      label: { ...label, ...(name === 'train' && folds.columns) },
      ...(name === 'train' && { target: transformTarget(rows, task) }),
    });
    const { checksum } = await datamart.upload(path, datasetKey(id, `${name}_processed.parquet`));
    splits[name] = {
      ...daysOf(pipeline, name, asOf),
      rows: rows.labels.length,
      ...(classes && { classes }),
      unlabelled: rows.unlabelled,
      checksum,
    };
    context.report({ what: 'splits', done: done + 1, total: split.names.length });
  }
  const { entity: column } = pipeline.definition;
  const entity = column !== undefined && {
    column,
    shared: await countSharedEntities(database, pipeline, [...filesOf.values()], column, { asOf, labelledTo }),
  };
  if (entity) warnings.push(...warningsOfShared(entity));
  warnings.push(...warningsOfPast([...filesOf.values()], asOf));
  return {
    id,
    pipeline: pipeline.definition.name,
    as_of: asOf,
    labelled_to: labelledTo,
    ...decided!,
    features: columnNames(decided!.transforms),
    label: labelColumn(pipeline, columnNames(decided!.transforms)),
    splits,
    ...(folds.stored && { folds: folds.stored }),
    ...(Object.keys(row_files).length > 0 && { row_files }),
    partitions,
    ...(entity && { entity }),
    warnings,
    config_hash: pipeline.configHash,
  };
}

/** The label's column beside those of the features, which may have any name. */
function labelColumn({ definition: { label } }: Pipeline, features: string[]): string {
  return features.includes(label) ? INTERNAL.label : label;
}

function labelsOf({ labels }: TrainingRows, { task }: TaskSpec): Column {
  return task === 'binary' ? Int8Array.from(labels) : labels;
}

async function readInputs(
  database: Database,
  pipeline: Pipeline,
  files: GoldFiles[],
  name: SplitName,
  asOf: string,
): Promise<InputColumn[]> {
  const [first] = files;
  if (!first) throw noRows(pipeline, name, asOf);
  return inColumnOrder(pipeline, await inputColumns(database, pipeline, readParquetSql([first.features.path])));
}

/** Tells of a split without partitions that it has some, which arrived after the moment that the training stands at. */
async function refuseLater(pipeline: Pipeline, stores: Stores, name: SplitName, asOf: string): Promise<void> {
  const there = await goldPartitions(stores, splitDays(trainingSplit(pipeline), name, asOf));
  const [first] = there.flatMap(({ entry }) => entry.since ?? []).sort();
  if (first === undefined) return;
  throw new PerdureError(
    'InputInvalid',
    `The ${name} split has no rows that had arrived by ${dayOf(asOf)}: those of its days came with the processing as of ${first} at the earliest; train as of a later moment, or let processing stand at the day on which rows arrived (--as-of).`,
  );
}

/** First and last day of a split by time. */
function daysOf(pipeline: Pipeline, name: SplitName, asOf: string): Pick<DatasetSplit, 'start_date' | 'end_date'> {
  const windows: Partial<Record<SplitName, { start_date: string; end_date: string }>> =
    pipeline.config.temporal_splits ?? {};
  const fixed = windows[name];
  if (fixed) return { start_date: fixed.start_date, end_date: fixed.end_date };
  const days = trainingSplit(pipeline).days?.(asOf).get(name);
  return days ? { ...(days.from !== undefined && { start_date: days.from }), end_date: days.to } : {};
}

/** A table of some of its columns. */
function only(inputs: InputColumn[], { rows, columns }: RawTable): RawTable {
  return { rows, columns: new Map(inputs.map(({ name }) => [name, columns.get(name)!])) };
}

/** Rows of each class; a regression has none. */
function classesOf({ labels }: TrainingRows, task: TaskSpec): number[] | undefined {
  if (task.task === 'regression') return undefined;
  const classes = task.classes.map(() => 0);
  for (const label of labels) classes[label]! += 1;
  return classes;
}

function checkSplit(
  pipeline: Pipeline,
  name: SplitName,
  asOf: string,
  rows: TrainingRows,
  task: TaskSpec,
  classes: number[] | undefined,
): void {
  if (rows.labels.length === 0) throw noRows(pipeline, name, asOf);
  if (task.task === 'regression' && task.objective === 'poisson') {
    const negative = rows.labels.filter((label) => label < 0);
    if (negative.length > 0)
      throw new PerdureError(
        'InputInvalid',
        `${countOf(negative.length, 'row')} of the ${name} split ${agreeing(negative.length, 'has', 'have')} a label below 0, such as ${negative[0]}, and the objective poisson needs counts; correct the data, or give "objective" squared_error or absolute_error in pipeline.json.`,
      );
  }
  if (name !== 'train') return;
  const all = rows.labels.length;
  const cv_folds = foldsOfTraining(pipeline, task);
  if (task.task === 'regression' || !classes) {
    if (all < cv_folds)
      throw new PerdureError(
        'InputInvalid',
        `The train split has ${countOf(all, 'row')}, and ${countOf(cv_folds, 'fold')} need one each; ${FEWER_FOLDS}.`,
      );
    return;
  }
  if (classes.filter((count) => count > 0).length < 2) {
    throw new PerdureError(
      'InputInvalid',
      `The train split has ${countOf(all, 'row')}, all with the label ${task.classes[classes.findIndex((count) => count > 0)]}; nothing can be learned from one class.`,
    );
  }
  // Several classes may have rare ones, of which a fold has none; folds by group or time have what they have.
  if (task.task !== 'binary' && rows.beside) return;
  const fewest = task.task === 'binary' ? Math.min(...classes) : Math.max(...classes);
  if (fewest < cv_folds) {
    throw new PerdureError(
      'InputInvalid',
      `${fewest} of the ${countOf(all, 'row')} of the train split ${agreeing(fewest, 'has', 'have')} the ${task.task === 'binary' ? '' : 'most frequent '}label ${task.classes[classes.indexOf(fewest)]}, and ${countOf(cv_folds, 'fold')} need one each; ${FEWER_FOLDS}.`,
    );
  }
}

function noRows(pipeline: Pipeline, name: SplitName, asOf: string): PerdureError {
  const { start_date, end_date } = daysOf(pipeline, name, asOf);
  const { label_maturity_days: days } = pipeline.config.monitoring_config;
  const which = end_date === undefined ? '' : ` (${start_date ?? 'the beginning'} to ${end_date})`;
  const maturity = days === 0 ? '' : `, which is ${countOf(days, 'day')} after a row's own day`;
  const until = end_date === undefined ? '' : ` by ${dayOf(asOf)}${maturity}`;
  return new PerdureError(
    'InputInvalid',
    `The ${name} split${which} has no rows whose labels are known${until}; process more data or change the split.`,
  );
}

/** What a leaking feature does, by the task. */
const LEAKING = {
  binary: 'alone separates the classes almost perfectly',
  multiclass: 'alone tells the classes apart almost perfectly',
  regression: 'alone tells the label almost exactly in the rows',
} satisfies Record<TaskSpec['task'], string>;

/** What a person should know of a split's rows before trusting what is trained on them. */
function warningsOf(
  { config, definition }: Pipeline,
  name: SplitName,
  rows: TrainingRows,
  task: TaskSpec,
  classes: number[] | undefined,
): string[] {
  const { table, labels, unlabelled, unknown } = rows;
  const warnings: string[] = [];
  if (unlabelled > 0)
    warnings.push(
      `${countOf(unlabelled, 'row')} of the ${name} split ${agreeing(unlabelled, 'has', 'have')} no label yet (null) and ${agreeing(unlabelled, 'is', 'are')} left out.`,
    );
  if (unknown > 0)
    warnings.push(
      `${countOf(unknown, 'row')} of the ${name} split ${agreeing(unknown, 'has a class', 'have classes')} that the train split doesn't have, and ${agreeing(unknown, 'is', 'are')} left out.`,
    );
  const present = classes?.flatMap((count, position) => (count > 0 ? [position] : [])) ?? [];
  if (task.task !== 'regression' && present.length === 1) {
    const decides = config.model_config.champion_metric?.startsWith(`${name}.`);
    warnings.push(
      `The ${name} split has ${countOf(labels.length, 'label')}, all of them ${task.classes[present[0]!]}: what tells ${task.task === 'binary' ? 'two ' : ''}classes apart can't be measured on it${decides ? ', so no model is promoted by it' : ''}.`,
    );
  }
  if (name !== 'train') return warnings;
  if (toldTask(definition) === undefined && definition.labelSource && task.task !== 'regression') {
    warnings.push(
      `"task" is not set: the label is taken for ${task.task === 'binary' ? `yes or no, with ${task.classes[1]} as the positive class` : `one of the classes ${listOf(task.classes, 5)}`}.`,
    );
  }
  if (task.task === 'regression') warnings.push(...warningsOfSmallLabels(config, task, labels));
  for (const { column, same, measure, value } of findLeaks(table, labels, task.task)) {
    const what = same ? 'is the label itself in every row' : `${LEAKING[task.task]} (${measure} ${value.toFixed(4)})`;
    warnings.push(
      `Leakage: the feature ${column} ${what} of the train split; leave it out unless it is known before the label is.`,
    );
  }
  return warnings;
}

/**
 * Share of the labels' variance from which a split that is not made is missed: on 1,000 rows R2 fell by .004 and .011 in
 * libxgboost's boosting and in a forest, at ten times the share by .06 and .28.
 */
const MISSED_SHARE = 1e-3;

/** Labels in a large unit are small numbers, and so are the gains of their splits, which a library may take for none. */
function warningsOfSmallLabels(config: Pipeline['config'], task: TaskSpec, labels: Float64Array): string[] {
  const mean = labels.reduce((sum, value) => sum + value, 0) / labels.length;
  const squares = labels.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const shares = algorithmsToTrain(config).flatMap((name) => {
    const least = estimatorKind(config.algorithms[name]!.estimator).leastGain(task);
    return least > MISSED_SHARE * squares ? [{ name, share: least / squares }] : [];
  });
  const [first] = shares;
  if (!first || squares === 0) return [];
  const what =
    first.share >= 1
      ? 'no split at all'
      : `no split that explains less than ${Number((100 * first.share).toPrecision(2))}% of their variance`;
  return [
    `The labels of the train split are so small that ${shares.map(({ name }) => name).join(' and ')} ${agreeing(shares.length, 'makes', 'make')} ${what}, as the library takes smaller gains for none; give them in a smaller unit, such as a thousandth, by a "label" of SQL.`,
  ];
}

/** A training that stands before what is known sees rows that were not there yet. */
function warningsOfPast(files: GoldFiles[], asOf: string): string[] {
  const from = files.flatMap(({ knownFrom }) => knownFrom ?? []).sort();
  if (from.length === 0) return [];
  return [
    `What rows of ${countOf(from.length, 'partition')} were on ${dayOf(asOf)} is not known, as their SQL, expectations or columns were changed since, or history.keep_days is over: they are as they were on ${dayOf(from[0]!)}${from.at(-1) === from[0] ? '' : ` to ${dayOf(from.at(-1)!)}`}, with what was corrected until then.`,
  ];
}

/** Rows about entities that train knows are easier than those about new ones: what is measured on them says so. */
function warningsOfShared({ column, shared }: NonNullable<DatasetMetadata['entity']>): string[] {
  return shared
    .filter(({ sharedRows }) => sharedRows > 0)
    .map(
      ({ split, rows, sharedRows }) =>
        `${Math.round((100 * sharedRows) / rows)}% of the rows of ${split} belong to a ${column} that the train split has as well (${shareOf(sharedRows, rows, 'rows')}), so they say little of one that it doesn't have; a split by group keeps each on one side.`,
    );
}

/** Whether a feature has more than one value among the training rows; a missing one counts as a value. */
function varies({ columns }: RawTable, { name }: InputColumn): boolean {
  const column = columns.get(name)!;
  const values: ArrayLike<number> = column.kind === 'category' ? column.codes : column.values;
  return Array.prototype.some.call(values, (value) => !Object.is(value, values[0]));
}

function profileOf(
  { inputs, task }: Preprocessing,
  { table: { columns, rows }, labels }: TrainingRows,
  window: DatasetProfile['window'],
): DatasetProfile {
  return {
    window,
    rows,
    columns: Object.fromEntries(
      inputs.map(({ name, type }) => [name, profileColumn(valuesOf(columns.get(name)!), type)]),
    ),
    label: profileLabels(task, labels),
  };
}
