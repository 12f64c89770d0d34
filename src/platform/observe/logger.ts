import { DefaultLogger } from '@temporalio/worker';
import { variables, type Variables } from '../../environment.js';
import { isText, jsonLine } from './logLine.js';

/**
 * A logger on stderr: lines for people on a terminal, else one JSON object a line, with the workflow's and the run's
 * id where a workflow or an activity speaks. `PERDURE_LOG_FORMAT` (`json` or `text`) decides otherwise.
 *
 * @param worker whose words they are
 */
export function createLogger(
  worker: string,
  env: Variables = variables(),
  isTerminal = process.stderr.isTTY,
): DefaultLogger {
  return isText(env, isTerminal)
    ? new DefaultLogger('INFO')
    : new DefaultLogger('INFO', (entry) => process.stderr.write(`${jsonLine(worker, entry)}\n`));
}
