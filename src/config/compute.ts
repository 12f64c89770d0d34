import { z } from 'zod';

/** The parts of a pipeline whose stages may run elsewhere. */
export const COMPUTED_PARTS = ['processing', 'training', 'inference', 'monitoring'] as const;
export type ComputedPart = (typeof COMPUTED_PARTS)[number];

/** `local`: in the worker that polls the part's task queue. `ecs`: as a task of its own on Amazon ECS. */
const place = z.enum(['local', 'ecs']).default('local');

/** What a name, an ARN or an id of AWS is made of; it goes into requests, never into a shell. */
const awsName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,254}$/, 'expected a name, id or ARN of AWS');

/** vCPUs and memory of a task, as Fargate offers them in pairs. */
const TaskSize = z.strictObject({ cpus: z.number().min(0.25).max(16), memory_gib: z.number().min(0.5).max(120) });

/**
 * Where the `awslogs` driver of the task definition puts the container's log. ECS would tell, but only to a role that may
 * read every task definition of the account, with what others have in their environment.
 */
const Logs = z.strictObject({
  group: z.string().regex(/^[A-Za-z0-9_./#-]{1,512}$/, 'expected a log group of CloudWatch'),
  stream_prefix: awsName.default('perdure'),
});

const TaskDefinition = z.strictObject({
  /** Family of the task definition, which says the size. */
  task_definition: awsName,
  /** Without it a failure is told without the last lines. */
  logs: Logs.optional(),
  /** Size of the one more try after the container ran out of memory; without it that is final. */
  larger: TaskSize.optional(),
});
export type TaskDefinition = z.infer<typeof TaskDefinition>;

export const EcsSettings = z
  .strictObject({
    /** @default `PERDURE_ECS_CLUSTER` of the worker */
    cluster: awsName.optional(),
    /** Name of the container that runs Perdure; others beside it are side-cars. */
    container: awsName.default('perdure'),
    tasks: z.partialRecord(z.enum(COMPUTED_PARTS), TaskDefinition),
    /** @default `PERDURE_ECS_SUBNETS` of the worker, separated by commas */
    subnets: z.array(awsName).min(1).max(16).optional(),
    /** @default `PERDURE_ECS_SECURITY_GROUPS` of the worker, separated by commas */
    security_groups: z.array(awsName).max(5).optional(),
    assign_public_ip: z.boolean().default(false),
    /** In the order in which they are tried: the next one where one has no room or takes a task away. */
    capacity_providers: z.array(awsName).min(1).max(6).default(['FARGATE']),
    /** Used in place of capacity providers. */
    launch_type: z.enum(['EC2', 'FARGATE', 'EXTERNAL', 'MANAGED_INSTANCES']).optional(),
    /** Minutes within which a launched task must be running. */
    start_deadline_minutes: z.number().min(0.1).max(60).default(10),
    /** How often a stage may be launched in all; tasks that AWS took away don't count. */
    attempts: z.int().min(1).max(10).default(3),
    /** How long and how often room is asked for, once every capacity provider has said no. */
    no_capacity: z
      .strictObject({
        attempts: z.int().min(1).max(1_000).default(20),
        minutes: z.number().min(0.01).max(1_440).default(30),
      })
      .prefault({}),
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

const Places = z.strictObject({
  processing: place,
  training: place,
  inference: place,
  monitoring: place,
  ecs: EcsSettings.optional(),
});

/** Where the heavy stages of each part run. */
export const Compute = COMPUTED_PARTS.reduce(
  (schema, part) =>
    schema.refine((compute) => compute[part] !== 'ecs' || compute.ecs?.tasks?.[part] !== undefined, {
      path: ['ecs', 'tasks', part],
      message: `expected a task definition, as ${part} runs on ecs`,
      // Also beside other faults, so that all are told at once.
      when: ({ value }) => typeof value === 'object' && value !== null,
    }),
  Places,
);
export type Compute = z.infer<typeof Compute>;
