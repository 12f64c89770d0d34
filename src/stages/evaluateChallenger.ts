import { join } from 'node:path';
import type { Pipeline } from '../config/load.js';
import type {
  DatasetRef,
  MetricName,
  PromotionDecision,
  SliceMetrics,
  SplitName,
  TaskMetrics,
  TaskSpec,
  VersionRef,
} from '../contracts/index.js';
import { readDatasetMetadata } from '../data/dataset.js';
import { readParquetSql, withDuckDb } from '../data/duckdb.js';
import { goldFilesAsOf } from '../data/goldAsOf.js';
import { writeMatrix } from '../data/matrix.js';
import { inputColumns, type InputColumn } from '../data/inputColumns.js';
import { readTrainingRows, type RowsOfSplit, type TrainingRows } from '../data/trainingRows.js';
import { splitDays, trainingSplit } from '../data/trainingSplit.js';
import { PerdureError, type ErrorType } from '../errors.js';
import {
  promotionGate,
  type PromotionCase,
  type ScoredVersion,
  type UnscoredVersion,
} from '../registry/promotionGate.js';
import type { StageContext } from './context.js';
import { openModel, scoreRows, thresholdOf } from './openModel.js';

export interface Challenge {
  dataset: DatasetRef;
  /** The split of the dataset whose rows both models score. */
  split: SplitName;
  metric: MetricName;
  challenger: VersionRef;
  /** Of the challenger's metrics on the split, as they were evaluated. */
  intervals?: TaskMetrics['intervals'];
  /** The challenger's metrics on slices of the split. */
  slices?: SliceMetrics[];
  /** As {@link PromotionCase.failedTests}. */
  failedTests?: PromotionCase['failedTests'];
  /** `null` where there is none yet. */
  champion: VersionRef | null;
}

/**
 * Puts a challenger before the pipeline's promotion gate. Both models score the same raw gold rows, each by the
 * transforms that it was trained with: the champion's is another than the new dataset's. A champion that is gone, damaged
 * or needs a feature that there is no more stops nothing: the gate decides without it.
 */
export async function evaluateChallenger(
  context: StageContext,
  pipeline: Pipeline,
  { dataset, split, metric, challenger, intervals, slices, failedTests, champion }: Challenge,
): Promise<PromotionDecision> {
  const { task, ...rows } = await rowsOf(context, pipeline, dataset, split);
  return promotionGate(
    {
      task,
      metric: task.task === 'binary' ? 'roc_auc' : metric,
      seed: pipeline.config.model_config.random_state,
      labels: rows.labels,
      challenger: await scored(context, pipeline, challenger, task, rows),
      ...(intervals && { intervals }),
      ...(slices && { slices }),
      ...(failedTests !== undefined && { failedTests }),
      champion:
        champion &&
        (await scored(context, pipeline, champion, task, rows).catch((error: unknown) => unscored(champion, error))),
    },
    pipeline.config.promotion_gate,
  );
}

/**
 * The rows of a split with every feature that gold has: the champion may read others than the new model.
 * @param only of the first of them, or with the digests of their keys
 */
export async function rowsOf(
  context: StageContext,
  pipeline: Pipeline,
  dataset: DatasetRef,
  name: SplitName,
  only: Pick<RowsOfSplit, 'limit' | 'keys'> = {},
): Promise<TrainingRows & { task: TaskSpec }> {
  const stores = context.stores(pipeline);
  const { task, as_of: asOf, labelled_to: labelledTo } = await readDatasetMetadata(stores.datamart, dataset);
  return withDuckDb(context, async (database) => {
    const reader = { database, scratch: context.scratch, pipeline, stores };
    const files = await goldFilesAsOf(reader, splitDays(trainingSplit(pipeline), name, asOf), asOf);
    const inputs: InputColumn[] = files[0]
      ? await inputColumns(database, pipeline, readParquetSql([files[0].features.path]))
      : [];
    return {
      task,
      ...(await readTrainingRows(database, pipeline, files, { name, asOf, labelledTo, ...only }, inputs, task)),
    };
  });
}

/** What a version says of raw rows, by the transforms that it was trained with. Throws `InputInvalid` where it can't score them. */
export async function scored(
  context: StageContext,
  pipeline: Pipeline,
  ref: VersionRef,
  task: TaskSpec,
  rows: TrainingRows,
): Promise<ScoredVersion> {
  const model = await openModel(context.stores(pipeline).modelRegistry, ref);
  const { preprocessing, threshold } = model;
  if (!isSameTask(preprocessing.task, task)) {
    throw new PerdureError(
      'InputInvalid',
      `${ref.algorithm} ${ref.version} predicts something else than the new versions (${inWords(preprocessing.task)}, not ${inWords(task)}), so their rows can't be compared.`,
    );
  }
  const { inputs, transforms, features } = preprocessing;
  const gone = inputs.filter(({ name }) => !rows.table.columns.has(name)).map(({ name }) => name);
  if (gone.length > 0) {
    throw new PerdureError(
      'InputInvalid',
      `${ref.algorithm} ${ref.version} needs ${gone.join(', ')}, which pipeline.json doesn't name as a feature any more, and without them it can't score a row; train a new version.`,
    );
  }
  const path = join(context.scratch, 'compared.parquet');
  await writeMatrix(path, transforms, rows.table);
  const output = await scoreRows(context, model, { path, features });
  return { ref, output, threshold: thresholdOf(pipeline, threshold) };
}

function isSameTask(one: TaskSpec, other: TaskSpec): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function inWords(task: TaskSpec): string {
  return task.task === 'regression' ? `a regression by ${task.objective}` : `the classes ${task.classes.join(', ')}`;
}

/** What makes a version useless, whoever asks; a store or an engine that fails now is a failure to look. */
const USELESS: ReadonlySet<string> = new Set<ErrorType>(['NotFound', 'ObjectCorrupt', 'InputInvalid', 'EngineFailed']);

export function isUseless(error: unknown): error is PerdureError {
  return error instanceof PerdureError && USELESS.has(error.type);
}

function unscored(ref: VersionRef, error: unknown): UnscoredVersion {
  if (!isUseless(error)) throw error;
  return { ref, unscored: error.message };
}
