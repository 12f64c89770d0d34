import type { StageInput, Tracking } from '../contracts/index.js';
import { writeWaiting } from '../platform/tracking/tracking.js';
import { idOf, writtenAs } from '../platform/tracking/waitingTrainings.js';
import type { Stage } from './context.js';

/** Writes the run's training to MLflow, and what earlier ones left waiting. What can't be written waits, and is no failure. */
export const trackTraining: Stage<StageInput, Tracking> = async (context, { pipeline: name, run }) => {
  const pipeline = await context.pipeline(name);
  const { signal } = context;
  const stores = context.stores(pipeline);
  const id = idOf(run);
  const tracked = await writeWaiting(pipeline, stores, { owner: run.runId, signal });
  const outcome = tracked.get(id);
  if (outcome) return outcome;
  // An attempt before this one wrote it, and its answer was lost.
  const written = await writtenAs(stores.modelRegistry, id);
  return written
    ? { status: 'written', uri: written.uri }
    : { status: 'waits', reason: 'what was to be written is not in the store any more' };
};
