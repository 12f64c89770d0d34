import { PerdureError, type TaskEndKind } from '../../errors.js';

/** How a task ended. */
export interface TaskEnd {
  kind: TaskEndKind;
  /** Whether another launch may end otherwise. */
  retryable: boolean;
  /** What happened, without a full stop. */
  reason: string;
  /** What a person does about it, as the rest of a sentence. */
  whatToDo: string;
  /** What the container said last; empty where that can't be read. */
  lastLogLines: string[];
  taskArn?: string;
}

/** A stage that could not be done as a task; launching again was tried as often as it may be. */
export class TaskError extends PerdureError {
  constructor(
    stage: string,
    readonly end: TaskEnd,
  ) {
    const task = end.taskArn ? ` as ${end.taskArn}` : '';
    const said = end.lastLogLines.at(-1);
    super(
      end.kind,
      `${stage}${task} failed: ${end.reason}${said ? ` (its last words: ${said.trim()})` : ''}; ${end.whatToDo}.`,
    );
  }
}

export function noCapacity(reason: string): TaskEnd {
  return {
    kind: 'NoCapacity',
    retryable: true,
    reason: `there is no room for it (${reason})`,
    whatToDo: 'add a capacity provider or subnets in other zones, or give no_capacity more minutes',
    lastLogLines: [],
  };
}

export function launchRefused(reason: string): TaskEnd {
  const whatToDo = 'correct compute.ecs in the model config, or the permissions of this worker';
  return { kind: 'LaunchRefused', retryable: false, reason: `ECS refuses it (${reason})`, whatToDo, lastLogLines: [] };
}

export function launchConflict(error: unknown): TaskEnd {
  const { resourceIds = [] } = error as { resourceIds?: string[] };
  const reason = `its client token stands for another request${resourceIds.length > 0 ? `, ${resourceIds.join(', ')}` : ''}`;
  return {
    kind: 'LaunchConflict',
    retryable: false,
    reason,
    whatToDo: 'report this defect of Perdure, and start the run again',
    lastLogLines: [],
  };
}

export const RESULT_MISSING = {
  kind: 'ResultMissing',
  retryable: false,
  reason: 'its container ended with code 0 and left no result',
  whatToDo: 'see that the image runs the "perdure" command and writes to the same store',
} as const;

export const TASK_LOST = {
  kind: 'TaskLost',
  retryable: true,
  reason: 'ECS no longer knows it, and it left no result',
  whatToDo: 'look for it in the events of the cluster',
} as const;
