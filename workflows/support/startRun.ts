import { defineSearchAttributeKey } from '@temporalio/common';
import { workflowInfo } from '@temporalio/workflow';
import { WORKFLOW_OF_PHASE, type RunRef, type StageInput, type WorkflowInput } from '../../src/contracts/index.js';
import { checkInput, CONFIG, SHARED, type Fields } from './input.js';
import { ProgressTracker } from './progress.js';
import { setSearchAttributes } from './searchAttributes.js';

/** What every workflow of a phase starts with. */
export interface RunContext {
  /** What every stage is told. */
  stage: StageInput;
  /** The moment the run stands at. */
  asOf: string;
  progress: ProgressTracker;
}

/**
 * Sets a workflow up: checks its input, says what it can be found by, and answers the progress query.
 * @param own fields that this workflow takes besides those of {@link WorkflowInput}
 */
export function startRun(input: WorkflowInput, own: Fields = {}): RunContext {
  const progress = new ProgressTracker();
  checkInput(input, { ...SHARED, ...own, config: CONFIG });
  const run = runRef();
  setSearchAttributes({ pipeline: input.pipeline, phase: phaseName(), reason: input.reason });
  return { stage: { pipeline: input.pipeline, run }, asOf: input.asOf ?? nominalTime() ?? run.startedAt, progress };
}

/** The phase that the workflow runs, or its own name. */
function phaseName(): string {
  const { workflowType } = workflowInfo();
  return Object.entries(WORKFLOW_OF_PHASE).find(([, workflow]) => workflow === workflowType)?.[0] ?? workflowType;
}

const scheduledStart = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

/** When the schedule that started this run meant it to start: before jitter, outages and backfills put it off. */
function nominalTime(): string | undefined {
  return workflowInfo().typedSearchAttributes.get(scheduledStart)?.toISOString();
}

function runRef(): RunRef {
  const { workflowId, runId, runStartTime } = workflowInfo();
  return { workflowId, runId, startedAt: runStartTime.toISOString() };
}
