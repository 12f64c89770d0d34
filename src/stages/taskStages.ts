import type { ComputedPart } from '../config/compute.js';
import type { TaskStageName } from '../contracts/index.js';
import { bronze } from './bronze.js';
import type { Stage } from './context.js';
import { detectDrift } from './detectDrift.js';
import { gold } from './gold.js';
import { measurePerformance } from './measurePerformance.js';
import { predict } from './predict.js';
import { preprocess } from './preprocess.js';
import { silver } from './silver.js';
import { trainAlgorithm } from './trainAlgorithm.js';

/** Any stage, whatever it takes and gives: documents are checked by the stage itself. */
export type AnyStage = Stage<never, unknown>;

/**
 * The stages that may run as a task of their own, by name, with the part of the pipeline whose settings count. The
 * rest are quick, or move pointers, and stay with the workers.
 */
const TASK_STAGES: Record<TaskStageName, { stage: AnyStage; part: ComputedPart }> = {
  bronze: { stage: bronze, part: 'processing' },
  silver: { stage: silver, part: 'processing' },
  gold: { stage: gold, part: 'processing' },
  preprocess: { stage: preprocess, part: 'training' },
  trainAlgorithm: { stage: trainAlgorithm, part: 'training' },
  predict: { stage: predict, part: 'inference' },
  measurePerformance: { stage: measurePerformance, part: 'monitoring' },
  detectDrift: { stage: detectDrift, part: 'monitoring' },
};

export const TASK_STAGE_NAMES = Object.keys(TASK_STAGES) as TaskStageName[];

export function isTaskStage(name: string): name is TaskStageName {
  return Object.hasOwn(TASK_STAGES, name);
}

export function taskStage(name: TaskStageName): { stage: AnyStage; part: ComputedPart } {
  return TASK_STAGES[name];
}
