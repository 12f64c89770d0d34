import { z } from 'zod';
import { params } from '../contracts/schemas.js';
import type { DatasetRef } from '../contracts/index.js';
import { roundKey } from '../data/dataset.js';
import { document, type DocumentOf } from '../platform/storage/documents.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';

/** A round of a study: what came of the candidates before it, and what was decided by that. */
const roundRecord = document({
  name: 'round of a search',
  schema: z.strictObject({
    /** The candidates of the round before, with their scores by fold. */
    ended: z.array(
      z.strictObject({
        index: z.number(),
        state: z.enum(['complete', 'pruned', 'failed']),
        scores: z.array(z.number()),
      }),
    ),
    candidates: z.array(z.strictObject({ index: z.number(), params })),
    /** As a suggestion has them. */
    limits: z.array(z.number().nullable()),
    best: z.strictObject({ index: z.number(), score: z.number() }).nullable(),
    stopped: z.string().optional(),
  }),
});
export type RoundRecord = DocumentOf<typeof roundRecord>;

/** What is done about a record that is damaged: nothing but its own training reads it. */
const TRAIN_AGAIN = 'run the training again, which searches anew';

/**
 * The rounds of a study, an object each in the folder of its dataset. A round is written once, so that whoever decides it
 * again decides the same, and a study goes on where it was, whatever was killed.
 */
export function studyRecord(
  datamart: ObjectStore,
  { dataset, algorithm }: { dataset: Pick<DatasetRef, 'id'>; algorithm: string },
) {
  const read = (round: number) => roundRecord.read(datamart, roundKey(dataset.id, algorithm, round), TRAIN_AGAIN);
  return {
    read,
    async write(round: number, record: RoundRecord): Promise<void> {
      await roundRecord.write(datamart, roundKey(dataset.id, algorithm, round), record);
    },
    /** All rounds, in their order. */
    async readAll(): Promise<RoundRecord[]> {
      const rounds: RoundRecord[] = [];
      for (let found = await read(0); found; found = await read(rounds.length)) rounds.push(found);
      return rounds;
    },
  };
}
