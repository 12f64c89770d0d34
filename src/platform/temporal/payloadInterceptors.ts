import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { Context } from '@temporalio/activity';
import type { ActivityInterceptors } from '@temporalio/worker';
import { checkPayloads } from './payloadGuard.js';

/** Holds what a client sends to the payload limit; for `new Client({ interceptors: { workflow: [clientPayloadGuard] } })`. */
export const clientPayloadGuard: WorkflowClientInterceptor = {
  startWithDetails(input, next) {
    checkPayloads(`The input of workflow "${input.workflowType}"`, input.options.args);
    return next(input);
  },
  signal(input, next) {
    checkPayloads(`Signal "${input.signalName}"`, input.args);
    return next(input);
  },
  signalWithStart(input, next) {
    checkPayloads(`The input of workflow "${input.workflowType}"`, input.options.args);
    checkPayloads(`Signal "${input.signalName}"`, input.signalArgs);
    return next(input);
  },
  startUpdate(input, next) {
    checkPayloads(`The input of update "${input.updateName}"`, input.args);
    return next(input);
  },
  startUpdateWithStart(input, next) {
    checkPayloads(`The input of workflow "${input.workflowType}"`, input.workflowStartOptions.args);
    checkPayloads(`The input of update "${input.updateName}"`, input.updateArgs);
    return next(input);
  },
  query(input, next) {
    checkPayloads(`The input of query "${input.queryType}"`, input.args);
    return next(input);
  },
};

/** Holds activities' results to the payload limit; for a worker's `interceptors.activity`. */
export function activityPayloadGuard({ info }: Context): ActivityInterceptors {
  return {
    inbound: {
      async execute(input, next) {
        const result = await next(input);
        checkPayloads(`The result of activity "${info.activityType}"`, [result]);
        return result;
      },
    },
  };
}
