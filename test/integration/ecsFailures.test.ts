import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { resultKeyOf } from '../../src/platform/ecs/identity.js';
import { TaskError, type TaskEnd } from '../../src/platform/ecs/taskEnd.js';
import type { TaskRequest } from '../../src/platform/ecs/taskRun.js';
import { PerdureError } from '../../src/errors.js';
import { faults, type EcsEndpoint } from '../support/ecs/ecsEndpoint.js';
import { COMPLETES, CRASHES_ONCE, IDENTITY, ecsWorld, failsWith, type EcsWorld } from '../support/ecs/ecsWorld.js';
import { untilStopped, type TaskPlan } from '../support/ecs/ecsTask.js';
import { SETTINGS } from '../support/ecs/taskSettings.js';
import { until } from '../support/until.js';

const ANSWER = { answer: 42 };

async function endOf(run: Promise<unknown>): Promise<TaskEnd> {
  const error: unknown = await run.then(
    () => new Error('it went well'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof TaskError)) throw error;
  return error.end;
}

/** Runs until the first task runs, then ends the attempt as a worker does that goes on elsewhere. */
async function abandonWhileRunning(world: EcsWorld): Promise<void> {
  const controller = new AbortController();
  const attempt = world.run({ signal: controller.signal, leaveRunning: () => true });
  attempt.catch(() => undefined);
  await until(
    () => world.endpoint.tasks[0]?.status === 'RUNNING' && world.positions.some(({ taskArn }) => taskArn !== undefined),
  );
  controller.abort(new Error('the worker goes'));
  await expect(attempt).rejects.toThrow('the worker goes');
}

const soon = () => sleep(50);
const SLOWLY = `sleep 0.5; ${COMPLETES}`;

describe('no capacity', () => {
  test.each([
    'RESOURCE:CPU',
    'RESOURCE:MEMORY',
    'AGENT',
    'Capacity is unavailable at this time. Please try again later or in a different availability zone',
  ])('%s is asked again, until there is room', async (reason) => {
    const { endpoint, run } = await ecsWorld(COMPLETES);
    endpoint.inject('RunTask', faults.noRoom(reason), faults.noRoom(reason));

    expect(await run()).toEqual(ANSWER);
    expect(endpoint.tasks).toHaveLength(1);
    expect(endpoint.calls.RunTask).toBe(3);
  });

  test('goes from FARGATE_SPOT to FARGATE at once', async () => {
    const { endpoint, run } = await ecsWorld(COMPLETES);
    endpoint.inject('RunTask', faults.noRoom('Capacity is unavailable at this time.'));

    expect(await run({ settings: { capacity_providers: ['FARGATE_SPOT', 'FARGATE'] } })).toEqual(ANSWER);
    expect(endpoint.tasks.map(({ options }) => options.capacityProvider)).toEqual(['FARGATE']);
  });

  test('ends after as many times as the config says, with what to do', async () => {
    const { endpoint, run } = await ecsWorld(COMPLETES);
    endpoint.inject('RunTask', ...Array.from({ length: 3 }, () => faults.noRoom('RESOURCE:MEMORY')));

    expect(await endOf(run({ settings: { no_capacity: { attempts: 3, minutes: 1 } } }))).toMatchObject({
      kind: 'NoCapacity',
      retryable: false,
      reason: 'there is no room for it (RESOURCE:MEMORY)',
      whatToDo: 'add a capacity provider or subnets in other zones, or give no_capacity more minutes',
    });
    expect(endpoint.tasks).toEqual([]);
  });

  test('or after as long as the config says', async () => {
    const { endpoint, run } = await ecsWorld(COMPLETES);
    endpoint.inject('RunTask', ...Array.from({ length: 1_000 }, () => faults.noRoom('RESOURCE:CPU')));

    expect(await endOf(run({ settings: { no_capacity: { attempts: 1_000, minutes: 0.2 / 60 } } }))).toMatchObject({
      kind: 'NoCapacity',
      retryable: false,
    });
    expect(endpoint.calls.RunTask).toBeLessThan(1_000);
  });
});

describe('throttling', () => {
  test('in disguise, as an invalid parameter, is outwaited', async () => {
    const { endpoint, run } = await ecsWorld(COMPLETES);
    endpoint.inject(
      'RunTask',
      faults.error('InvalidParameterException', 'Request was throttled by Fargate. Try again.'),
    );

    expect(await run()).toEqual(ANSWER);
    expect(endpoint.tasks).toHaveLength(1);
  });

  test('of every call is outwaited', async () => {
    const { endpoint, run } = await ecsWorld(CRASHES_ONCE);
    endpoint.inject('RunTask', faults.throttling());
    endpoint.inject('DescribeTasks', faults.throttling(), faults.throttling());
    endpoint.inject('GetLogEvents', faults.throttling());

    expect(await run()).toEqual(ANSWER);
    expect(endpoint.tasks).toHaveLength(2);
  });
});

describe('a RunTask that timed out, or reported failure while a task runs', () => {
  test.each([
    ['a request that got lost', [faults.lostRequest()]],
    ['an answer that got lost', [faults.lostAnswer()]],
    ['answers that got lost again and again', [faults.lostAnswer(), faults.lostAnswer(), faults.lostAnswer()]],
    [
      'a server error after the launch',
      [faults.lostAnswer(), faults.error('ServerException', 'Service Unavailable.', 500)],
    ],
    ['a false no', [faults.falseNo('RESOURCE:CPU')]],
  ])('%s leaves one task', async (_, injected) => {
    const { endpoint, run } = await ecsWorld(COMPLETES);
    endpoint.inject('RunTask', ...injected);

    expect(await run({ settings: { capacity_providers: ['FARGATE_SPOT', 'FARGATE'] } })).toEqual(ANSWER);
    expect(endpoint.tasks.map(({ starts }) => starts)).toEqual([1]);
  });

  test('an endpoint that never answers is told as unavailable', async () => {
    const { endpoint, run } = await ecsWorld(COMPLETES);
    endpoint.inject('RunTask', ...Array.from({ length: 10 }, () => faults.lostRequest()));

    await expect(run()).rejects.toMatchObject({ type: 'ComputeUnavailable', retryable: true });
    expect(endpoint.tasks).toEqual([]);
  });
});

test('the same token with other parameters, as of a worker of another revision, is the same launch: its task is followed', async () => {
  const world = await ecsWorld(SLOWLY);
  await abandonWhileRunning(world);

  expect(await world.run({ environment: { ENVIRONMENT: 'prod' } })).toEqual(ANSWER);
  expect(world.endpoint.tasks).toHaveLength(1);
});

test('a conflict that names no task is a named defect, and final', async () => {
  const { endpoint, run } = await ecsWorld(COMPLETES);
  endpoint.inject(
    'RunTask',
    faults.error('ConflictException', 'The client token was already used with other parameters.'),
  );

  expect(await endOf(run())).toMatchObject({
    kind: 'LaunchConflict',
    retryable: false,
    whatToDo: 'report this defect of Perdure, and start the run again',
  });
});

test.each([
  ['access denied', faults.error('AccessDeniedException', 'User is not authorized to perform: ecs:RunTask')],
  ['an unknown cluster', faults.error('ClusterNotFoundException', 'Cluster not found.')],
  ['an unknown task definition', faults.error('ClientException', 'TaskDefinition not found.')],
])('%s refuses the launch for good', async (_, fault) => {
  const { endpoint, run } = await ecsWorld(COMPLETES);
  endpoint.inject('RunTask', fault);

  expect(await endOf(run())).toMatchObject({ kind: 'LaunchRefused', retryable: false });
  expect(endpoint.calls.RunTask).toBe(1);
});

describe('read after write', () => {
  test("a task that ECS doesn't know yet is waited for", async () => {
    const { endpoint, run } = await ecsWorld(COMPLETES);
    endpoint.plans.push({ unseenLooks: 5 });

    expect(await run()).toEqual(ANSWER);
    expect(endpoint.tasks).toHaveLength(1);
  });

  test('a task that stays unknown is lost, and launched again', async () => {
    const { endpoint, run } = await ecsWorld(COMPLETES, { unknownPatience: 100 });
    endpoint.plans.push({ unseenLooks: Infinity, stuckIn: 'PROVISIONING' });

    expect(await run()).toEqual(ANSWER);
    expect(endpoint.tasks).toHaveLength(2);
  });
});

describe('one look is not the truth', () => {
  test('a running task that ECS misses at a look or two goes on, alone', async () => {
    const world = await ecsWorld(SLOWLY);
    const answer = world.run();
    await until(() => world.endpoint.tasks[0]?.status === 'RUNNING');
    world.endpoint.tasks[0]!.hiddenLooks = 2;

    expect(await answer).toEqual(ANSWER);
    expect(world.endpoint.tasks.map(({ starts }) => starts)).toEqual([1]);
  });

  test('one that it misses for long is stopped before another is launched in its place', async () => {
    const { endpoint, run } = await ecsWorld(COMPLETES, { unknownPatience: 100 });
    let stopped: string | undefined;
    endpoint.plans.push({ unseenLooks: Infinity, simulated: untilStopped });
    endpoint.usualPlan = () => {
      stopped ??= endpoint.tasks[0]?.desiredStatus;
      return {};
    };

    expect(await run()).toEqual(ANSWER);
    expect(stopped).toBe('STOPPED');
    expect(endpoint.tasks.map(({ stopCode }) => stopCode)).toEqual(['UserInitiated', 'EssentialContainerExited']);
    expect(endpoint.tasks[0]!.stoppedReason).toBe('perdure: another task is launched in its place');
  });

  test.each([
    ['an answer', [faults.lostAnswer()]],
    ['several answers and lists that lag', [faults.lostAnswer(), faults.lostAnswer()]],
    ['a request', [faults.lostRequest()]],
    ['a false no', [faults.falseNo('RESOURCE:CPU')]],
  ])('a cancel after %s of RunTask got lost leaves no task running', async (lost, injected) => {
    const { endpoint, run } = await ecsWorld('sleep 60', { backoff: 500, longestBackoff: 500 });
    endpoint.listLag = lost.includes('lag') ? 60_000 : 0;
    endpoint.inject('RunTask', ...injected);
    const controller = new AbortController();
    const attempt = run({ signal: controller.signal });
    attempt.catch(() => undefined);
    await until(() => endpoint.calls.RunTask === 1);
    controller.abort(new Error('cancelled'));

    await expect(attempt).rejects.toThrow();
    expect(endpoint.tasks.filter(({ status }) => status !== 'STOPPED')).toEqual([]);
  });

  test('what a lost worker launched is stopped also where lists lag and come in pages', async () => {
    const world = await ecsWorld('exec sleep 60');
    await abandonWhileRunning(world);
    const { endpoint, dispatcher, warnings } = world;
    for (let i = 0; i < 3; i++)
      void world.run({ identity: { ...IDENTITY, runId: 'r-2', activityId: '7' } }).catch(() => undefined);
    endpoint.pageSize = 1;
    endpoint.listLag = Date.now() - endpoint.tasks[0]!.createdAt + 30;

    const owner = {
      stage: 'trainAlgorithm',
      identity: IDENTITY,
      settings: SETTINGS,
      warn: (line: string) => warnings.push(line),
    } as const;
    expect(await dispatcher.stop(owner)).toMatchObject([{ task: endpoint.tasks[0]!.options.arn }]);
    expect(endpoint.tasks[0]!.status).toBe('STOPPED');
  });
});

describe('stopped tasks vanish', () => {
  test('and the outcome is taken from the store', async () => {
    const world = await ecsWorld(COMPLETES);
    world.endpoint.plans.push({ vanishes: true });

    expect(await world.run()).toEqual(ANSWER);
    expect(await world.run({ retried: true })).toEqual(ANSWER);
    expect(world.endpoint.tasks).toHaveLength(1);
  });

  test('and where there is none the task is lost', async () => {
    const { endpoint, run } = await ecsWorld('exit 3');
    endpoint.usualPlan = { vanishes: true };

    expect(await endOf(run({ settings: { attempts: 1 } }))).toMatchObject({ kind: 'TaskLost', retryable: true });
  });
});

test.each(['PROVISIONING', 'PENDING'] as const)(
  'stuck in %s until the start deadline, it is stopped and launched again',
  async (stuckIn) => {
    const { endpoint, run } = await ecsWorld(COMPLETES);
    endpoint.plans.push({ stuckIn });

    expect(await run({ settings: { start_deadline_minutes: 0.3 / 60 } })).toEqual(ANSWER);
    expect(endpoint.tasks.map(({ status, stopCode }) => [status, stopCode])).toEqual([
      ['STOPPED', 'UserInitiated'],
      ['STOPPED', 'EssentialContainerExited'],
    ]);
  },
);

describe('failed to start', () => {
  test.each([
    'Timeout waiting for network interface provisioning to complete.',
    'Timeout waiting for EphemeralStorage provisioning to complete.',
    'CannotPullContainerError: pull image manifest has been retried 5 time(s): dial tcp 10.0.0.1:443: i/o timeout',
    'CannotPullContainerError: error pulling image configuration: EOF',
    'ResourceInitializationError: unable to pull secrets: dial tcp 10.0.0.1:443: i/o timeout',
    'Unexpected EC2 error while attempting to Create Network Interface: the subnet has no free addresses',
    'Network interface provisioning failed',
  ])('%s: launched again', async (reason) => {
    const { endpoint, run } = await ecsWorld(COMPLETES);
    endpoint.plans.push({ failsToStart: { reason } });

    expect(await run()).toEqual(ANSWER);
    expect(endpoint.tasks).toHaveLength(2);
  });

  test.each([
    'CannotPullContainerError: failed to resolve ref registry/perdure:latest: not found',
    'CannotPullContainerError: pull access denied for perdure, repository does not exist or may require authorization',
    "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/task' that was provided for this task.",
    'ResourceInitializationError: unable to pull secrets or registry auth: AccessDeniedException: not authorized',
    "ResourceInitializationError: unable to retrieve secret from asm: ResourceNotFoundException: Secrets Manager can't find the specified secret.",
  ])('%s: final', async (reason) => {
    const { endpoint, run } = await ecsWorld(COMPLETES);
    endpoint.plans.push({ failsToStart: { reason, listed: true } });

    expect(await endOf(run())).toMatchObject({
      kind: 'StartFailed',
      retryable: false,
      reason,
      whatToDo: 'correct the task definition, its image, roles or secrets',
    });
    expect(endpoint.tasks).toHaveLength(1);
  });

  test('without a container listed it is a failure, also where the stop code is missing', async () => {
    const { endpoint, run } = await ecsWorld(COMPLETES);
    endpoint.usualPlan = { failsToStart: { reason: 'Something went wrong' } };

    expect(await endOf(run({ settings: { attempts: 2 } }))).toMatchObject({
      kind: 'StartFailed',
      reason: 'Something went wrong',
    });
    expect(endpoint.tasks).toHaveLength(2);
  });
});

describe('a container that exits', () => {
  test('with another code than 0 is launched again as often as the config says, and tells its last words', async () => {
    const { endpoint, run } = await ecsWorld('echo one; echo two >&2; echo the end; exit 3');
    const end = await endOf(run({ settings: { attempts: 2 } }));

    expect(end).toMatchObject({
      kind: 'ContainerFailed',
      retryable: true,
      reason: 'its container ended with code 3 and left no result',
      whatToDo: 'read its log',
    });
    expect(end.lastLogLines.toSorted()).toEqual(['one', 'the end', 'two']);
    expect(end.taskArn).toBe(endpoint.tasks[1]!.options.arn);
    expect(endpoint.tasks).toHaveLength(2);
  });

  test('with 0 and no result has not succeeded', async () => {
    const { run } = await ecsWorld('exit 0');

    expect(await endOf(run())).toMatchObject({ kind: 'ResultMissing', retryable: false });
  });

  test.each([
    [
      'ran out of memory',
      { told: { exitCode: 137, containerReason: 'OutOfMemoryError: Container killed due to memory usage' } },
    ],
    ['ended with a code of its own', { told: { exitCode: 7 } }],
    ['has no exit code', { told: { exitCode: null } }],
    [
      'was taken away by Spot',
      {
        takenAway: {
          stopCode: 'SpotInterruption',
          stoppedReason: 'Your Spot Task was interrupted.',
          when: () => sleep(400),
        },
      },
    ],
    [
      'lost its host',
      { takenAway: { stoppedReason: 'Host EC2 (instance i-0123456789) terminated.', when: () => sleep(400) } },
    ],
    [
      'was stopped by somebody',
      { takenAway: { stopCode: 'UserInitiated', stoppedReason: 'Stopped by ana', when: () => sleep(400) } },
    ],
  ] as [string, TaskPlan][])(
    '%s after it had written its result, has done its work: a result is written whole, and last',
    async (_, plan) => {
      const { endpoint, run } = await ecsWorld(plan.takenAway ? `${COMPLETES}; exec sleep 60` : COMPLETES);
      endpoint.plans.push(plan);

      expect(await run()).toEqual(ANSWER);
      expect(endpoint.tasks).toHaveLength(1);
    },
  );

  test("with the stage's own error keeps its type; one that no retry can repair is final", async () => {
    const { endpoint, run } = await ecsWorld(failsWith('ConfigInvalid', false));
    const error: unknown = await run().catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(PerdureError);
    expect(error).toMatchObject({
      type: 'ConfigInvalid',
      message: 'ConfigInvalid it is; correct it.',
      retryable: false,
    });
    expect(endpoint.tasks).toHaveLength(1);
  });

  test('with an error that a retry may repair is launched again', async () => {
    const { endpoint, run } = await ecsWorld(failsWith('StoreUnavailable', true));

    await expect(run()).rejects.toMatchObject({ type: 'StoreUnavailable' });
    expect(endpoint.tasks).toHaveLength(3);
  });

  test('beside a side-car that fails is classified by itself, and the side-car is a warning', async () => {
    const { endpoint, run, warnings } = await ecsWorld(COMPLETES);
    endpoint.plans.push({ sideCar: { exitCode: 1 } });

    expect(await run()).toEqual(ANSWER);
    expect(warnings).toEqual([
      `trainAlgorithm: the side-car side-car ended with code 1 beside ${endpoint.tasks[0]!.options.arn}`,
    ]);
  });

  test('without an exit code is a failure of the infrastructure, not 0', async () => {
    const { endpoint, run } = await ecsWorld('exit 0');
    endpoint.usualPlan = { told: { exitCode: null, containerReason: 'CannotInspectContainerError' } };

    expect(await endOf(run({ settings: { attempts: 2 } }))).toMatchObject({
      kind: 'InfrastructureFailed',
      retryable: true,
    });
    expect(endpoint.tasks).toHaveLength(2);
  });
});

describe('out of memory', () => {
  test.each([
    ['137', { exitCode: 137 }],
    ['OutOfMemoryError', { exitCode: 1, containerReason: 'OutOfMemoryError: Container killed due to memory usage' }],
  ])('%s gets the next size once, where one is configured', async (_, told) => {
    const { endpoint, run, positions } = await ecsWorld(`exit 1`);
    endpoint.usualPlan = { told };
    const end = await endOf(run({ settings: { larger: { cpus: 4, memory_gib: 8 } } }));

    expect(end).toMatchObject({ kind: 'OutOfMemory', whatToDo: 'give the stage a larger task, in compute.ecs.tasks' });
    expect(
      endpoint.tasks.map(({ options }) => [options.cpu, options.memory, options.environment.PERDURE_SIZE]),
    ).toEqual([
      ['2048', '4096', undefined],
      ['4096', '8192', '4x8'],
    ]);
    expect(positions.at(-1)).toMatchObject({ launch: 2, larger: true });
  });

  test('is final where no larger size is configured', async () => {
    const { endpoint, run } = await ecsWorld('kill -9 $$');

    expect(await endOf(run())).toMatchObject({ kind: 'OutOfMemory' });
    expect(endpoint.tasks).toHaveLength(1);
  });

  test('is not what kills a container after its side-car failed', async () => {
    const { endpoint, run } = await ecsWorld('kill -9 $$');
    endpoint.usualPlan = { sideCar: { exitCode: 1 } };

    expect(await endOf(run({ settings: { attempts: 1 } }))).toMatchObject({ kind: 'ContainerFailed' });
  });
});

test("a Spot interruption doesn't count as an attempt, and the next provider follows", async () => {
  const { endpoint, run } = await ecsWorld(SLOWLY);
  endpoint.plans.push({
    takenAway: {
      stopCode: 'SpotInterruption',
      stoppedReason: 'Your Spot Task was interrupted.',
      exitCode: 143,
      when: soon,
    },
  });

  expect(await run({ settings: { attempts: 1, capacity_providers: ['FARGATE_SPOT', 'FARGATE'] } })).toEqual(ANSWER);
  expect(endpoint.tasks.map(({ options }) => options.capacityProvider)).toEqual(['FARGATE_SPOT', 'FARGATE']);
});

test('every task that it took is told with its size and time, across attempts, also those that AWS took away', async () => {
  const world = await ecsWorld(SLOWLY);
  const { endpoint, dispatch } = world;
  endpoint.plans.push({
    takenAway: { stopCode: 'SpotInterruption', stoppedReason: 'Your Spot Task was interrupted.', when: soon },
  });
  let kept: Partial<TaskRequest> = {};
  const worker = new AbortController();
  const first = dispatch({
    signal: worker.signal,
    leaveRunning: () => true,
    remember: (position, uses) => (kept = { position, uses }),
  });
  first.catch(() => undefined);
  await until(
    () => endpoint.tasks[1]?.status === 'RUNNING' && kept.position?.taskArn === endpoint.tasks[1].options.arn,
  );
  worker.abort(new Error('the worker goes'));
  await expect(first).rejects.toThrow('the worker goes');

  const { output, tasks } = await dispatch({ retried: true, ...kept });
  expect(output).toEqual(ANSWER);
  expect(
    tasks.map(({ from, to, ...use }) => ({ ...use, seconds: (Date.parse(to) - Date.parse(from)) / 1000 })),
  ).toEqual(
    endpoint.tasks.map(({ options, seconds }) => ({
      task: options.arn,
      definition: 'test-model-training',
      vcpus: 2,
      gb: 4,
      seconds: expect.closeTo(seconds, 5),
    })),
  );
});

test('a host that is terminated is left for another launch', async () => {
  const { endpoint, run } = await ecsWorld(SLOWLY);
  endpoint.plans.push({ takenAway: { stoppedReason: 'Host EC2 (instance i-0123456789) terminated.', when: soon } });

  expect(await run()).toEqual(ANSWER);
  expect(endpoint.tasks).toHaveLength(2);
});

describe('the log', () => {
  test.each(['group', 'stream'])('whose %s is absent is a warning, and the real error is told', async (absent) => {
    const { endpoint, run, warnings } = await ecsWorld(absent === 'group' ? 'echo said; exit 3' : 'exit 3');
    if (absent === 'group') endpoint.logs.deleteGroup('/perdure/test');

    expect(await endOf(run({ settings: { attempts: 1 } }))).toMatchObject({
      kind: 'ContainerFailed',
      lastLogLines: [],
    });
    expect(warnings[0]).toContain(`The specified log ${absent} does not exist`);
  });

  test('is read once more after the stop, and lines of one instant are all there', async () => {
    const { endpoint, run } = await ecsWorld('for i in 1 2 3 4 5 6 7 8; do echo $i; done; exit 3', { logsSettle: 400 });
    endpoint.logs.delay = 200;
    endpoint.inject('GetLogEvents', (proceed) => proceed());

    const { lastLogLines } = await endOf(run({ settings: { attempts: 1 } }));
    expect(lastLogLines).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
  });
});

describe('cancelled, or out of its time', () => {
  const STUBBORN = 'trap "" TERM; echo begun; while true; do sleep 0.1; done';

  test('the log is read and the task stopped, and only then the attempt ends', async () => {
    const { endpoint, run, warnings } = await ecsWorld(STUBBORN);
    endpoint.define('test-model-training', { stopTimeout: 0.3 });
    const controller = new AbortController();
    const attempt = run({ signal: controller.signal });
    attempt.catch(() => undefined);
    await until(() => endpoint.tasks[0]?.status === 'RUNNING');
    await until(() => hasLog(endpoint, endpoint.tasks[0]!.options.arn));
    controller.abort(new Error('cancelled'));

    await expect(attempt).rejects.toThrow('cancelled');
    expect(endpoint.tasks.map(({ status, stopCode }) => [status, stopCode])).toEqual([['STOPPED', 'UserInitiated']]);
    expect(warnings.at(-1)).toBe(
      `trainAlgorithm was stopped as ${endpoint.tasks[0]!.options.arn}; its last words: begun`,
    );
  });

  test('also where ECS stumbles over the stop', async () => {
    const { endpoint, run } = await ecsWorld('sleep 60');
    endpoint.inject(
      'StopTask',
      faults.throttling(),
      faults.lostAnswer(),
      faults.error('ServerException', 'Service Unavailable.', 500),
    );
    const controller = new AbortController();
    const attempt = run({ signal: controller.signal });
    attempt.catch(() => undefined);
    await until(() => endpoint.tasks[0]?.status === 'RUNNING');
    controller.abort(new Error('cancelled'));

    await expect(attempt).rejects.toThrow('cancelled');
    expect(endpoint.tasks[0]!.status).toBe('STOPPED');
  });

  test('a task that somebody stopped is not launched again', async () => {
    const { endpoint, run } = await ecsWorld('sleep 60');
    const attempt = endOf(run());
    await until(() => endpoint.tasks[0]?.status === 'RUNNING');
    endpoint.tasks[0]!.stop('Stopped by ana');

    expect(await attempt).toMatchObject({
      kind: 'TaskStopped',
      retryable: false,
      reason: 'it was stopped (Stopped by ana)',
    });
    expect(endpoint.tasks).toHaveLength(1);
  });
});

describe('the worker dies meanwhile', () => {
  test('the next attempt goes on with the task in the heartbeat details', async () => {
    const world = await ecsWorld(SLOWLY);
    await abandonWhileRunning(world);
    const listed = world.endpoint.calls.ListTasks;

    expect(await world.run({ retried: true, position: world.positions.at(-1) })).toEqual(ANSWER);
    expect(world.endpoint.tasks.map(({ starts }) => starts)).toEqual([1]);
    expect(world.endpoint.calls.ListTasks).toBe(listed);
  });

  test('else it finds the task by startedBy alone, at work', async () => {
    const world = await ecsWorld(SLOWLY);
    await abandonWhileRunning(world);

    expect(await world.run({ retried: true })).toEqual(ANSWER);
    expect(world.endpoint.tasks.map(({ starts }) => starts)).toEqual([1]);
    expect(world.endpoint.calls.RunTask).toBe(1);
  });

  test('or already ended well', async () => {
    const world = await ecsWorld(SLOWLY);
    await abandonWhileRunning(world);
    await until(() => world.endpoint.tasks[0]!.status === 'STOPPED');

    expect(await world.run({ retried: true })).toEqual(ANSWER);
    expect(world.endpoint.calls.RunTask).toBe(1);
  });

  test('or ended badly, and launches again from there', async () => {
    const world = await ecsWorld(`sleep 0.3; ${CRASHES_ONCE}`);
    await abandonWhileRunning(world);
    await until(() => world.endpoint.tasks[0]!.status === 'STOPPED');

    expect(await world.run({ retried: true })).toEqual(ANSWER);
    expect(
      world.endpoint.tasks.map(
        ({ options }) => (JSON.parse(options.environment.PERDURE_LAUNCH!) as { launch: number }).launch,
      ),
    ).toEqual([1, 2]);
  });

  test('or forgotten by ECS, with its result in the store', async () => {
    const world = await ecsWorld(SLOWLY);
    world.endpoint.plans.push({ vanishes: true });
    await abandonWhileRunning(world);
    await until(() => world.endpoint.tasks[0]!.status === 'STOPPED');

    expect(await world.store.get(resultKeyOf(IDENTITY, 1))).toBeDefined();
    expect(await world.run({ retried: true })).toEqual(ANSWER);
    expect(world.endpoint.calls.RunTask).toBe(1);
  });
});

function hasLog(endpoint: EcsEndpoint, arn: string): boolean {
  try {
    return (
      endpoint.logs.read({ logGroupName: '/perdure/test', logStreamName: `task/perdure/${arn.split('/').at(-1)}` })
        .events !== undefined
    );
  } catch {
    // A stream begins with its first event.
    return false;
  }
}
