import { listOf } from '../contracts/counts.js';
import type { Pipeline } from '../config/load.js';
import { isAmong } from '../config/columns.js';
import type { SliceMetrics, SplitName } from '../contracts/index.js';
import type { DatasetMetadata } from '../data/dataset.js';
import { describe, readParquetSql, withDuckDb, type Database } from '../data/duckdb.js';
import { goldFilesAsOf, mayTrain, type GoldFiles } from '../data/goldAsOf.js';
import { NUMBER, type InputColumn } from '../data/inputColumns.js';
import { readTrainingRows } from '../data/trainingRows.js';
import { splitDays, trainingSplit } from '../data/trainingSplit.js';
import { PerdureError } from '../errors.js';
import { rowsAt } from '../ml/modelOutput.js';
import { sliceRows, sliceValues, type SliceValues } from '../ml/slices.js';
import { taskOf } from '../ml/tasks/task.js';
import type { VersionSlices } from '../registry/slices.js';
import type { StageContext } from './context.js';
import type { EvaluatedRows } from './decisionThreshold.js';

/**
 * Metrics of a model on the rows of each value of the columns that `evaluation.slices` names, per split that evaluates.
 * The columns are read from gold again, in the order in which the matrices have the rows; where gold was made anew
 * meanwhile, nothing is measured, which is said.
 *
 * @throws PerdureError `ConfigInvalid` for a column that the feature store doesn't have
 */
export async function evaluateSlices(
  context: StageContext,
  pipeline: Pipeline,
  dataset: DatasetMetadata,
  evaluated: ReadonlyMap<SplitName, EvaluatedRows>,
  threshold: number,
): Promise<VersionSlices> {
  const { slices: columns, min_slice_rows } = pipeline.config.evaluation;
  return withDuckDb(context, async (database) => {
    const reader = { database, scratch: context.scratch, pipeline, stores: context.stores(pipeline) };
    const found: VersionSlices = { min_rows: min_slice_rows, splits: {} };
    let inputs: InputColumn[] | undefined;
    let values: Map<string, SliceValues> | undefined;
    // The training rows, which come first, decide the ranges of numbers.
    for (const [split, { labels, output }] of evaluated) {
      const days = splitDays(trainingSplit(pipeline), split, dataset.as_of);
      const files = await goldFilesAsOf(reader, days, dataset.as_of);
      if (!isWhatWasRead(files, dataset)) return changed(found);
      inputs ??= await sliceInputs(database, columns, files);
      const asked = { name: split, asOf: dataset.as_of, labelledTo: dataset.labelled_to };
      const rows = await readTrainingRows(database, pipeline, files, asked, inputs, dataset.task);
      if (rows.labels.length !== labels.length || rows.labels.some((label, row) => label !== labels[row]))
        return changed(found);
      values ??= new Map(columns.map((name) => [name, sliceValues(rows.table.columns.get(name)!)]));
      if (split === 'train') continue;
      const metrics: SliceMetrics[] = [];
      for (const column of columns) {
        for (const [value, positions] of sliceRows(rows.table.columns.get(column)!, values.get(column)!)) {
          const few = positions.length < min_slice_rows;
          const part = few ? null : { labels: positions.map((row) => labels[row]!), output: rowsAt(output, positions) };
          metrics.push({
            column,
            value,
            rows: positions.length,
            metrics: part && {
              ...taskOf(dataset.task).metrics(part.labels, part.output, threshold),
              intervals: await taskOf(dataset.task).intervals(part.labels, part.output, threshold, {
                seed: pipeline.config.model_config.random_state,
                signal: context.signal,
              }),
            },
          });
        }
      }
      found.splits[split] = metrics;
    }
    return found;
  });
}

function changed(found: VersionSlices): VersionSlices {
  return {
    ...found,
    splits: {},
    not_measured:
      'Gold was made anew while the model was trained, so the slices of its rows are not known; train again.',
  };
}

/** Whether gold is still what the dataset was made of. */
function isWhatWasRead(files: GoldFiles[], { partitions, labelled_to }: DatasetMetadata): boolean {
  return files.every(
    ({ features, labels, unlabelled = false }) =>
      !mayTrain(features.partition, unlabelled, labelled_to) ||
      (partitions[features.partition]?.feature_store === features.checksum &&
        partitions[features.partition]?.label_store === labels.checksum),
  );
}

async function sliceInputs(database: Database, columns: string[], [first]: GoldFiles[]): Promise<InputColumn[]> {
  const present = first ? await describe(database, `SELECT * FROM ${readParquetSql([first.features.path])}`) : [];
  return columns.map((name) => {
    const column = present.find((candidate) => isAmong([candidate.name], name));
    if (!column)
      throw new PerdureError(
        'ConfigInvalid',
        `evaluation.slices names ${name}, which the feature store doesn't have (it has ${listOf(present.map((candidate) => candidate.name))}); correct the name, or have the query of the feature store give it.`,
      );
    const isNumber = NUMBER.test(column.type) && column.type !== 'BOOLEAN';
    return isNumber ? { name, kind: 'number', type: 'numeric' } : { name, kind: 'category', type: 'categorical' };
  });
}
