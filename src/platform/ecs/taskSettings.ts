import type { Pipeline } from '../../config/load.js';
import type { EcsSettings, TaskDefinition } from '../../config/compute.js';
import type { Phase } from '../../contracts/index.js';
import { variables, type Variables } from '../../environment.js';
import { PerdureError } from '../../errors.js';

/** The config of one stage's tasks, with what the worker's environment adds. */
export interface TaskSettings
  extends Omit<EcsSettings, 'tasks' | 'cluster' | 'subnets' | 'security_groups'>, TaskDefinition {
  cluster: string;
  subnets: string[];
  security_groups: string[];
}

/**
 * The settings of a phase's tasks: of the model config, else of this worker's environment, as cluster, network and
 * revisions are what a deployment makes.
 * @throws PerdureError `ConfigInvalid`
 */
export function taskSettings({ config }: Pipeline, phase: Phase, env: Variables = variables()): TaskSettings {
  const { ecs } = config.compute;
  const task = ecs?.tasks[phase];
  if (!task) {
    // It was there when the run read its compute target.
    throw new PerdureError(
      'ConfigInvalid',
      `The model config no longer says how to run ${phase} on ECS, as this run began to; restore compute.ecs, or start the run again.`,
    );
  }
  const cluster = ecs.cluster ?? env.PERDURE_ECS_CLUSTER;
  if (!cluster) {
    throw new PerdureError(
      'ConfigInvalid',
      'No ECS cluster is named to run tasks in; set compute.ecs.cluster in the model config, or PERDURE_ECS_CLUSTER.',
    );
  }
  return {
    ...ecs,
    ...task,
    task_definition: exactRevision(task.task_definition, listed(env.PERDURE_ECS_TASK_DEFINITIONS)),
    cluster,
    subnets: ecs.subnets ?? listed(env.PERDURE_ECS_SUBNETS),
    security_groups: ecs.security_groups ?? listed(env.PERDURE_ECS_SECURITY_GROUPS),
  };
}

/**
 * A task definition by its exact revision, where the deployment says which belongs to this worker's own image: by the
 * family alone ECS takes the newest, and an old worker would launch a new image.
 */
function exactRevision(named: string, deployed: string[]): string {
  return deployed.find((arn) => arn.replace(/^.*:task-definition\//, '').replace(/:\d+$/, '') === named) ?? named;
}

function listed(value = ''): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}
