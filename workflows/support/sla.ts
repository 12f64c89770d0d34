import { CancellationScope, isCancellation, log, sleep } from '@temporalio/workflow';
import type { PipelinePart, StageInput } from '../../src/contracts/index.js';
import { now, serviceLevel, tell } from './alerts.js';
import { failureOf } from './failures.js';

const MINUTE_MS = 60_000;

/** Does a part's work, and tells people while it goes on where it takes longer than its service level. */
export async function withinServiceLevel<Result>(
  part: PipelinePart,
  stage: StageInput,
  work: () => Promise<Result>,
): Promise<Result> {
  const watch = new CancellationScope();
  const watching = watch
    .run(() => watchOver(part, stage))
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

async function watchOver(part: PipelinePart, { pipeline, run }: StageInput): Promise<void> {
  const { lateAfterMinutes, downAfterMinutes } = await serviceLevel({ pipeline, part });
  const { startedAt, ...alerted } = run;

  await sleepUntil(lateAfterMinutes, 'Service level');
  await tell(() => ({ condition: 'sla_missed', pipeline, at: now(), part, run: alerted, startedAt }));

  if (part !== 'inference') return;
  // Down is longer than the hours allowed, not as long.
  await sleepUntil(downAfterMinutes + 1, 'Inference down');
  await tell(() => ({ condition: 'inference_down', pipeline, at: now(), since: startedAt }));

  async function sleepUntil(minutes: number, summary: string): Promise<void> {
    await sleep(Math.max(1, Date.parse(startedAt) + minutes * MINUTE_MS - Date.now()), { summary });
  }
}
