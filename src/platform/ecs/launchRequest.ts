import type { RunTaskCommandInput, Tag, Task } from '@aws-sdk/client-ecs';
import type { StageInput } from '../../contracts/index.js';
import { clientTokenOf, inputKeyOf, resultKeyOf, startedByOf } from './identity.js';
import { LAUNCH_VARIABLE, type TaskPosition } from './taskDocuments.js';
import type { TaskRequest } from './taskRun.js';
import type { TaskSettings } from './taskSettings.js';

/** What RunTask is asked: the same for every attempt at the same launch. */
export function launchRequest(
  { stage, input, identity, settings, store, environment }: TaskRequest,
  position: TaskPosition,
): RunTaskCommandInput {
  const { subnets, security_groups: securityGroups, assign_public_ip, launch_type, larger } = settings;
  const capacity = launch_type
    ? { launchType: launch_type }
    : { capacityProviderStrategy: [{ capacityProvider: providersOf(settings)[position.provider]!, weight: 1 }] };
  const enlarged = position.larger ? larger : undefined;
  const size = enlarged && { cpu: String(enlarged.cpus * 1024), memory: String(enlarged.memory_gib * 1024) };
  const variables = {
    ...environment,
    ...algorithmOf(input),
    // In place of the one that the task definition may set.
    ...(enlarged ? { PERDURE_SIZE: `${enlarged.cpus}x${enlarged.memory_gib}` } : {}),
    [LAUNCH_VARIABLE]: JSON.stringify(position),
  };
  return {
    cluster: settings.cluster,
    taskDefinition: settings.task_definition,
    count: 1,
    clientToken: clientTokenOf(identity, position.launch),
    startedBy: startedByOf(identity),
    tags: tagsOf({ pipeline: input.pipeline, stage, workflow: identity.workflowId, run: identity.runId }),
    ...capacity,
    ...(subnets.length > 0
      ? {
          networkConfiguration: {
            awsvpcConfiguration: { subnets, securityGroups, assignPublicIp: assign_public_ip ? 'ENABLED' : 'DISABLED' },
          },
        }
      : {}),
    overrides: {
      ...size,
      containerOverrides: [
        {
          name: settings.container,
          command: [
            'perdure',
            'task',
            stage,
            '--input',
            store.uri(inputKeyOf(identity)),
            '--output',
            store.uri(resultKeyOf(identity, position.launch)),
          ],
          environment: Object.entries(variables).map(([name, value]) => ({ name, value })),
        },
      ],
    },
  };
}

/** What costs are told apart by, in the letters that AWS allows. */
function tagsOf(values: Record<string, string>): Tag[] {
  return Object.entries(values).map(([name, value]) => ({
    key: `perdure:${name}`,
    value: value.replace(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, '_').slice(0, 256),
  }));
}

/** What a task's own environment says of its launch. */
export function positionOf({ taskArn, overrides }: Task): TaskPosition | undefined {
  for (const { environment = [] } of overrides?.containerOverrides ?? []) {
    const told = environment.find(({ name }) => name === LAUNCH_VARIABLE)?.value;
    if (told) return { ...(JSON.parse(told) as TaskPosition), taskArn };
  }
  return undefined;
}

/** Capacity providers, or the one launch type, in the order they are tried. */
export function providersOf({ capacity_providers, launch_type }: TaskSettings): string[] {
  return launch_type ? [launch_type] : capacity_providers;
}

function algorithmOf(input: StageInput): { ALGORITHM?: string } {
  return 'algorithm' in input && typeof input.algorithm === 'string' ? { ALGORITHM: input.algorithm } : {};
}
