import { TASK_STAGE_NAMES } from '../src/stages/taskStages.js';
import type { DispatchActivities, StageInput, StopTasksInput } from '../src/contracts/index.js';
import { asActivity } from './stageActivity.js';
import type { TaskRunner } from './taskRunner.js';

/** The stages that may run elsewhere, under their own names: the activity only waits, so a worker may have a thousand of them. */
export function createDispatchActivities(tasks: TaskRunner): DispatchActivities {
  const stages = TASK_STAGE_NAMES.map(
    (stage) => [stage, asActivity((input: StageInput, call) => tasks.run(stage, input, call))] as const,
  );
  return {
    ...Object.fromEntries(stages),
    stopTasks: asActivity((input: StopTasksInput) => tasks.stop(input)),
  } as DispatchActivities;
}
