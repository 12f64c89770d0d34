import { z } from 'zod';
import type { ObjectRef, RunRef, VersionRef } from '../contracts/index.js';
import { versionRef } from '../contracts/schemas.js';
import { PerdureError } from '../errors.js';
import { document, type DocumentOf } from '../platform/storage/documents.js';
import { unlessLost } from '../platform/storage/lost.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';
import { dayOf } from './partitions.js';

const predictionsFile = z.strictObject({
  key: z.string(),
  /** SHA-256 of the Parquet file. */
  checksum: z.string(),
  rows: z.number(),
  batches: z.number(),
  model: versionRef,
  /** The features that the digests of its rows are over; absent in files without digests. */
  features: z.array(z.string()).optional(),
  run: z.strictObject({ workflowId: z.string(), runId: z.string() }),
  asOf: z.string(),
  /** ISO 8601 instant at which it was stored. */
  at: z.string(),
});
export type PredictionsFile = z.infer<typeof predictionsFile>;

/** Whose data it is stands in owner.json now. */
const withoutPipeline = ({ pipeline: _, ...file }: Record<string, unknown>) => file;

/** `predictions_<day>.json`: the entry of a file in the index, beside it. */
const predictionsEntry = document({
  name: 'entry of a predictions file',
  schema: predictionsFile,
  upgrades: [withoutPipeline],
});

/**
 * What has been predicted. `index.json` names every predictions file with its checksum; a file without an entry (of a
 * run that died before it wrote one) is never read. Each entry lies beside its file as well, so that the index can be
 * made again from them where it is lost.
 */
export const predictionsIndex = document({
  name: 'index of predictions',
  schema: z.strictObject({
    /** In the order they were stored. */
    files: z.array(predictionsFile),
    /** File names that runs have taken, by name: a second run of a day gets a name of its own. */
    names: z.record(z.string(), z.string()),
  }),
  upgrades: [(index) => ({ ...index, files: (index.files as Record<string, unknown>[]).map(withoutPipeline) })],
});
type PredictionsIndex = DocumentOf<typeof predictionsIndex>;

export const PREDICTIONS_INDEX = 'index.json';
/** Keys of the entries beside the files, as a pattern: what the index is made again from. */
export const PREDICTIONS_ENTRIES = 'predictions_*.json';

/** Every stored predictions file, oldest first. */
export async function predictionsFiles(predictions: ObjectStore): Promise<PredictionsFile[]> {
  return (await readIndex(predictions)).files;
}

/** Local paths of predictions files, verified. Throws `ObjectCorrupt` for one that is gone or damaged. */
export async function openPredictions(predictions: ObjectStore, files: PredictionsFile[]): Promise<string[]> {
  return Promise.all(
    files.map(async (file) => {
      const path = await openIntact(predictions, file);
      if (path !== undefined) return path;
      throw new PerdureError(
        'ObjectCorrupt',
        `${predictions.uri(file.key)} is gone or not what was written; run inference again, which scores its rows anew.`,
      );
    }),
  );
}

/**
 * The stored files whose rows count as predicted, oldest first, with their local paths. One that is gone or damaged is
 * struck off the index, so that its rows are scored again.
 */
export async function intactPredictions(
  predictions: ObjectStore,
): Promise<{ files: PredictionsFile[]; paths: string[] }> {
  const stored = await predictionsFiles(predictions);
  const opened = await Promise.all(stored.map(async (file) => ({ file, path: await openIntact(predictions, file) })));
  const intact = opened.flatMap(({ file, path }) => (path === undefined ? [] : [{ file, path }]));
  const lost = opened.flatMap(({ file, path }) => (path === undefined ? [file] : []));
  if (lost.length > 0) await strikeOff(predictions, lost);
  return { files: intact.map(({ file }) => file), paths: intact.map(({ path }) => path) };
}

/** The local path of a file's bytes as they were written; `undefined` where they are gone or others. */
function openIntact(predictions: ObjectStore, { key, checksum }: PredictionsFile): Promise<string | undefined> {
  return unlessLost(() => predictions.localFile(key, checksum));
}

async function strikeOff(predictions: ObjectStore, lost: PredictionsFile[]): Promise<void> {
  const isLost = (file: PredictionsFile) =>
    lost.some(({ key, checksum }) => file.key === key && file.checksum === checksum);
  await updateIndex(predictions, ({ files, names }) => ({ files: files.filter((file) => !isLost(file)), names }));
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
  entry: { rows: number; batches: number; model: VersionRef; features: string[]; run: RunRef; asOf: string },
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
    features: entry.features,
    run: { workflowId, runId },
    asOf: entry.asOf,
    at: new Date().toISOString(),
  };
  await updateIndex(predictions, ({ files, names }) => {
    if (files.some((file) => !known.some(({ key }) => key === file.key))) {
      throw new PerdureError(
        'PreconditionFailed',
        `Another run stored predictions in ${predictions.uri(PREDICTIONS_INDEX)} meanwhile; run inference again.`,
      );
    }
    return { files: [...files, stored], names };
  });
  await predictionsEntry.write(predictions, entryKey(key), stored);
  return stored;
}

async function takeName(predictions: ObjectStore, day: string, runId: string): Promise<string> {
  const { names } = await updateIndex(predictions, ({ files, names }) => {
    if (Object.values(names).includes(runId)) return undefined;
    let name = `predictions_${day}.parquet`;
    for (let copy = 2; name in names; copy++) name = `predictions_${day}_${copy}.parquet`;
    return { files, names: { ...names, [name]: runId } };
  });
  return Object.entries(names).find(([, owner]) => owner === runId)![0];
}

async function readIndex(predictions: ObjectStore): Promise<PredictionsIndex> {
  return (
    (await predictionsIndex.read(predictions, PREDICTIONS_INDEX, () => undefined)) ??
    (await indexOfEntries(predictions))
  );
}

async function updateIndex(
  predictions: ObjectStore,
  change: (index: PredictionsIndex) => PredictionsIndex | undefined,
): Promise<PredictionsIndex> {
  const known = await readIndex(predictions);
  const updated = await predictionsIndex.update(
    predictions,
    PREDICTIONS_INDEX,
    (current) => change(current ?? known),
    () => undefined,
  );
  return updated ?? known;
}

/** The index as the entries beside the files say; empty where nothing was predicted yet. */
async function indexOfEntries(predictions: ObjectStore): Promise<PredictionsIndex> {
  const index: PredictionsIndex = { files: [], names: {} };
  for await (const { key } of predictions.list('predictions_')) {
    if (!key.endsWith('.parquet')) continue;
    // A file without an entry is of a run that didn't finish: its name is taken, its rows don't count.
    const entry = await predictionsEntry.read(predictions, entryKey(key), () => undefined);
    index.names[key] = entry?.run.runId ?? '';
    if (entry) index.files.push(entry);
  }
  index.files.sort((a, b) => (a.at < b.at ? -1 : 1));
  return index;
}

/** Key of the copy of a file's entry. */
function entryKey(key: string): string {
  return key.replace(/\.parquet$/, '.json');
}
