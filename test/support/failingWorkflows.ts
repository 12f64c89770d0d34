import { sleep } from '@temporalio/workflow';

/** A version with a fault: its workflow task fails, and is tried again for ever. */
export function steward(): Promise<void> {
  return Promise.reject(new Error('a fault of this version'));
}

export async function inferenceOutage(): Promise<void> {
  await sleep('1 day');
}
