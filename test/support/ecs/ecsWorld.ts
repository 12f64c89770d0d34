import { join } from 'node:path';
import { createDispatcher } from '../../../src/platform/ecs/createDispatcher.js';
import type { DispatcherTimes } from '../../../src/platform/ecs/dispatcherTimes.js';
import type { EcsDispatcher } from '../../../src/platform/ecs/ecsDispatcher.js';
import type { Dispatched } from '../../../src/contracts/index.js';
import type { TaskRequest } from '../../../src/platform/ecs/taskRun.js';
import type { TaskSettings } from '../../../src/platform/ecs/taskSettings.js';
import { taskResult, type TaskPosition, type TaskResult } from '../../../src/platform/ecs/taskDocuments.js';
import { FolderStore } from '../../../src/platform/storage/folderStore.js';
import { temporaryFolder } from '../temporaryFolder.js';
import type { EcsEndpoint } from './ecsEndpoint.js';
import { FAMILY, SETTINGS } from './taskSettings.js';
import { startEcsEndpoint } from './testEndpoint.js';

/** Writes a result where the task was told to, as `perdure task` does: `$6` is the value of `--output`. */
const result = (document: TaskResult) =>
  `out="\${6#file://}"; mkdir -p "$(dirname "$out")"; echo '${taskResult.serialize(document).trimEnd()}' > "$out"`;
export const COMPLETES = `echo working; ${result({ status: 'completed', output: { answer: 42 } })}`;
export const failsWith = (type: string, retryable: boolean) =>
  `${result({ status: 'failed', error: { type, message: `${type} it is; correct it.`, retryable } })}; exit 1`;
/** Completes, but only at its second launch. */
export const CRASHES_ONCE = `case "$6" in *launch-1*) echo oops; exit 3;; esac; ${COMPLETES}`;

/** Who asks, unless a test says otherwise. */
export const IDENTITY = { workflowId: 'w-xgboost', runId: 'r-1', activityId: '7' };

/** Everything at once, as there is no network in between. */
const TIMES: Partial<DispatcherTimes> = {
  interval: 20,
  longestInterval: 200,
  backoff: 5,
  longestBackoff: 50,
  unknownPatience: 300,
  listAgain: 20,
  stopPatience: 5_000,
  logsSettle: 0,
};

type Changes = Partial<Omit<TaskRequest, 'settings'>> & { settings?: Partial<TaskSettings> };

export interface EcsWorld {
  endpoint: EcsEndpoint;
  store: FolderStore;
  dispatcher: EcsDispatcher;
  /** Runs a stage to its output; `changes` may name settings one by one. */
  run: (changes?: Changes) => Promise<unknown>;
  /** The same, with what its tasks took. */
  dispatch: (changes?: Changes) => Promise<Dispatched<unknown>>;
  /** Where the launching stood, from first to last. */
  positions: TaskPosition[];
  warnings: string[];
}

/** An endpoint whose image's `perdure` is a shell script, and a dispatcher that is quick. */
export async function ecsWorld(perdure: string, times: Partial<DispatcherTimes> = {}): Promise<EcsWorld> {
  const endpoint = await startEcsEndpoint({ perdure });
  endpoint.define(FAMILY, { cpu: '2048', memory: '4096' });
  const store = new FolderStore(join(temporaryFolder(), 'datamart'));
  const dispatcher = await createDispatcher({ ...TIMES, ...times });
  const positions: TaskPosition[] = [];
  const warnings: string[] = [];
  const dispatch = ({ settings, ...changes }: Changes = {}) =>
    dispatcher.run({
      stage: 'trainAlgorithm',
      input: {
        pipeline: 'tiny',
        run: { workflowId: 'w', runId: 'r', startedAt: '2002-01-01T00:00:00Z' },
        algorithm: 'xgboost',
      } as TaskRequest['input'],
      identity: IDENTITY,
      settings: { ...SETTINGS, ...settings },
      store,
      environment: { ENVIRONMENT: 'dev', PERDURE_STORE: '/store' },
      retried: false,
      remember: (position) => positions.push(position),
      signal: new AbortController().signal,
      leaveRunning: () => false,
      warn: (message) => warnings.push(message),
      ...changes,
    });
  return {
    endpoint,
    store,
    dispatcher,
    positions,
    warnings,
    dispatch,
    run: async (changes) => (await dispatch(changes)).output,
  };
}
