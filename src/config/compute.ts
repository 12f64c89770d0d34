import { z } from 'zod';
import { PHASES, type Phase } from '../contracts/index.js';

const target = z
  .enum(['local', 'ecs'])
  .default('local')
  .describe('local: in the worker that polls its task queue; ecs: as a task of its own on Amazon ECS');

/** What a name, an ARN or an id of AWS is made of; it goes into requests, never into a shell. */
const awsName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,254}$/, 'expected a name, id or ARN of AWS');

/** vCPUs and memory of a task, as Fargate offers them in pairs. */
const TaskSize = z.strictObject({
  cpus: z.number().min(0.25).max(16).describe('vCPUs'),
  memory_gib: z.number().min(0.5).max(120).describe('Memory in GiB'),
});

/**
 * Where the `awslogs` driver of the task definition puts the container's log. ECS would tell, but only to a role that may
 * read every task definition of the account, with what others have in their environment.
 */
const Logs = z.strictObject({
  group: z
    .string()
    .regex(/^[A-Za-z0-9_./#-]{1,512}$/, 'expected a log group of CloudWatch')
    .describe('Log group of CloudWatch'),
  stream_prefix: awsName.default('perdure').describe('Prefix of its log streams'),
});

const TaskDefinition = z.strictObject({
  task_definition: awsName.describe('Family of the task definition, which says the size'),
  logs: Logs.optional().meta({
    description: 'Where the log of the container lies',
    otherwise: 'a failure is told without its last lines',
  }),
  larger: TaskSize.optional().meta({
    description: 'Size of the one more try after the container ran out of memory',
    otherwise: 'that is final',
  }),
});
export type TaskDefinition = z.infer<typeof TaskDefinition>;

export const EcsSettings = z
  .strictObject({
    cluster: awsName
      .optional()
      .meta({ description: 'Cluster that tasks run in', otherwise: 'PERDURE_ECS_CLUSTER of the worker' }),
    container: awsName
      .default('perdure')
      .describe('Name of the container that runs Perdure; others beside it are side-cars'),
    tasks: z.partialRecord(z.enum(PHASES), TaskDefinition).describe('Task definition of each phase that runs on ecs'),
    subnets: z
      .array(awsName)
      .min(1)
      .max(16)
      .optional()
      .meta({ description: 'Subnets of the tasks', otherwise: 'PERDURE_ECS_SUBNETS of the worker' }),
    security_groups: z
      .array(awsName)
      .max(5)
      .optional()
      .meta({ description: 'Security groups of the tasks', otherwise: 'PERDURE_ECS_SECURITY_GROUPS of the worker' }),
    assign_public_ip: z.boolean().default(false).describe('Whether tasks have public addresses'),
    capacity_providers: z
      .array(awsName)
      .min(1)
      .max(6)
      .default(['FARGATE'])
      .describe('In the order in which they are tried: the next one where one has no room or takes a task away'),
    launch_type: z
      .enum(['EC2', 'FARGATE', 'EXTERNAL', 'MANAGED_INSTANCES'])
      .optional()
      .meta({ description: 'Used in place of capacity providers', otherwise: 'capacity_providers say so' }),
    start_deadline_minutes: z
      .number()
      .min(0.1)
      .max(60)
      .default(10)
      .describe('Minutes within which a launched task must be running'),
    attempts: z
      .int()
      .min(1)
      .max(10)
      .default(3)
      .describe("How often a stage may be launched in all; tasks that AWS took away don't count"),
    no_capacity: z
      .strictObject({
        attempts: z.int().min(1).max(1_000).default(20).describe('How often room is asked for'),
        minutes: z.number().min(0.01).max(1_440).default(30).describe('For how many minutes'),
      })
      .prefault({})
      .describe('How long and how often room is asked for, once every capacity provider has said no'),
  })
  .superRefine((ecs, context) => {
    if (ecs.launch_type !== undefined && ecs.capacity_providers.join() !== 'FARGATE') {
      context.addIssue({
        code: 'custom',
        path: ['launch_type'],
        message: 'expected either launch_type or capacity_providers',
      });
    }
  });
export type EcsSettings = z.infer<typeof EcsSettings>;

const Targets = z.strictObject({
  ...(Object.fromEntries(PHASES.map((phase) => [phase, target])) as Record<Phase, typeof target>),
  ecs: EcsSettings.optional().meta({ description: 'Settings of Amazon ECS', otherwise: 'nothing runs there' }),
});

/** Where the heavy stages of each phase run. */
export const Compute = PHASES.reduce(
  (schema, phase) =>
    schema.refine((compute) => compute[phase] !== 'ecs' || compute.ecs?.tasks?.[phase] !== undefined, {
      path: ['ecs', 'tasks', phase],
      message: `expected a task definition, as ${phase} runs on ecs`,
      // Also beside other faults, so that all are told at once.
      when: ({ value }) => typeof value === 'object' && value !== null,
    }),
  Targets,
);
export type Compute = z.infer<typeof Compute>;
