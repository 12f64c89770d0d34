import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import {
  TASK_QUEUES,
  type DataProcessingInput,
  type DataProcessingResult,
  type LifecycleInput,
  type LifecycleResult,
  type ModelInferenceInput,
  type ModelInferenceResult,
  type ModelMonitoringInput,
  type ModelMonitoringResult,
  type ModelTrainingInput,
  type ModelTrainingResult,
  type WorkflowInput,
} from './contracts/index.js';
import { checkName } from './names.js';

export type * from './contracts/index.js';

/** The workflows that a client starts, under their names in Temporal. */
export interface Workflows {
  /** The four below in order. */
  lifecycle(input: LifecycleInput): Promise<LifecycleResult>;
  dataProcessing(input: DataProcessingInput): Promise<DataProcessingResult>;
  modelTraining(input: ModelTrainingInput): Promise<ModelTrainingResult>;
  modelInference(input: ModelInferenceInput): Promise<ModelInferenceResult>;
  modelMonitoring(input: ModelMonitoringInput): Promise<ModelMonitoringResult>;
}

const ID_PARTS: Record<keyof Workflows, string> = {
  lifecycle: 'lifecycle',
  dataProcessing: 'data-processing',
  modelTraining: 'model-training',
  modelInference: 'model-inference',
  modelMonitoring: 'model-monitoring',
};

/**
 * Starts a workflow and returns its handle without waiting for it.
 *
 * @example
 * const client = new Client({ connection: await Connection.connect({ address: 'localhost:7233' }) });
 * const run = await startWorkflow(client, 'modelTraining', { pipeline: 'churn', algorithms: ['xgboost'] });
 * const { status } = await run.result();
 *
 * @param workflowId a second start under the id of a run that is still open is refused by Temporal
 * @param memo what Temporal keeps beside the run
 * @throws PerdureError `InputInvalid` for what can't name a pipeline
 */
export async function startWorkflow<Name extends keyof Workflows>(
  client: Client,
  name: Name,
  input: Parameters<Workflows[Name]>[0],
  workflowId: string = workflowIdAt(name, input.pipeline, new Date()),
  memo?: Record<string, unknown>,
): Promise<WorkflowHandleWithFirstExecutionRunId<Workflows[Name]>> {
  checkName('a pipeline', input.pipeline);
  const args = [input] as Parameters<Workflows[Name]>;
  const staticSummary = summaryOf(name, input);
  return client.workflow.start<Workflows[Name]>(name, { args, taskQueue: TASK_QUEUES.orchestrator, workflowId, staticSummary, memo });
}

/** `churn model training: drift, by ana`: one line for the web UI. */
export function summaryOf(name: keyof Workflows, { pipeline, reason, triggeredBy }: WorkflowInput): string {
  const why = [reason, triggeredBy && `by ${triggeredBy}`].filter(Boolean).join(', ');
  return `${pipeline} ${ID_PARTS[name].replaceAll('-', ' ')}${why ? `: ${why}` : ''}`;
}

/** `churn-model-training-20260102-030405-678`: readable, sortable, and one per start. */
export function workflowIdAt(name: keyof Workflows, pipeline: string, at: Date): string {
  const timestamp = at.toISOString().replace(/[-:Z]/g, '').replace(/[T.]/g, '-');
  return `${workflowIdOf(name, pipeline)}-${timestamp}`;
}

/** `churn-model-training`: what the ids of a workflow's runs begin with. */
export function workflowIdOf(name: keyof Workflows, pipeline: string): string {
  return `${pipeline}-${ID_PARTS[name]}`;
}
