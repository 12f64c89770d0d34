import { DefaultLogger, type LogEntry } from '@temporalio/worker';
import { variables, type Variables } from '../environment.js';
import { messageOf } from '../errors.js';

/**
 * A logger on stderr: lines for people on a terminal, else one JSON object a line, with the workflow's and the run's
 * id where a workflow or an activity speaks. `PERDURE_LOG_FORMAT` (`json` or `text`) decides otherwise.
 *
 * @param worker whose words they are
 */
export function createLogger(worker: string, env: Variables = variables(), isTerminal = process.stderr.isTTY): DefaultLogger {
  const asText = env.PERDURE_LOG_FORMAT ? env.PERDURE_LOG_FORMAT !== 'json' : isTerminal;
  return asText ? new DefaultLogger('INFO') : new DefaultLogger('INFO', (entry) => process.stderr.write(`${jsonLine(worker, entry)}\n`));
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
