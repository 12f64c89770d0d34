import { join } from 'node:path';
import type { Pipeline } from '../config/load.js';
import type { DatasetRef, PromotionDecision, VersionRef, Window } from '../contracts/index.js';
import { readDatasetMetadata } from '../data/dataset.js';
import { withDuckDb } from '../data/duckdb.js';
import { modelInput } from '../data/modelInput.js';
import { writeColumns } from '../data/parquet.js';
import { earlier } from '../data/partitions.js';
import { goldFiles, readTrainingRows, type TrainingRows } from '../data/trainingRows.js';
import { PerdureError, type ErrorType } from '../errors.js';
import { decidePromotion, type ScoredVersion, type UnscoredVersion } from '../registry/gate.js';
import type { StageContext } from './context.js';
import { openModel } from './openModel.js';

export interface Challenge {
  dataset: DatasetRef;
  /** The window of the dataset whose rows both models score. */
  window: Window;
  challenger: VersionRef;
  /** `null` where there is none yet. */
  champion: VersionRef | null;
}

/**
 * Puts a challenger before the pipeline's promotion gate. Both models score the same raw gold rows, each by the
 * scaling that it was trained with: the champion's is another than the new dataset's. A champion that is gone, damaged
 * or needs a feature that there is no more stops nothing: the gate decides without it.
 */
export async function weighChallenger(context: StageContext, pipeline: Pipeline, { dataset, window, challenger, champion }: Challenge): Promise<PromotionDecision> {
  const rows = await rowsOf(context, pipeline, dataset, window);
  return decidePromotion(
    {
      labels: rows.labels,
      threshold: pipeline.config.inference_config.prediction_threshold,
      challenger: await scored(context, pipeline, challenger, rows),
      champion: champion && (await scored(context, pipeline, champion, rows).catch((error: unknown) => unscored(champion, error))),
    },
    pipeline.config.promotion_gate,
  );
}

async function rowsOf(context: StageContext, pipeline: Pipeline, dataset: DatasetRef, window: Window): Promise<TrainingRows> {
  const stores = context.stores(pipeline);
  const { windows, labelled_to } = await readDatasetMetadata(stores.datamart, dataset);
  const { start_date, end_date } = windows[window];
  const days = { from: start_date, to: earlier(end_date, labelled_to) };
  return withDuckDb(context, async (database) => readTrainingRows(database, pipeline, await goldFiles(stores, days), days));
}

async function scored(context: StageContext, pipeline: Pipeline, ref: VersionRef, rows: TrainingRows): Promise<ScoredVersion> {
  const { modelPath, preprocessing } = await openModel(context.stores(pipeline).modelRegistry, ref);
  const { features } = preprocessing;
  const gone = features.filter((name) => !rows.columns.has(name));
  if (gone.length > 0) {
    throw new PerdureError('InputInvalid', `${ref.algorithm} ${ref.version} needs ${gone.join(', ')}, which pipeline.json doesn't name as a feature any more, and without them it can't score a row; train a new version.`);
  }
  const path = join(context.scratch, 'compared.parquet');
  await writeColumns(path, modelInput(pipeline, preprocessing, rows));
  return { ref, probabilities: await context.engines.predictProbability({ modelPath, data: { path, features } }, context.signal) };
}

/** What makes a version useless, whoever asks; a store or an engine that fails now is a failure to look. */
const USELESS: ReadonlySet<string> = new Set<ErrorType>(['NotFound', 'ObjectCorrupt', 'InputInvalid', 'EngineFailed']);

function unscored(ref: VersionRef, error: unknown): UnscoredVersion {
  if (!(error instanceof PerdureError && USELESS.has(error.type))) throw error;
  return { ref, unscored: error.message };
}
