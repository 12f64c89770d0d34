import type { ConfigRef, Phase, StageInput } from './common.js';
import type { DataProcessingActivities } from './dataProcessing.js';
import type { InferenceActivities } from './inference.js';
import type { MonitoringActivities } from './monitoring.js';
import type { AlgorithmInput, AlgorithmTrained, TrainingActivities } from './training.js';

/** Where the heavy stages of a phase run: in the workers of their queue, or each as a task of Amazon ECS. */
export type ComputeTarget = 'local' | 'ecs';

export interface ReadComputeTargetInput extends StageInput {
  phase: Phase;
}

/** The stages that may run as a task of their own. */
export interface TaskStages
  extends
    DataProcessingActivities,
    Pick<TrainingActivities, 'preprocess'>,
    Pick<InferenceActivities, 'predict'>,
    Pick<MonitoringActivities, 'measurePerformance' | 'detectDrift'> {
  /** An algorithm from search to registry. */
  trainAlgorithm(input: AlgorithmInput): Promise<AlgorithmTrained>;
}
export type TaskStageName = keyof TaskStages;

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

/** Work that runs elsewhere while the activity waits for it. */
export type DispatchActivities = {
  [Name in TaskStageName]: (
    input: Parameters<TaskStages[Name]>[0],
  ) => Promise<Dispatched<Awaited<ReturnType<TaskStages[Name]>>>>;
} & {
  /** Stops what an activity that is over left running, and tells what its tasks took. */
  stopTasks(input: StopTasksInput): Promise<{ tasks: TaskUse[] }>;
};

/** What every workflow may ask before it chooses where its stages run. */
export interface ComputeActivities {
  pinConfig(input: StageInput): Promise<ConfigRef>;
  readComputeTarget(input: ReadComputeTargetInput): Promise<ComputeTarget>;
}
