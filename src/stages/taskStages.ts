import type { Phase, TaskStageName } from '../contracts/index.js';
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
 * The stages that may run as a task of their own, by name, with the phase of the pipeline whose settings count. The
 * rest are quick, or move pointers, and stay with the workers.
 */
const TASK_STAGES: Record<TaskStageName, { stage: AnyStage; phase: Phase }> = {
  bronze: { stage: bronze, phase: 'processing' },
  silver: { stage: silver, phase: 'processing' },
  gold: { stage: gold, phase: 'processing' },
  preprocess: { stage: preprocess, phase: 'training' },
  trainAlgorithm: { stage: trainAlgorithm, phase: 'training' },
  predict: { stage: predict, phase: 'inference' },
  measurePerformance: { stage: measurePerformance, phase: 'monitoring' },
  detectDrift: { stage: detectDrift, phase: 'monitoring' },
};

export const TASK_STAGE_NAMES = Object.keys(TASK_STAGES) as TaskStageName[];

export function isTaskStage(name: string): name is TaskStageName {
  return Object.hasOwn(TASK_STAGES, name);
}

export function taskStage(name: TaskStageName): { stage: AnyStage; phase: Phase } {
  return TASK_STAGES[name];
}
