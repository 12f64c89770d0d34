import type { RunRef } from '../contracts/index.js';
import { runRef } from '../contracts/schemas.js';
import { document } from '../platform/storage/documents.js';
import type { ObjectStore } from '../platform/storage/objectStore.js';

/** Names the run that trains, or that trained last: nobody takes it away, as Temporal knows whether that run is over. */
export const TRAINING_CLAIM = 'model_registry/training.json';

const trainingClaim = document({ name: 'claim of a training', schema: runRef });

/** What is done about a damaged claim: only a person can tell whether the run that had it is over. */
const REPAIR = 'delete it once no training of this pipeline is at work, then train again';

/** The run that has the claim, or had it last; `undefined` where none has trained. */
export function readTrainingClaim(registry: ObjectStore): Promise<RunRef | undefined> {
  return trainingClaim.read(registry, TRAINING_CLAIM, REPAIR);
}

/**
 * Claims the one training that a pipeline may have at a time, for as long as the run is open. A run that asks again
 * has its claim already.
 *
 * @param isOpen whether a run is still at work
 * @returns `undefined` where the claim is the run's, else the run that has it
 */
export async function claimTrainingFor(
  registry: ObjectStore,
  run: RunRef,
  isOpen: (run: RunRef) => Promise<boolean>,
): Promise<RunRef | undefined> {
  let over: string | undefined;
  for (;;) {
    const free = (holder: RunRef | undefined) => holder === undefined || holder.runId === over;
    const holder = (await trainingClaim.update(
      registry,
      TRAINING_CLAIM,
      (present) => (free(present) ? run : undefined),
      REPAIR,
    ))!;
    if (holder.runId === run.runId) return undefined;
    if (await isOpen(holder)) return holder;
    over = holder.runId;
  }
}
