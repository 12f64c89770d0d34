import { CancellationScope, isCancellation, log, sleep } from '@temporalio/workflow';
import type { Phase, StageInput } from '../../src/contracts/index.js';
import { activities } from './activityProxies.js';
import { now, raiseAlerts } from './alerts.js';
import { failureOf } from './failures.js';

const MINUTE_MS = 60_000;

/** Does a phase's work, and tells people while it goes on where it takes longer than its service level. */
export async function withinServiceLevel<Result>(
  phase: Phase,
  stage: StageInput,
  work: () => Promise<Result>,
): Promise<Result> {
  const watch = new CancellationScope();
  const watching = watch
    .run(() => watchOver(phase, stage))
    .catch((error: unknown) => {
      if (!isCancellation(error)) log.warn('The service level is not watched', { reason: failureOf(error).reason });
    });
  try {
    return await work();
  } finally {
    watch.cancel();
    await watching;
  }
}

async function watchOver(phase: Phase, { pipeline, run }: StageInput): Promise<void> {
  const { lateAfterMinutes, downAfterMinutes } = await activities.readServiceLevel({ pipeline, phase });
  const { startedAt, ...alerted } = run;

  await sleepUntil(lateAfterMinutes, 'Service level');
  await raiseAlerts(() => ({ condition: 'sla_missed', pipeline, at: now(), phase, run: alerted, startedAt }));

  if (phase !== 'inference') return;
  // Down is longer than the hours allowed, not as long.
  await sleepUntil(downAfterMinutes + 1, 'Inference down');
  await raiseAlerts(() => ({ condition: 'inference_down', pipeline, at: now(), since: startedAt }));

  async function sleepUntil(minutes: number, summary: string): Promise<void> {
    await sleep(Math.max(1, Date.parse(startedAt) + minutes * MINUTE_MS - Date.now()), { summary });
  }
}
