import type { TaskStageName } from './activities.js';
import type { Phase, StageInput } from './common.js';

/** Where the heavy stages of a phase run: in the workers of their queue, or each as a task of Amazon ECS. */
export type ComputeTarget = 'local' | 'ecs';

export interface ReadComputeTargetInput extends StageInput {
  phase: Phase;
}

/** What a task was, and for how long: what is paid for. */
export interface TaskUse {
  /** ARN of the task. */
  task: string;
  /** Family of its task definition. */
  definition: string;
  vcpus: number;
  gb: number;
  /** ISO 8601 instants of the pull of its image and of its end, as Fargate bills. */
  from: string;
  to: string;
}

/** What a stage came to as a task, with every task that it took. */
export interface Dispatched<Output> {
  output: Output;
  tasks: TaskUse[];
}

export interface StopTasksInput extends StageInput {
  stage: TaskStageName;
  /** Id of the activity that waited for the stage. */
  activityId: string;
}
