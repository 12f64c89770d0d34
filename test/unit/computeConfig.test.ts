import { afterAll, describe, expect, test } from 'vitest';
import type { PerdureError } from '../../src/errors.js';
import { taskSettings } from '../../src/platform/ecs/taskSettings.js';
import { createTinyWorld, NO_ENGINES } from '../support/tinyWorld.js';

const world = await createTinyWorld(NO_ENGINES);
afterAll(() => world.close());

const TASK = { task_definition: 'tiny-training' };

async function configured(compute: unknown) {
  world.configure((config) => Object.assign(config, { compute }));
  return world.pipeline();
}

/** The faults that a config is refused with, a line each. */
async function faultsOf(compute: unknown): Promise<string[]> {
  const error = await configured(compute).then(
    () => undefined,
    (thrown: PerdureError) => thrown,
  );
  expect(error?.type).toBe('ConfigInvalid');
  return error!.message
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .sort();
}

describe('where stages run', () => {
  test('is here, where nothing else is said', async () => {
    expect((await configured(undefined)).config.compute).toEqual({
      processing: 'local',
      training: 'local',
      inference: 'local',
      monitoring: 'local',
    });
  });

  test('on ECS needs no more than the names of the task definitions; the deployment knows cluster and network', async () => {
    const pipeline = await configured({
      training: 'ecs',
      ecs: { tasks: { training: { ...TASK, logs: { group: '/perdure/tiny-training' } } } },
    });
    const env = {
      PERDURE_ECS_CLUSTER: 'tiny',
      PERDURE_ECS_SUBNETS: 'subnet-1, subnet-2',
      PERDURE_ECS_SECURITY_GROUPS: 'sg-1',
    };

    expect(taskSettings(pipeline, 'training', env)).toMatchObject({
      ...TASK,
      logs: { group: '/perdure/tiny-training', stream_prefix: 'perdure' },
      cluster: 'tiny',
      subnets: ['subnet-1', 'subnet-2'],
      security_groups: ['sg-1'],
      container: 'perdure',
      assign_public_ip: false,
      capacity_providers: ['FARGATE'],
      start_deadline_minutes: 10,
      attempts: 3,
      no_capacity: { attempts: 20, minutes: 30 },
    });
  });

  test('is refused with every fault at once, each by its path and with what was expected', async () => {
    const faults = await faultsOf({
      processing: 'lambda',
      training: 'ecs',
      inferense: 'ecs',
      ecs: {
        cluster: 'two words',
        container: '',
        tasks: {
          processing: { larger: { cpus: 0.1, memory_gib: 200 } },
          inference: { ...TASK, logs: { group: 'a group', stream_prefix: '' } },
          serving: TASK,
        },
        subnets: [],
        security_groups: ['sg-1', 'not one'],
        assign_public_ip: 'no',
        capacity_providers: [],
        launch_type: 'LAMBDA',
        start_deadline_minutes: 0,
        attempts: 11,
        no_capacity: { attempts: 0, minutes: -1, seconds: 3 },
        logs: { group: '/perdure/tiny' },
      },
    });

    expect(faults).toEqual([
      'compute.ecs.assign_public_ip: expected true or false, got "no"',
      'compute.ecs.attempts: expected at most 10, got 11',
      'compute.ecs.capacity_providers: expected at least 1 value, got an empty list',
      'compute.ecs.cluster: expected a name, id or ARN of AWS',
      'compute.ecs.container: expected a name, id or ARN of AWS',
      'compute.ecs.launch_type: expected one of "EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES", got "LAMBDA"',
      'compute.ecs.no_capacity.attempts: expected at least 1, got 0',
      'compute.ecs.no_capacity.minutes: expected at least 0.01, got -1',
      'compute.ecs.no_capacity: there is no "seconds" here; there are attempts, minutes',
      'compute.ecs.security_groups.1: expected a name, id or ARN of AWS',
      'compute.ecs.start_deadline_minutes: expected at least 0.1, got 0',
      'compute.ecs.subnets: expected at least 1 value, got an empty list',
      'compute.ecs.tasks.inference.logs.group: expected a log group of CloudWatch',
      'compute.ecs.tasks.inference.logs.stream_prefix: expected a name, id or ARN of AWS',
      'compute.ecs.tasks.processing.larger.cpus: expected at least 0.25, got 0.1',
      'compute.ecs.tasks.processing.larger.memory_gib: expected at most 120, got 200',
      'compute.ecs.tasks.processing.task_definition: must be given: a text',
      'compute.ecs.tasks.training: expected a task definition, as training runs on ecs',
      'compute.ecs.tasks: there is no "serving" here; there are processing, training, inference, monitoring',
      expect.stringMatching(
        /^compute\.ecs: there is no "logs" here; there are cluster, container, tasks, .*, no_capacity$/,
      ),
      'compute.processing: expected one of "local", "ecs", got "lambda"',
      'compute: there is no "inferense" here; did you mean "inference"?',
    ]);
  });

  test.each([
    [
      'a phase on ECS without a task definition',
      { monitoring: 'ecs' },
      'compute.ecs.tasks.monitoring: expected a task definition, as monitoring runs on ecs',
    ],
    [
      'capacity providers beside a launch type',
      { ecs: { tasks: {}, launch_type: 'FARGATE', capacity_providers: ['FARGATE_SPOT'] } },
      'compute.ecs.launch_type: expected either launch_type or capacity_providers',
    ],
  ])('%s is refused', async (_, compute, fault) => {
    expect(await faultsOf(compute)).toEqual([fault]);
  });

  test('no cluster anywhere is told when a task is due', async () => {
    const pipeline = await configured({ training: 'ecs', ecs: { tasks: { training: TASK } } });

    expect(() => taskSettings(pipeline, 'training', {})).toThrow(
      'No ECS cluster is named to run tasks in; set compute.ecs.cluster in the model config, or PERDURE_ECS_CLUSTER.',
    );
  });

  test('a config that changed under a run that began on ECS says so', async () => {
    const pipeline = await configured({});

    expect(() => taskSettings(pipeline, 'training', {})).toThrow(
      'The model config no longer says how to run training on ECS, as this run began to; restore compute.ecs, or start the run again.',
    );
  });
});
