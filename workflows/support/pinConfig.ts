import { patched } from '@temporalio/workflow';
import type { StageInput, WorkflowInput } from '../../src/contracts/index.js';
import { quick } from './activities.js';

const PINS = 'pin-config';

/**
 * What every stage of the run is told, with the configuration that all of it goes by: its parent's, or the present one. A
 * change that comes later counts from the next run on.
 */
export async function withConfig(stage: StageInput, { config: given }: WorkflowInput): Promise<StageInput> {
  // A run that began with an earlier version goes on as it did: each stage reads what there is.
  if (!patched(PINS)) return stage;
  const config = given ?? (await quick.pinConfig(stage));
  return { ...stage, run: { ...stage.run, config } };
}
