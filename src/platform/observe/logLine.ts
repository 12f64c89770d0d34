import type { LogEntry } from '@temporalio/worker';
import { variables, type Variables } from '../../environment.js';
import { messageOf } from '../../errors.js';

/** Whether logs are lines for people: on a terminal, or where `PERDURE_LOG_FORMAT` says so. */
export function isText(env: Variables = variables(), isTerminal = process.stderr.isTTY): boolean {
  return env.PERDURE_LOG_FORMAT ? env.PERDURE_LOG_FORMAT !== 'json' : isTerminal;
}

export function jsonLine(worker: string, { level, message, timestampNanos, meta }: LogEntry): string {
  const time = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
  const { workflowRunId, ...others } = meta ?? {};
  // The SDK names the run differently in activities; what somebody logs must not take the place of the line's own fields.
  const ids = workflowRunId === undefined ? {} : { runId: workflowRunId as unknown };
  const own = { time, level, worker, message };
  return JSON.stringify({ ...own, ...others, ...ids, ...own }, (_, value: unknown) => plain(value));
}

/** What JSON leaves out or can't take. */
function plain(value: unknown): unknown {
  if (value instanceof Error) return { name: value.name, message: messageOf(value), stack: value.stack };
  return typeof value === 'bigint' ? String(value) : value;
}
