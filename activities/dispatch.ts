import { TASK_STAGE_NAMES, type ActivitiesOn, type StageInput, type TaskWaits } from '../src/contracts/index.js';
import { asActivity } from './stageActivity.js';
import type { TaskRunner } from './taskRunner.js';

/** The stages that may run elsewhere, under their own names: the activity only waits, so a worker may have a thousand of them. */
export function createDispatchActivities(tasks: TaskRunner): TaskWaits & ActivitiesOn<'dispatch'> {
  const waits = TASK_STAGE_NAMES.map(
    (stage) => [stage, asActivity((input: StageInput, call) => tasks.run(stage, input, call))] as const,
  );
  return {
    ...(Object.fromEntries(waits) as unknown as TaskWaits),
    stopTasks: asActivity((input) => tasks.stop(input)),
  };
}
