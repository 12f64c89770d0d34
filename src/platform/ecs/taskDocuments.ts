import { z } from 'zod';
import type { StageInput, TaskStageName } from '../../contracts/index.js';
import { runRef } from '../../contracts/schemas.js';
import { variables, type Variables } from '../../environment.js';
import { document, type DocumentOf } from '../storage/documents.js';

/** What every stage's input has; the rest the stage itself knows. */
const stageInput: z.ZodType<StageInput> = z.looseObject({ pipeline: z.string(), run: runRef });

/** `input.json`: what a task is asked. */
export const taskInput = document({
  name: 'input of a task',
  schema: z.strictObject({
    stage: z.string() as unknown as z.ZodType<TaskStageName>,
    input: stageInput,
  }),
});
export type TaskInput = DocumentOf<typeof taskInput>;

const taskFailure = z.strictObject({
  /** An error type of Perdure, or an error's name. */
  type: z.string(),
  message: z.string(),
  /** Whether the same call may succeed later. */
  retryable: z.boolean(),
});
export type TaskFailure = z.infer<typeof taskFailure>;

/** `result.json`: what a task came to. It writes it as its last act. */
export const taskResult = document({
  name: 'result of a task',
  schema: z.discriminatedUnion('status', [
    z.strictObject({ status: z.literal('completed'), output: z.unknown() }),
    z.strictObject({ status: z.literal('failed'), error: taskFailure }),
  ]),
});
export type TaskResult = DocumentOf<typeof taskResult>;

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
