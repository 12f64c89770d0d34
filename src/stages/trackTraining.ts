import type { StageInput, Tracking } from '../contracts/index.js';
import { writeWaiting } from '../platform/tracking/tracking.js';
import { idOf } from '../platform/tracking/waitingTrainings.js';
import type { Stage } from './context.js';

/** Writes the run's training to MLflow, and what earlier ones left waiting. What can't be written waits, and is no failure. */
export const trackTraining: Stage<StageInput, Tracking> = async (context, { pipeline: name, run }) => {
  const pipeline = await context.pipeline(name);
  const { signal } = context;
  const tracked = await writeWaiting(pipeline, context.stores(pipeline), { owner: run.runId, signal });
  return tracked.get(idOf(run))!;
};
