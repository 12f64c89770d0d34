import type { StageInput, TaskStageName } from '../../contracts/index.js';
import { variables, type Variables } from '../../environment.js';

/** `input.json`: what a task is asked. */
export interface TaskInput {
  stage: TaskStageName;
  input: StageInput;
}

/** `result.json`: what a task came to. It writes it as its last act. */
export type TaskResult = { status: 'completed'; output: unknown } | { status: 'failed'; error: TaskFailure };

export interface TaskFailure {
  /** An error type of Perdure, or an error's name. */
  type: string;
  message: string;
  /** Whether the same call may succeed later. */
  retryable: boolean;
}

/** Environment variable that tells a task where its launching stands, as JSON of a `TaskPosition`. */
export const LAUNCH_VARIABLE = 'PERDURE_LAUNCH';

/** Where the launching of a task stands; kept from one attempt at the activity to the next. */
export interface TaskPosition {
  /** How often it was launched, from 1. */
  launch: number;
  /** Launches that ended in a failure which counts against the config's `attempts`. */
  failures: number;
  /** Position of the capacity provider in the config. */
  provider: number;
  /** Whether the task has the larger size, as an earlier one ran out of memory. */
  larger: boolean;
  /** The task, once ECS has named it. */
  taskArn?: string;
}

/** Which launch this process is; `undefined` where it is no task. */
export function launchOfThisTask(env: Variables = variables()): TaskPosition | undefined {
  const told = env[LAUNCH_VARIABLE];
  return told ? (JSON.parse(told) as TaskPosition) : undefined;
}
