import type { ComputeTarget, Phase, StageInput, TaskStageName } from '../../src/contracts/index.js';
import { activities } from './activityProxies.js';
import { onEcs } from './dispatched.js';

/** The stages that may run as tasks, and need no time budget of an algorithm. */
type Stages = Pick<typeof activities, Extract<keyof typeof activities, TaskStageName>>;

/** Where the heavy stages of a phase run, as the configuration of the run says. */
export function computeTargetOf(phase: Phase, stage: StageInput): Promise<ComputeTarget> {
  return activities.readComputeTarget({ ...stage, phase });
}

/** The heavy stages there: the same calls, in the workers of their queues or each as a task of Amazon ECS. */
export function stagesOn(target: ComputeTarget): Stages {
  return target === 'ecs' ? onEcs : activities;
}
