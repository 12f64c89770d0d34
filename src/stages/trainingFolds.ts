import { INTERNAL } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import { foldCount } from '../config/schema.js';
import type { TaskSpec } from '../contracts/index.js';
import type { InputColumn } from '../data/inputColumns.js';
import type { TrainingRows } from '../data/trainingRows.js';
import { gapDays } from '../data/splits/time.js';
import { mayCalibrate } from './calibration.js';
import { foldsOf, seededFolds, type FoldSettings } from '../ml/folds.js';
import type { StoredFolds } from '../ml/engines/pool.js';
import type { FittedTransforms } from '../ml/transforms/fitted.js';
import type { TransformTarget } from '../ml/transforms/flow.js';
import { foldColumns } from '../ml/transforms/foldColumns.js';
import { learnsFromLabels } from '../ml/transforms/transforms.js';
import type { TransformSettings } from '../ml/transforms/settings.js';
import type { Column } from '../platform/files/parquet.js';

/** Folds of the search; 0 where there is one candidate, and nobody asked for its score. */
export function foldsOfSearch({ config }: Pick<Pipeline, 'config'>): number {
  const { training_config, model_config } = config;
  return foldCount(config, training_config.hyperparameter_tuning ? model_config.n_iter_search : 1);
}

/** The same, or more where probabilities are to be calibrated. */
export function foldsOfTraining(pipeline: Pick<Pipeline, 'config'>, { task }: TaskSpec): number {
  return foldsOfSearch(pipeline) || (mayCalibrate(pipeline.config, task) ? foldCount(pipeline.config) : 0);
}

/** What to do where the train split has too few rows for the folds. */
export const FEWER_FOLDS = 'lower model_config.cv_folds, widen the split or process more data';

/** The column of gold that the folds go by, where the split of `pipeline.json` is by group or by time. */
export function foldInput({ definition: { split, partition } }: Pipeline): InputColumn | undefined {
  if (split?.by === 'group') return { name: split.column, kind: 'category', type: 'categorical' };
  if (split?.by === 'time' && partition.column !== undefined)
    return { name: partition.column, kind: 'date', type: 'numeric' };
  return undefined;
}

/** What transforms learn from: the labels of training rows, and their groups where the split is by group. */
export function transformTarget(
  { labels, beside }: Pick<TrainingRows, 'labels' | 'beside'>,
  task: TaskSpec,
): TransformTarget {
  return { labels, task, ...(beside?.kind === 'category' && { groups: beside.codes }) };
}

/** Folds as the training file has them, beside a row's features. */
export interface FoldsOfTraining {
  stored?: StoredFolds;
  columns: Record<string, Column>;
}

/**
 * The folds of a cross-validation, which follow the split: groups stay whole, each stretch of time is tested by what came
 * before; by chance, with a share of every class, otherwise. What the transforms learn from labels is fitted anew within each fold.
 *
 * @param rows of the train split, with the column of {@link foldInput} as `beside`
 * @throws PerdureError `InputInvalid` where there are too few groups, days or rows of a class for so many folds
 */
export function trainingFolds(
  pipeline: Pipeline,
  rows: TrainingRows,
  { task, transforms, settings }: { task: TaskSpec; transforms: FittedTransforms; settings: TransformSettings },
): FoldsOfTraining {
  const count = foldsOfTraining(pipeline, task);
  if (count === 0) return { columns: {} };
  const { beside, labels, table } = rows;
  const { split } = pipeline.definition;
  let chosen: FoldSettings = seededFolds(task, count, pipeline.config.model_config.random_state);
  if (beside?.kind === 'category') chosen = { by: 'group', count };
  if (beside?.kind === 'date')
    chosen = { by: 'time', count, gap: split?.by === 'time' && split.gap !== undefined ? gapDays(split.gap) : 0 };
  const learning = transforms.columns.some((column) => learnsFromLabels(column));
  if (!beside && !learning) return { columns: {} };

  const folds = foldsOf(
    chosen,
    table.rows,
    {
      labels,
      ...(beside?.kind === 'category' && { groups: beside.codes }),
      ...(beside?.kind === 'date' && { times: beside.values }),
    },
    { of: ' of the cross-validation', remedy: FEWER_FOLDS },
  );
  const target = transformTarget(rows, task);
  const stored: StoredFolds = { count, tested: INTERNAL.fold, refitted: [] };
  const columns: Record<string, Column> = { [INTERNAL.fold]: Int16Array.from(folds.tested) };
  if (folds.trainedSince) {
    stored.trainedSince = INTERNAL.foldSince;
    columns[INTERNAL.foldSince] = Int16Array.from(folds.trainedSince);
  }
  for (let fold = 0; learning && fold < count; fold++) {
    const refitted: Record<number, string> = {};
    for (const [position, values] of foldColumns(settings, transforms, table, target, folds, fold)) {
      refitted[position] = `${INTERNAL.fold}_${fold}_${position}`;
      columns[refitted[position]] = values;
    }
    stored.refitted.push(refitted);
  }
  return { stored, columns };
}
