import { workflowInfo, type WorkflowInterceptors } from '@temporalio/workflow';
import { checkPayloads } from './payloadGuard.js';

/**
 * Holds what workflows send and return to the payload limit; for `workflowInterceptorModules` of bundle and worker.
 * A workflow that passes it fails, instead of trying the same workflow task for ever.
 */
export function interceptors(): WorkflowInterceptors {
  return {
    inbound: [
      {
        async execute(input, next) {
          const result = await next(input);
          checkPayloads(`The result of workflow "${workflowInfo().workflowType}"`, [result]);
          return result;
        },
        async handleUpdate(input, next) {
          const result = await next(input);
          checkPayloads(`The result of update "${input.name}"`, [result]);
          return result;
        },
        async handleQuery(input, next) {
          const result = await next(input);
          checkPayloads(`The result of query "${input.queryName}"`, [result]);
          return result;
        },
      },
    ],
    outbound: [
      {
        async scheduleActivity(input, next) {
          checkPayloads(`The input of activity "${input.activityType}"`, input.args);
          return next(input);
        },
        async scheduleLocalActivity(input, next) {
          checkPayloads(`The input of activity "${input.activityType}"`, input.args);
          return next(input);
        },
        async startChildWorkflowExecution(input, next) {
          checkPayloads(`The input of workflow "${input.workflowType}"`, input.options.args);
          return next(input);
        },
        async signalWorkflow(input, next) {
          checkPayloads(`Signal "${input.signalName}"`, input.args);
          return next(input);
        },
        async continueAsNew(input, next) {
          checkPayloads(`What workflow "${workflowInfo().workflowType}" continues with`, input.args);
          return next(input);
        },
      },
    ],
  };
}
