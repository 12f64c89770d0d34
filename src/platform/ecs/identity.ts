import { sha256 } from '../storage/checksum.js';

/** Who asked for a task. The same for every attempt at an activity, so that an attempt finds what an earlier one launched. */
export interface TaskIdentity {
  workflowId: string;
  runId: string;
  activityId: string;
}

/** Name of an identity, 64 hexadecimal digits. */
function nameOf({ workflowId, runId, activityId }: TaskIdentity): string {
  return sha256(JSON.stringify([workflowId, runId, activityId]));
}

/** `startedBy` of every launch: 36 of the 128 letters that ECS allows now, which are as many as it used to allow. */
export function startedByOf(identity: TaskIdentity): string {
  return `perdure/${nameOf(identity).slice(0, 28)}`;
}

/** `clientToken` of one launch, 64 ASCII characters: ECS answers a second request that carries it with the same task. */
export function clientTokenOf({ workflowId, runId, activityId }: TaskIdentity, launch: number): string {
  return sha256(JSON.stringify([workflowId, runId, activityId, launch]));
}

/** Where a task's documents lie in the datamart bucket. */
export function inputKeyOf(identity: TaskIdentity): string {
  return `${folderOf(identity)}input.json`;
}

/** Each launch answers under its own name: one that was given up can't be taken for the one that followed. */
export function resultKeyOf(identity: TaskIdentity, launch: number): string {
  return `${folderOf(identity)}launch-${launch}/result.json`;
}

/** The launch whose result lies under a key of {@link resultKeyOf}. */
export function launchOf(resultKey: string): number | undefined {
  const launch = /\/launch-(\d+)\/result\.json$/.exec(resultKey)?.[1];
  return launch === undefined ? undefined : Number(launch);
}

export function folderOf(identity: TaskIdentity): string {
  return `tasks/${nameOf(identity)}/`;
}
