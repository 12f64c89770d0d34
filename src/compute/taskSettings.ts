import type { Pipeline } from '../config/load.js';
import type { ComputedPart, EcsSettings, TaskSize } from '../config/compute.js';
import { PerdureError } from '../errors.js';

/** The config of one stage's tasks, with what the worker's environment adds. */
export interface TaskSettings extends Omit<EcsSettings, 'tasks' | 'cluster' | 'subnets' | 'security_groups'> {
  cluster: string;
  subnets: string[];
  security_groups: string[];
  task_definition: string;
  larger?: TaskSize;
}

/**
 * The settings of a part's tasks: of the model config, else of this worker's environment, as cluster and network are
 * what a deployment makes.
 * @throws PerdureError `ConfigInvalid`
 */
export function taskSettings({ config }: Pipeline, part: ComputedPart, env: NodeJS.ProcessEnv = process.env): TaskSettings {
  const { tasks, ...settings } = config.compute.ecs!;
  const cluster = settings.cluster ?? env.PERDURE_ECS_CLUSTER;
  if (!cluster) {
    throw new PerdureError('ConfigInvalid', 'No ECS cluster is named to run tasks in; set compute.ecs.cluster in the model config, or PERDURE_ECS_CLUSTER.');
  }
  return {
    ...settings,
    ...tasks[part]!,
    cluster,
    subnets: settings.subnets ?? listed(env.PERDURE_ECS_SUBNETS),
    security_groups: settings.security_groups ?? listed(env.PERDURE_ECS_SECURITY_GROUPS),
  };
}

function listed(value = ''): string[] {
  return value.split(',').map((item) => item.trim()).filter(Boolean);
}
