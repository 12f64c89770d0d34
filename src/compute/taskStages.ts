import type { ComputedPart } from '../config/compute.js';
import { bronze } from '../stages/bronze.js';
import type { Stage } from '../stages/context.js';
import { detectDrift } from '../stages/detectDrift.js';
import { gold } from '../stages/gold.js';
import { measurePerformance } from '../stages/measurePerformance.js';
import { predict } from '../stages/predict.js';
import { preprocess } from '../stages/preprocess.js';
import { silver } from '../stages/silver.js';
import { trainAlgorithm } from '../stages/trainAlgorithm.js';

/** Any stage, whatever it takes and gives: documents are checked by the stage itself. */
export type AnyStage = Stage<never, unknown>;

/**
 * The stages that may run as a task of their own, by name, with the part of the pipeline whose settings count. The
 * rest are quick, or move pointers, and stay with the workers.
 */
const TASK_STAGES: Record<string, { stage: AnyStage; part: ComputedPart }> = {
  bronze: { stage: bronze, part: 'processing' },
  silver: { stage: silver, part: 'processing' },
  gold: { stage: gold, part: 'processing' },
  preprocess: { stage: preprocess, part: 'training' },
  trainAlgorithm: { stage: trainAlgorithm, part: 'training' },
  predict: { stage: predict, part: 'inference' },
  measurePerformance: { stage: measurePerformance, part: 'monitoring' },
  detectDrift: { stage: detectDrift, part: 'monitoring' },
};

export const TASK_STAGE_NAMES = Object.keys(TASK_STAGES);

export function taskStageByName(name: string): AnyStage | undefined {
  return Object.hasOwn(TASK_STAGES, name) ? TASK_STAGES[name]!.stage : undefined;
}

/** Name and part of a stage; `undefined` for one that never runs as a task. */
export function taskStageOf(stage: unknown): { name: string; part: ComputedPart } | undefined {
  const found = Object.entries(TASK_STAGES).find(([, known]) => known.stage === stage);
  return found && { name: found[0], part: found[1].part };
}
