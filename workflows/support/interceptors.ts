import { ContinueAsNew, isCancellation, log, setCurrentDetails, type WorkflowInterceptors } from '@temporalio/workflow';
import { inShort } from '../../src/contracts/index.js';
import { failureOf } from './failures.js';

/**
 * What every run does at its end: its details say how it ended rather than what its last step was, and a run that
 * failed is one line at ERROR, which alarms on logs count. The logger adds the workflow's and the run's ids. For
 * `workflowInterceptorModules` of bundle and worker.
 */
export function interceptors(): WorkflowInterceptors {
  return {
    inbound: [
      {
        async execute(input, next) {
          try {
            const result = await next(input);
            setCurrentDetails(inWords(result));
            return result;
          } catch (error) {
            if (error instanceof ContinueAsNew) throw error;
            if (isCancellation(error)) {
              setCurrentDetails('cancelled');
              throw error;
            }
            const { type, reason } = failureOf(error);
            setCurrentDetails(`failed: ${reason}`);
            log.error('The run failed', { errorType: type, reason, pipeline: pipelineOf(input.args[0]) });
            throw error;
          }
        },
      },
    ],
  };
}

/** `completed`, `skipped: No new rows.` */
function inWords(result: unknown): string {
  const { status, reason } = Object(result) as { status?: unknown; reason?: unknown };
  return [typeof status === 'string' ? status : 'completed', ...(typeof reason === 'string' ? [reason] : [])].join(
    ': ',
  );
}

function pipelineOf(input: unknown): string | undefined {
  const { pipeline } = Object(input) as { pipeline?: unknown };
  return pipeline === undefined ? undefined : inShort(pipeline).replace(/^"(.*)"$/, '$1');
}
