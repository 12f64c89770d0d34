import { continueAsNew, log, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';
import type { InferenceDown, InferenceOutageInput } from '../src/contracts/index.js';
import { activities } from './support/activityProxies.js';
import { raiseAlerts } from './support/alerts.js';
import { failureOf } from './support/failures.js';
import { checkInput, MOMENT, OF_PIPELINE, required } from './support/input.js';
import { setSearchAttributes } from './support/searchAttributes.js';

/**
 * A run of inference has failed: tells people once predictions have been missing for too long, and again for as long
 * as they are, and ends when a later run has made some.
 */
export async function inferenceOutage(input: InferenceOutageInput): Promise<void> {
  checkInput(input, { ...OF_PIPELINE, since: required(MOMENT) });
  const { pipeline } = input;
  setSearchAttributes({ pipeline, phase: 'inference' });
  setCurrentDetails(`waiting for predictions since ${input.since}`);
  const { downAfterMinutes } = await activities.readServiceLevel({ pipeline, phase: 'inference' });
  for (;;) {
    // Down is longer than the hours allowed, not as long.
    await sleep((downAfterMinutes + 1) * 60_000, { summary: 'Waiting for predictions' });
    const state = await look(input);
    if (state?.since === null) return;
    if (state) await raiseAlerts(() => state);
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof inferenceOutage>(input);
  }
}

/** `undefined` where it can't be told now, which the next look may. */
async function look(input: InferenceOutageInput): Promise<InferenceDown | undefined> {
  try {
    return await activities.checkInferenceOutage(input);
  } catch (error) {
    log.warn('Whether inference has recovered can not be told', { reason: failureOf(error).reason });
    return undefined;
  }
}
