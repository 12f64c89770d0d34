import { z } from 'zod';
import type { AlgorithmInput } from '../contracts/index.js';
import { searchKey } from '../data/dataset.js';
import { foldScoreShape } from '../ml/engines/pool.js';
import { PerdureError } from '../errors.js';
import { document, type DocumentOf } from '../platform/storage/documents.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';

/** What a candidate's fold left: its score, how certain it is, and the seconds that it took. */
const foldRecord = document({
  name: 'record of a fold',
  schema: z.strictObject({ ...foldScoreShape, seconds: z.number() }),
});
export type FoldRecord = DocumentOf<typeof foldRecord>;

/** What is done about a record that is damaged: nothing but its own training reads it. */
const TRAIN_AGAIN = 'run the training again, which evaluates anew';

/** Objects read at once. */
const READS_AT_ONCE = 32;

/**
 * What a search knows of its candidates, a small object for each fold of each, in the folder of its dataset: what
 * thousands of them scored doesn't pass through Temporal. The dataset belongs to one run, so nobody else's are found
 * there, and a fold that is evaluated again leaves the same.
 */
export function searchRecord(
  datamart: ObjectStore,
  { dataset, algorithm }: Pick<AlgorithmInput, 'dataset' | 'algorithm'>,
) {
  const keyOf = (candidate: number, fold: number) => searchKey(dataset.id, algorithm, candidate, fold);

  async function read(candidate: number, fold: number): Promise<FoldRecord> {
    const key = keyOf(candidate, fold);
    const found = await foldRecord.read(datamart, key, TRAIN_AGAIN);
    if (!found) throw new PerdureError('NotFound', `${datamart.uri(key)} is not there; ${TRAIN_AGAIN}.`);
    return found;
  }

  return {
    async write(candidate: number, fold: number, record: FoldRecord): Promise<void> {
      await foldRecord.write(datamart, keyOf(candidate, fold), record);
    },
    /** Records of each candidate, in the order of the candidates and of the folds asked for. Throws `NotFound`, `ObjectCorrupt`. */
    async readAll(asked: { index: number; folds: number[] }[]): Promise<FoldRecord[][]> {
      const records: FoldRecord[][] = [];
      for (let start = 0; start < asked.length; start += READS_AT_ONCE) {
        const some = asked.slice(start, start + READS_AT_ONCE);
        records.push(
          ...(await Promise.all(some.map(({ index, folds }) => Promise.all(folds.map((fold) => read(index, fold)))))),
        );
      }
      return records;
    },
  };
}
