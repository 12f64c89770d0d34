import { proxyActivities } from '@temporalio/workflow';

const { nothing } = proxyActivities<{ nothing(): Promise<void> }>({ startToCloseTimeout: '1 minute' });

/** Calls an empty activity, one time after another. */
export async function idleWorkflow(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await nothing();
}

/** Calls an empty activity, all at once. */
export async function idleWorkflowAtOnce(times: number): Promise<void> {
  await Promise.all(Array.from({ length: times }, () => nothing()));
}
