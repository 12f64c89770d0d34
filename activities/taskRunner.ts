import { Context } from '@temporalio/activity';
import type { Pipeline } from '../src/config/load.js';
import { pipelineOf } from '../src/config/pinned.js';
import { createDispatcher } from '../src/platform/ecs/createDispatcher.js';
import type { EcsDispatcher } from '../src/platform/ecs/ecsDispatcher.js';
import type { TaskOwner } from '../src/platform/ecs/ownTasks.js';
import type { TaskPosition } from '../src/platform/ecs/taskDocuments.js';
import { taskSettings } from '../src/platform/ecs/taskSettings.js';
import {
  ACTIVITIES,
  type Dispatched,
  type StageInput,
  type StopTasksInput,
  type TaskStageName,
  type TaskUse,
} from '../src/contracts/index.js';
import type { StageCall } from '../src/stages/createContext.js';
import { openStores, type OpenStores } from '../src/platform/storage/stores.js';
import { look } from './describeRun.js';

/** Runs stages as tasks of Amazon ECS, on behalf of the activity that it is called in. */
export interface TaskRunner {
  run(stage: TaskStageName, input: StageInput, call: StageCall): Promise<Dispatched<unknown>>;
  stop(input: StopTasksInput): Promise<{ tasks: TaskUse[] }>;
}

/** What an activity keeps for its next attempt. */
interface Checkpoint {
  position: TaskPosition;
  uses: TaskUse[];
}

/**
 * @param storeRoot where the buckets lie, for this worker and for tasks
 * @param makeDispatcher called when the first task is due
 */
export function createTaskRunner(
  storeRoot: string,
  makeDispatcher: () => Promise<EcsDispatcher> = createDispatcher,
): TaskRunner {
  let dispatcher: Promise<EcsDispatcher> | undefined;
  let stores: Promise<OpenStores> | undefined;
  return {
    async run(stage, input, call) {
      const pipeline = await pipelineOf(input.pipeline, input.run, storeRoot);
      const { activityId, attempt } = Context.current().info;
      const owner = ownerOf(stage, activityId, pipeline);
      stores ??= openStores(storeRoot);
      return (await (dispatcher ??= makeDispatcher())).run({
        ...owner,
        ...(call.checkpoint as Checkpoint | undefined),
        input,
        store: (await stores)(pipeline).datamart,
        environment: { ENVIRONMENT: pipeline.environment, PERDURE_STORE: storeRoot },
        retried: attempt > 1,
        remember: (position, uses) => call.saveCheckpoint?.({ position, uses } satisfies Checkpoint),
        signal: call.signal,
        leaveRunning,
      });
    },

    async stop({ pipeline, run, stage, activityId }) {
      const owner = ownerOf(stage, activityId, await pipelineOf(pipeline, run, storeRoot));
      return { tasks: await (await (dispatcher ??= makeDispatcher())).stop(owner) };
    },
  };
}

function ownerOf(stage: TaskStageName, activityId: string, pipeline: Pipeline): TaskOwner {
  const { info, log } = Context.current();
  const { workflowId, runId } = info.workflowExecution!;
  return {
    stage,
    identity: { workflowId, runId, activityId },
    settings: taskSettings(pipeline, ACTIVITIES[stage].taskOf),
    warn: (message) => void log.warn(message),
  };
}

/**
 * The task goes on where the activity does: on another worker, or after a pause. An attempt that was given up, as its
 * heartbeats didn't arrive, leaves it to the run, which makes another or has the task stopped; of a run that was
 * terminated nobody is left.
 */
async function leaveRunning(): Promise<boolean> {
  const { cancellationDetails: why, info } = Context.current();
  if (!why || why.cancelRequested) return false;
  if (why.workerShutdown || why.paused || why.reset) return true;
  const { workflowId, runId } = info.workflowExecution!;
  const { open } = await look(workflowId, runId).catch(() => ({ open: true }));
  return open;
}
