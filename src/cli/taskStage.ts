import { availableParallelism, totalmem } from 'node:os';
import type { LogLevel } from '@temporalio/common';
import { TaskCheckpoint } from '../platform/ecs/taskCheckpoint.js';
import {
  LAUNCH_VARIABLE,
  launchOfThisTask,
  taskInput,
  taskResult,
  type TaskFailure,
  type TaskInput,
  type TaskResult,
} from '../platform/ecs/taskDocuments.js';
import { TASK_STAGE_NAMES, isTaskStage } from '../contracts/index.js';
import { STAGES, type AnyStage } from '../stages/index.js';
import { createEnginePool } from '../ml/engines/hostPool.js';
import { variables, type Variables } from '../environment.js';
import { PerdureError, messageOf } from '../errors.js';
import { limitsOf } from '../platform/resources/limits.js';
import { chosenResources } from '../platform/resources/resources.js';
import { createRunStage } from '../stages/createContext.js';
import { isText, jsonLine } from '../platform/observe/logLine.js';
import { openAddress, storeRoot } from '../platform/storage/stores.js';
import { EXIT } from './exitCodes.js';
import { interruption } from './interruption.js';
import { describeProgress } from './progressText.js';
import { say } from './terminal.js';

/**
 * Runs one stage in this process: what an ECS task does. The result, good or bad, is written as the last act; the exit
 * code is 0 only where it is good. An interrupted task writes none; its checkpoint is where the next one
 * goes on.
 *
 * @param options addresses of the input document, and of the result that is written
 */
export async function runTask(
  name: string,
  options: { input: string; output: string },
  env: Variables = variables(),
): Promise<void> {
  if (!isTaskStage(name))
    throw new PerdureError(
      'InputInvalid',
      `There is no stage ${JSON.stringify(name)} that runs as a task; there are ${TASK_STAGE_NAMES.join(', ')}.`,
    );
  const root = storeRoot();
  const from = await openAddress(options.input, root);
  const to = await openAddress(options.output, root);
  const asked = await taskInput.read(from.store, from.key);
  if (!asked)
    throw new PerdureError(
      'NotFound',
      `${options.input} is not there; name the input that the task was launched with.`,
    );
  checkAsked(asked, name, env);

  const stop = interruption();
  const log = taskLog(asked, env);
  log('INFO', `${name} of ${asked.input.pipeline}, launch ${env[LAUNCH_VARIABLE] ?? 'by hand'}`);
  const saved = await TaskCheckpoint.open(from.store, from.key, asked, (error) =>
    log('WARN', `The checkpoint could not be saved: ${messageOf(error)}`),
  );
  if (saved.checkpoint !== undefined) log('INFO', 'an earlier launch got some way; going on from there');
  const result = await perform(STAGES[name], asked.input, root, stop, saved, log);
  await saved.settle();
  stop.throwIfAborted();
  await taskResult.write(to.store, to.key, result);
  if (result.status === 'completed') return log('INFO', `${name} completed`);
  log('ERROR', result.error.message, { errorType: result.error.type });
  process.exitCode = EXIT.failed;
}

/** A task whose environment speaks of another piece of work is not the one that was asked for. */
function checkAsked(asked: TaskInput, stage: string, { ALGORITHM }: NodeJS.ProcessEnv): void {
  if (asked.stage !== stage)
    throw new PerdureError(
      'InputInvalid',
      `The input is for the stage ${JSON.stringify(asked.stage)}, not for ${stage}; name the input of this one.`,
    );
  const algorithm = 'algorithm' in asked.input ? asked.input.algorithm : undefined;
  if (ALGORITHM && algorithm !== undefined && algorithm !== ALGORITHM) {
    throw new PerdureError(
      'InputInvalid',
      `ALGORITHM is ${JSON.stringify(ALGORITHM)}, and the input asks for ${JSON.stringify(algorithm)}; leave ALGORITHM out.`,
    );
  }
}

type TaskLog = (level: LogLevel, message: string, more?: object) => void;

/** As the workers log: lines for people on a terminal, else one JSON object per line, with the ids of the run that asked. */
function taskLog({ stage, input: { pipeline, run } }: TaskInput, env: NodeJS.ProcessEnv): TaskLog {
  const meta = { stage, pipeline, workflowId: run.workflowId, runId: run.runId, launch: launchOfThisTask(env)?.launch };
  return (level, message, more) => {
    if (isText(env)) return say(level === 'ERROR' ? `perdure: ${message}` : message);
    say(
      jsonLine('task', { level, message, timestampNanos: BigInt(Date.now()) * 1_000_000n, meta: { ...meta, ...more } }),
    );
  };
}

async function perform(
  stage: AnyStage,
  input: unknown,
  root: string,
  signal: AbortSignal,
  saved: TaskCheckpoint,
  log: TaskLog,
): Promise<TaskResult> {
  const resources = chosenResources({ cpus: availableParallelism(), memory: totalmem() });
  const engines = createEnginePool(limitsOf(resources).engines);
  try {
    const runStage = createRunStage({ storeRoot: root, engines, resources });
    const output = await runStage(stage, input as never, {
      signal,
      report: (progress) => log('INFO', describeProgress(progress)),
      checkpoint: saved.checkpoint,
      saveCheckpoint: (checkpoint) => saved.saveCheckpoint(checkpoint),
    });
    return { status: 'completed', output };
  } catch (error) {
    return { status: 'failed', error: describe(error) };
  } finally {
    await engines.close();
  }
}

function describe(error: unknown): TaskFailure {
  if (error instanceof PerdureError) return { type: error.type, message: error.message, retryable: error.retryable };
  return { type: error instanceof Error ? error.name : 'Error', message: messageOf(error), retryable: true };
}
