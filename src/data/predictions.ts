import type { ObjectRef, RunRef, VersionRef } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { readJson, updateJson } from '../storage/documents.js';
import type { ObjectStore } from '../storage/objectStore.js';
import { dayOf } from './partitions.js';

/**
 * What has been predicted. `index.json` names every predictions file with its checksum; a file without an entry (of a
 * run that died before it wrote one) is never read.
 */
interface PredictionsIndex {
  /** In the order they were stored. */
  files: PredictionsFile[];
  /** File names that runs have taken, by name: a second run of a day gets a name of its own. */
  names: Record<string, string>;
}

export interface PredictionsFile {
  key: string;
  /** SHA-256 of the Parquet file. */
  checksum: string;
  rows: number;
  batches: number;
  model: VersionRef;
  run: { workflowId: string; runId: string };
  asOf: string;
  /** ISO 8601 instant at which it was stored. */
  at: string;
}

export const PREDICTIONS_INDEX = 'index.json';

/** Every stored predictions file, oldest first. */
export async function predictionsFiles(predictions: ObjectStore): Promise<PredictionsFile[]> {
  return (await readJson<PredictionsIndex>(predictions, PREDICTIONS_INDEX))?.files ?? [];
}

/** Local paths of predictions files, verified. Throws `ObjectCorrupt`, `NotFound`. */
export async function openPredictions(predictions: ObjectStore, files: PredictionsFile[]): Promise<string[]> {
  return Promise.all(files.map(({ key, checksum }) => predictions.localFile(key, checksum)));
}

/**
 * Stores a run's predictions under `predictions_<day>.parquet`, with `_2`, `_3`, ... where other runs took the name.
 *
 * @param known the files that the run left out the rows of
 * @throws PerdureError `PreconditionFailed` where another run has stored predictions since: the same rows may be in both
 */
export async function storePredictions(
  predictions: ObjectStore,
  file: string,
  known: PredictionsFile[],
  entry: { rows: number; batches: number; model: VersionRef; run: RunRef; asOf: string },
): Promise<PredictionsFile> {
  const { runId, workflowId } = entry.run;
  const key = await takeName(predictions, dayOf(entry.asOf), runId);
  const { checksum }: ObjectRef = await predictions.upload(file, key);
  const stored: PredictionsFile = {
    key,
    checksum,
    rows: entry.rows,
    batches: entry.batches,
    model: { algorithm: entry.model.algorithm, version: entry.model.version },
    run: { workflowId, runId },
    asOf: entry.asOf,
    at: new Date().toISOString(),
  };
  await updateJson<PredictionsIndex>(predictions, PREDICTIONS_INDEX, (current) => {
    const { files, names } = current ?? { files: [], names: {} };
    if (files.length > known.length) {
      throw new PerdureError('PreconditionFailed', `Another run stored predictions in ${predictions.uri(PREDICTIONS_INDEX)} meanwhile; run inference again.`);
    }
    return { files: [...files, stored], names };
  });
  return stored;
}

async function takeName(predictions: ObjectStore, day: string, runId: string): Promise<string> {
  const index = await updateJson<PredictionsIndex>(predictions, PREDICTIONS_INDEX, (current) => {
    const { files, names } = current ?? { files: [], names: {} };
    if (Object.values(names).includes(runId)) return undefined;
    let name = `predictions_${day}.parquet`;
    for (let copy = 2; name in names; copy++) name = `predictions_${day}_${copy}.parquet`;
    return { files, names: { ...names, [name]: runId } };
  });
  return Object.entries(index!.names).find(([, owner]) => owner === runId)![0];
}
