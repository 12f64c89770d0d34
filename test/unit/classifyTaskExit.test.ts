import type { Task } from '@aws-sdk/client-ecs';
import { describe, expect, test } from 'vitest';
import {
  classifyTaskExit,
  REPLACED_REASON,
  sideCarFailures,
  START_DEADLINE_REASON,
} from '../../src/platform/ecs/classifyTaskExit.js';

const PERDURE = 'perdure';

/** What to do of a task that could not start. */
const NETWORK = 'see to the network of the tasks where this comes often';
const DEFINITION = 'correct the task definition, its image, roles or secrets';

/** A stopped task as ECS describes it, with the container that runs Perdure. */
function stoppedTask(task: Task, container: NonNullable<Task['containers']>[number] = {}): Task {
  return {
    containers: [
      { name: 'proxy', exitCode: 0 },
      { name: PERDURE, ...container },
    ],
    ...task,
  };
}

describe('how a stopped task ended', () => {
  test('a container that ended with 0 ended well, however its task was stopped and whatever became of others', () => {
    expect(
      classifyTaskExit(
        {
          containers: [
            { name: PERDURE, exitCode: 0 },
            { name: 'proxy', exitCode: 1 },
          ],
          stopCode: 'SpotInterruption',
        },
        PERDURE,
      ),
    ).toBeUndefined();
  });

  test.each<[string, Task, string, string, string]>([
    [
      'Spot capacity',
      { stopCode: 'SpotInterruption', stoppedReason: 'Your Spot Task was interrupted.' },
      'SpotInterrupted',
      'its Spot capacity was taken back (Your Spot Task was interrupted.)',
      'give it capacity on demand where this comes often',
    ],
    [
      'a notice',
      { stopCode: 'TerminationNotice', stoppedReason: 'maintenance' },
      'HostTerminated',
      'maintenance',
      'see what ends the hosts of the cluster',
    ],
    [
      'an unhealthy host',
      { stopCode: 'InfrastructureHealth' },
      'HostTerminated',
      'ECS gives no reason',
      'see what ends the hosts of the cluster',
    ],
    [
      'a host that is gone',
      { stoppedReason: 'Host EC2 (instance i-1) terminated.' },
      'HostTerminated',
      'Host EC2 (instance i-1) terminated.',
      'see what ends the hosts of the cluster',
    ],
    [
      'words about a host inside another reason',
      { stoppedReason: 'because Host EC2 (i-1) terminated' },
      'InfrastructureFailed',
      'its container ended without an exit code (because Host EC2 (i-1) terminated)',
      'look at the task in the ECS console',
    ],
    [
      'no exit code',
      {},
      'InfrastructureFailed',
      'its container ended without an exit code (ECS gives no reason)',
      'look at the task in the ECS console',
    ],
  ])('%s: another launch may end otherwise', (_, task, kind, reason, whatToDo) => {
    expect(classifyTaskExit(stoppedTask(task), PERDURE)).toEqual({ kind, retryable: true, reason, whatToDo });
  });

  test.each([
    ['CannotPullContainerError: pull access denied, i/o timeout', true, NETWORK],
    ['unexpected EOF', true, NETWORK],
    ['ResourceInitializationError: unable to pull secrets: request timed out', true, NETWORK],
    ['Client.Timeout exceeded while awaiting headers', true, NETWORK],
    ['secretsmanager:ResourceNotFoundException', false, DEFINITION],
    ['ECR: AccessDeniedException', false, DEFINITION],
    ['CannotPullContainerError: image not found', false, DEFINITION],
    ['CannotPullContainerError: manifest unknown', false, DEFINITION],
    ['AccessDenied: role', false, DEFINITION],
    ['Timeout waiting for network interface provisioning to complete.', true, NETWORK],
    ['failed to attach the network interface', true, NETWORK],
    ['ephemeral storage is not there yet', true, NETWORK],
    ['InsufficientFreeAddressesInSubnet: the subnet does not have enough free addresses', true, NETWORK],
    ['provisioning failed', true, NETWORK],
    ['read: connection reset by peer', true, NETWORK],
    ['net/http: request canceled', true, NETWORK],
    ['TLS handshake failure', true, NETWORK],
    ['InternalError: try again', true, NETWORK],
    ['the request has timed out', true, NETWORK],
    ['time out', true, NETWORK],
    ['the repository does not exist', false, DEFINITION],
    ['is not authorized to perform ecr:GetAuthorizationToken', false, DEFINITION],
    ['401 Unauthorized', false, DEFINITION],
    ['no basic auth credentials', false, DEFINITION],
    ['403 Forbidden', false, DEFINITION],
    ['invalid reference format', false, DEFINITION],
    // Only as a word of its own: of a name that has these letters nothing follows.
    ['no GEOFENCE', true, 'look at the task in the ECS console'],
    ['something new', true, 'look at the task in the ECS console'],
  ])('not started because of %s', (reason, retryable, whatToDo) => {
    const end = { kind: 'StartFailed', retryable, reason, whatToDo };
    expect(classifyTaskExit(stoppedTask({ stopCode: 'TaskFailedToStart', stoppedReason: reason }), PERDURE)).toEqual(
      end,
    );
    expect(
      classifyTaskExit(
        stoppedTask({ stopCode: 'TaskFailedToStart', stoppedReason: 'less exact' }, { reason }),
        PERDURE,
      ),
    ).toEqual(end);
    // Where ECS made no container, there is only the task's reason.
    expect(classifyTaskExit({ stoppedReason: reason }, PERDURE)).toEqual(end);
  });

  test('a task definition without the container that the config names is refused, with the names that there are', () => {
    expect(
      classifyTaskExit(
        { stopCode: 'EssentialContainerExited', containers: [{ name: 'app', exitCode: 0 }, { name: 'proxy' }] },
        PERDURE,
      ),
    ).toEqual({
      kind: 'LaunchRefused',
      retryable: false,
      reason: 'its task definition has no container "perdure", but app, proxy',
      whatToDo: 'name the one that runs Perdure in compute.ecs.container',
    });
  });

  test('a task that somebody stopped is not launched again; one that Perdure stopped for its start deadline is', () => {
    expect(
      classifyTaskExit(
        stoppedTask({ stopCode: 'UserInitiated', stoppedReason: 'by hand' }, { exitCode: 137 }),
        PERDURE,
      ),
    ).toEqual({
      kind: 'TaskStopped',
      retryable: false,
      reason: 'it was stopped (by hand)',
      whatToDo: 'start the run again where that was not meant',
    });
    expect(
      classifyTaskExit(stoppedTask({ stopCode: 'UserInitiated', stoppedReason: REPLACED_REASON }), PERDURE),
    ).toMatchObject({
      kind: 'TaskStopped',
    });
    expect(
      classifyTaskExit(
        stoppedTask({ stopCode: 'UserInitiated', stoppedReason: `${START_DEADLINE_REASON} of 10 minutes` }),
        PERDURE,
      ),
    ).toEqual({
      kind: 'StartDeadlineExceeded',
      retryable: true,
      reason: 'it was not running within its start deadline',
      whatToDo: 'see what it waits for in the ECS console, or raise compute.ecs.start_deadline_minutes',
    });
    // Another's words that only mention the deadline are a person's stop.
    expect(
      classifyTaskExit(
        stoppedTask({ stopCode: 'UserInitiated', stoppedReason: `not for: ${START_DEADLINE_REASON}` }),
        PERDURE,
      ),
    ).toMatchObject({ kind: 'TaskStopped' });
  });

  const outOfMemory = {
    kind: 'OutOfMemory',
    retryable: true,
    reason: 'its container ran out of memory',
    whatToDo: 'give the stage a larger task, in compute.ecs.tasks',
  };
  const failed = (code: number) => ({
    kind: 'ContainerFailed',
    retryable: true,
    reason: `its container ended with code ${code} and left no result`,
    whatToDo: 'read its log',
  });

  test('memory: by the reason, or by code 137 where no other container failed first', () => {
    const stopCode = 'EssentialContainerExited';
    expect(
      classifyTaskExit(
        stoppedTask({ stopCode }, { exitCode: 1, reason: 'OutOfMemoryError: container killed' }),
        PERDURE,
      ),
    ).toEqual(outOfMemory);
    expect(classifyTaskExit(stoppedTask({ stopCode }, { exitCode: 137 }), PERDURE)).toEqual(outOfMemory);
    expect(
      classifyTaskExit({ stopCode, containers: [{ name: PERDURE, exitCode: 137 }, { name: 'slow' }] }, PERDURE),
    ).toEqual(outOfMemory);
    expect(
      classifyTaskExit(
        {
          stopCode,
          containers: [
            { name: PERDURE, exitCode: 137 },
            { name: 'proxy', exitCode: 2 },
          ],
        },
        PERDURE,
      ),
    ).toEqual(failed(137));
    expect(classifyTaskExit(stoppedTask({ stopCode }, { exitCode: 3, reason: 'anything' }), PERDURE)).toEqual(
      failed(3),
    );
  });

  test("a container's own reason is told before its task's", () => {
    expect(classifyTaskExit(stoppedTask({ stoppedReason: 'task' }, { reason: 'container' }), PERDURE)?.reason).toBe(
      'its container ended without an exit code (container)',
    );
  });
});

test('side-cars that failed are told with their codes; those that ended well, still run or are Perdure itself are not', () => {
  expect(
    sideCarFailures(
      {
        containers: [
          { name: PERDURE, exitCode: 1 },
          { name: 'ok', exitCode: 0 },
          { name: 'running' },
          { name: 'proxy', exitCode: 2 },
          { name: 'logs', exitCode: 137 },
        ],
      },
      PERDURE,
    ),
  ).toEqual(['proxy ended with code 2', 'logs ended with code 137']);
  expect(sideCarFailures({}, PERDURE)).toEqual([]);
});
