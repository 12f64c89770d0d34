import type { RunRef, StageInput, TrainingClaim } from '../contracts/index.js';
import { claimTrainingFor } from '../registry/trainingClaim.js';
import type { Stage } from './context.js';

/** Whether the run may train: of a pipeline one at a time does. */
export const claimTraining =
  (isOpen: (run: RunRef) => Promise<boolean>): Stage<StageInput, TrainingClaim> =>
  async (context, { pipeline, run }) => {
    const { modelRegistry } = context.stores(await context.pipeline(pipeline));
    const holder = await claimTrainingFor(modelRegistry, run, isOpen);
    if (!holder) return { status: 'ready' };
    const { workflowId: busyWith } = holder;
    return { status: 'skipped', reason: `A training of ${pipeline} is already running: ${busyWith}`, busyWith };
  };
