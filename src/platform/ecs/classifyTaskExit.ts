import type { Container, Task } from '@aws-sdk/client-ecs';
import type { TaskEnd } from './taskEnd.js';

type TaskExit = Omit<TaskEnd, 'lastLogLines' | 'taskArn'>;

/** The reasons that Perdure gives ECS for stopping a task. */
export const START_DEADLINE_REASON = 'perdure: not running within its start deadline';
/** Of a task that ECS didn't know for a while: another is launched in its place. */
export const REPLACED_REASON = 'perdure: another task is launched in its place';
export const UNWANTED_REASON = 'perdure: its result is no longer wanted';

/** Reasons for not starting that pass by themselves; asked first, as an unreachable registry may name a secret too. */
const PASSING =
  /i\/o timeout|\bEOF\b|timed? ?out|network interface|ephemeral storage|free addresses|provisioning failed|connection reset|request canceled|TLS handshake|InternalError/i;
/** Reasons that stay until somebody acts. */
const STAYING =
  /not ?found|manifest unknown|does not exist|access ?denied|not authorized|unauthorized|no basic auth|forbidden|\brole\b|secret|invalid/i;

const KILLED = 137;

/**
 * How a stopped task ended, by the named container; `undefined` where that ended with 0, which is well if the result is
 * there. Others beside it don't count.
 */
export function classifyTaskExit(task: Task, containerName: string): TaskExit | undefined {
  const { stopCode, stoppedReason = 'ECS gives no reason', containers = [] } = task;
  const container = containers.find(({ name }) => name === containerName);
  if (container?.exitCode === 0) return undefined;

  if (stopCode === 'SpotInterruption') {
    return again(
      'SpotInterrupted',
      `its Spot capacity was taken back (${stoppedReason})`,
      'give it capacity on demand where this comes often',
    );
  }
  if (
    stopCode === 'TerminationNotice' ||
    stopCode === 'InfrastructureHealth' ||
    /^Host EC2 .* terminated/i.test(stoppedReason)
  ) {
    return again('HostTerminated', stoppedReason, 'see what ends the hosts of the cluster');
  }
  if (stopCode === 'TaskFailedToStart' || containers.length === 0)
    return notStarted(container?.reason ?? stoppedReason);
  if (!container) {
    const names = containers.map(({ name }) => name).join(', ');
    return final(
      'LaunchRefused',
      `its task definition has no container "${containerName}", but ${names}`,
      'name the one that runs Perdure in compute.ecs.container',
    );
  }
  if (stopCode === 'UserInitiated') return stopped(stoppedReason);
  if (ranOutOfMemory(container, containers)) {
    return again(
      'OutOfMemory',
      'its container ran out of memory',
      'give the stage a larger task, in compute.ecs.tasks',
    );
  }
  if (container.exitCode === undefined) {
    const why = container.reason ?? stoppedReason;
    return again(
      'InfrastructureFailed',
      `its container ended without an exit code (${why})`,
      'look at the task in the ECS console',
    );
  }
  return again(
    'ContainerFailed',
    `its container ended with code ${container.exitCode} and left no result`,
    'read its log',
  );
}

function notStarted(reason: string): TaskExit {
  const kind = 'StartFailed';
  if (PASSING.test(reason)) return again(kind, reason, 'see to the network of the tasks where this comes often');
  if (STAYING.test(reason)) return final(kind, reason, 'correct the task definition, its image, roles or secrets');
  return again(kind, reason, 'look at the task in the ECS console');
}

function stopped(reason: string): TaskExit {
  if (reason.startsWith(START_DEADLINE_REASON)) {
    return again(
      'StartDeadlineExceeded',
      'it was not running within its start deadline',
      'see what it waits for in the ECS console, or raise compute.ecs.start_deadline_minutes',
    );
  }
  return final('TaskStopped', `it was stopped (${reason})`, 'start the run again where that was not meant');
}

/** A container that is killed after an essential side-car failed has the same exit code. */
function ranOutOfMemory(container: Container, all: Container[]): boolean {
  if (/OutOfMemory/i.test(container.reason ?? '')) return true;
  const sideCarFailed = all.some(
    (other) => other !== container && other.exitCode !== undefined && other.exitCode !== 0,
  );
  return container.exitCode === KILLED && !sideCarFailed;
}

/** Side-cars that ended badly, in words. */
export function sideCarFailures({ containers = [] }: Task, containerName: string): string[] {
  return containers
    .filter(({ name, exitCode }) => name !== containerName && exitCode !== undefined && exitCode !== 0)
    .map(({ name, exitCode }) => `${name} ended with code ${exitCode}`);
}

function again(kind: TaskEnd['kind'], reason: string, whatToDo: string): TaskExit {
  return { kind, retryable: true, reason, whatToDo };
}

function final(kind: TaskEnd['kind'], reason: string, whatToDo: string): TaskExit {
  return { kind, retryable: false, reason, whatToDo };
}
