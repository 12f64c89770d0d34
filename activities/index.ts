import type { Activities } from '../src/contracts/index.js';
import { STAGES, type AnyStage } from '../src/stages/index.js';
import { createStewardActivities } from './steward.js';
import { stageActivity, type ActivityDependencies } from './stageActivity.js';

type StageActivities = Pick<Activities, keyof typeof STAGES>;

/** Every stage, and what the steward needs. Each sized worker can do all of them; the task queue decides which is asked. */
export function createActivities(dependencies: ActivityDependencies) {
  const stages = Object.entries<AnyStage>(STAGES).map(([name, stage]) => [name, stageActivity(dependencies, stage)]);
  return { ...(Object.fromEntries(stages) as StageActivities), ...createStewardActivities(dependencies) };
}
