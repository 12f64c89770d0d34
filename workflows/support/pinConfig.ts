import type { StageInput, WorkflowInput } from '../../src/contracts/index.js';
import { activities } from './activityProxies.js';

/**
 * What every stage of the run is told, with the configuration that all of it goes by: its parent's, or the present one. A
 * change that comes later counts from the next run on.
 */
export async function withConfig(stage: StageInput, { config: given }: WorkflowInput): Promise<StageInput> {
  const config = given ?? (await activities.pinConfig(stage));
  return { ...stage, run: { ...stage.run, config } };
}
