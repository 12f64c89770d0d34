import type {
  Client,
  ScheduleOptionsStartWorkflowAction,
  WorkflowHandle,
  WorkflowHandleWithFirstExecutionRunId,
} from '@temporalio/client';
import {
  clipped,
  STEWARD,
  stewardIdOf,
  SUMMARY_BYTES,
  TASK_QUEUES,
  type Approved,
  type ApproveInput,
  type BackfillInput,
  type BackfillResult,
  type DataProcessingInput,
  type DataProcessingResult,
  type DriftReport,
  type LifecycleInput,
  type LifecycleResult,
  type ModelInferenceInput,
  type ModelInferenceResult,
  type ModelMonitoringInput,
  type ModelMonitoringResult,
  type ModelTrainingInput,
  type ModelTrainingResult,
  type MoveChampion,
  type MovedAlias,
  type RetrainRequest,
  type Steering,
  type StewardEvent,
  type StewardInput,
  type StewardSnapshot,
  type WorkflowInput,
} from './contracts/index.js';
import { checkName } from './names.js';

export type * from './contracts/index.js';
export {
  BACKFILL,
  backfillIdOf,
  PROGRESS_QUERY,
  RETRAIN_CAUSES,
  SEARCH_ATTRIBUTES,
  STEWARD,
  stewardIdOf,
  TASK_QUEUES,
  WORKFLOW_OF_PHASE,
} from './contracts/index.js';
export { PerdureError, type ErrorType } from './errors.js';

/** The workflows that a client starts, under their names in Temporal. */
export interface Workflows {
  /** The four below in order. */
  lifecycle(input: LifecycleInput): Promise<LifecycleResult>;
  dataProcessing(input: DataProcessingInput): Promise<DataProcessingResult>;
  modelTraining(input: ModelTrainingInput): Promise<ModelTrainingResult>;
  modelInference(input: ModelInferenceInput): Promise<ModelInferenceResult>;
  modelMonitoring(input: ModelMonitoringInput): Promise<ModelMonitoringResult>;
  /** The lifecycle of one period after the other; start it under the id that `backfillIdOf` gives, so that there is one at a time. */
  backfill(input: BackfillInput): Promise<BackfillResult>;
}

const ID_PARTS: Record<keyof Workflows, string> = {
  lifecycle: 'lifecycle',
  dataProcessing: 'data-processing',
  modelTraining: 'model-training',
  modelInference: 'model-inference',
  modelMonitoring: 'model-monitoring',
  backfill: 'backfill',
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
  return client.workflow.start<Workflows[Name]>(name, {
    args,
    taskQueue: TASK_QUEUES.orchestrator,
    workflowId,
    staticSummary,
    memo,
  });
}

/**
 * What a schedule of your own starts: the same as {@link startWorkflow}, at its times. Temporal adds each run's time to
 * the id.
 *
 * @example
 * await client.schedule.create({ scheduleId: 'churn-hourly', spec: { intervals: [{ every: '1 hour' }] }, action: scheduledWorkflow('modelInference', { pipeline: 'churn' }) });
 *
 * @throws PerdureError `InputInvalid` for what can't name a pipeline
 */
export function scheduledWorkflow<Name extends keyof Workflows>(
  name: Name,
  input: Parameters<Workflows[Name]>[0],
): ScheduleOptionsStartWorkflowAction<Workflows[Name]> {
  checkName('a pipeline', input.pipeline);
  const action = {
    type: 'startWorkflow',
    workflowType: name,
    workflowId: workflowIdOf(name, input.pipeline),
    taskQueue: TASK_QUEUES.orchestrator,
    args: [input],
    staticSummary: summaryOf(name, input),
  };
  return action as unknown as ScheduleOptionsStartWorkflowAction<Workflows[Name]>;
}

/** The steward of a pipeline; see {@link stewardOf}. */
export interface StewardClient {
  handle: WorkflowHandle<(input: StewardInput) => Promise<void>>;
  /** Starts it; one that runs already is left as it is. */
  start(input?: Omit<StewardInput, 'pipeline' | 'carried'>): Promise<void>;
  /** Signals: they return once Temporal has them. A message that is not what it should be is ignored, and noted in the history. */
  requestRetrain(request: RetrainRequest): Promise<void>;
  driftDetected(report: DriftReport): Promise<void>;
  /** Updates: they return what came of them, and reject with a `WorkflowUpdateFailedError` where the steward refuses. */
  approve(input: ApproveInput): Promise<Approved>;
  promote(input: MoveChampion): Promise<MovedAlias>;
  rollback(input: MoveChampion): Promise<MovedAlias>;
  pause(input: Steering): Promise<StewardSnapshot>;
  resume(input: Steering): Promise<StewardSnapshot>;
  /** Queries: they need a worker, as updates do. */
  state(): Promise<StewardSnapshot>;
  /** Newest last. */
  history(): Promise<StewardEvent[]>;
}

/**
 * Signals, updates and queries of a pipeline's steward, with their types. Each call rejects with Temporal's
 * `WorkflowNotFoundError` where there is no steward.
 *
 * @example
 * const steward = stewardOf(client, 'churn');
 * await steward.requestRetrain({ reason: 'new campaign', requestId: 'campaign-7', triggeredBy: 'ana' });
 * const { awaitingApproval } = await steward.state();
 *
 * @throws PerdureError `InputInvalid` for what can't name a pipeline
 */
export function stewardOf(client: Client, pipeline: string): StewardClient {
  checkName('a pipeline', pipeline);
  const { signals, updates, queries } = STEWARD;
  const workflowId = stewardIdOf(pipeline);
  const handle = client.workflow.getHandle<(input: StewardInput) => Promise<void>>(workflowId);
  return {
    handle,
    async start(input) {
      const args: [StewardInput] = [{ ...input, pipeline }];
      await client.workflow.start('steward', {
        args,
        taskQueue: TASK_QUEUES.orchestrator,
        workflowId,
        workflowIdConflictPolicy: 'USE_EXISTING',
        staticSummary: `The steward of ${pipeline}`,
      });
    },
    requestRetrain: (request) => handle.signal<[RetrainRequest]>(signals.requestRetrain, request),
    driftDetected: (report) => handle.signal<[DriftReport]>(signals.driftDetected, report),
    approve: (input) => handle.executeUpdate<Approved, [ApproveInput]>(updates.approve, { args: [input] }),
    promote: (input) => handle.executeUpdate<MovedAlias, [MoveChampion]>(updates.promote, { args: [input] }),
    rollback: (input) => handle.executeUpdate<MovedAlias, [MoveChampion]>(updates.rollback, { args: [input] }),
    pause: (input) => handle.executeUpdate<StewardSnapshot, [Steering]>(updates.pause, { args: [input] }),
    resume: (input) => handle.executeUpdate<StewardSnapshot, [Steering]>(updates.resume, { args: [input] }),
    state: () => handle.query<StewardSnapshot>(queries.state),
    history: () => handle.query<StewardEvent[]>(queries.history),
  };
}

/** `churn model training: drift, by ana`: one line for the web UI. */
export function summaryOf(name: keyof Workflows, { pipeline, reason, triggeredBy }: WorkflowInput): string {
  const why = [reason, triggeredBy && `by ${triggeredBy}`].filter(Boolean).join(', ');
  return clipped(`${pipeline} ${ID_PARTS[name].replaceAll('-', ' ')}${why ? `: ${why}` : ''}`, SUMMARY_BYTES);
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
