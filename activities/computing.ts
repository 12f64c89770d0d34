import { Context } from '@temporalio/activity';
import { loadPipeline, type Pipeline } from '../src/config/load.js';
import type { StageInput } from '../src/contracts/index.js';
import { createDispatcher } from '../src/compute/createDispatcher.js';
import type { EcsDispatcher } from '../src/compute/ecsDispatcher.js';
import type { TaskPosition } from '../src/compute/taskDocuments.js';
import { taskSettings } from '../src/compute/taskSettings.js';
import { taskStageOf } from '../src/compute/taskStages.js';
import { PerdureError } from '../src/errors.js';
import type { Stage } from '../src/stages/context.js';
import type { RunStage, StageCall } from '../src/stages/createContext.js';
import { openStores, type OpenStores } from '../src/storage/stores.js';

export interface ComputingOptions {
  /** Where the buckets lie, for this worker and for tasks. */
  storeRoot: string;
  /** Makes the dispatcher when the first task is due. */
  makeDispatcher?: () => Promise<EcsDispatcher>;
}

/** A way to run stages that goes by `compute` of the pipeline's config: here, or as a task of Amazon ECS. For activities only. */
export function runWhereConfigured(here: RunStage, { storeRoot, makeDispatcher = createDispatcher }: ComputingOptions): RunStage {
  let dispatcher: Promise<EcsDispatcher> | undefined;
  let stores: Promise<OpenStores> | undefined;
  return async <Input, Output>(stage: Stage<Input, Output>, input: Input, call: StageCall): Promise<Output> => {
    const known = taskStageOf(stage);
    if (!known) return here(stage, input, call);
    const pipeline = await loadPipeline((input as StageInput).pipeline);
    if (pipeline.config.compute[known.part] === 'local') return here(stage, input, call);

    dispatcher ??= makeDispatcher();
    stores ??= openStores(storeRoot);
    const { info, log } = Context.current();
    const { workflowExecution, activityId, attempt } = info;
    return (await (await dispatcher).run({
      stage: known.name,
      input: input as StageInput,
      identity: { workflowId: workflowExecution!.workflowId, runId: workflowExecution!.runId, activityId },
      settings: taskSettings(pipeline, known.part),
      store: (await stores)(pipeline).datamart,
      environment: environmentOf(pipeline, storeRoot),
      retried: attempt > 1,
      position: call.cursor as TaskPosition | undefined,
      remember: (position) => call.keep?.(position),
      signal: call.signal,
      leaveRunning,
      warn: (message) => void log.warn(message),
    })) as Output;
  };
}

/** For work that has no place here. The config was changed under a run that began by the old one. */
export const elsewhereOnly: RunStage = () =>
  Promise.reject(new PerdureError('ConfigInvalid', 'This run was to train on ECS, and the model config no longer says so; start it again.'));

/** The task goes on where the activity does: on another worker, or after a pause. */
function leaveRunning(): boolean {
  const details = Context.current().cancellationDetails;
  return Boolean(details?.workerShutdown || details?.paused || details?.reset);
}

function environmentOf({ environment }: Pipeline, storeRoot: string): Record<string, string> {
  return { ENVIRONMENT: environment, PERDURE_STORE: storeRoot };
}
