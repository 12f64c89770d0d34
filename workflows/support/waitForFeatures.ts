import { ApplicationFailure, condition, defineSignal, setHandler } from '@temporalio/workflow';
import { countOf, FEATURES_READY_SIGNAL, type Check, type FeatureWait } from '../../src/contracts/index.js';
import type { ProgressTracker } from './progress.js';

const featuresReady = defineSignal(FEATURES_READY_SIGNAL);

/**
 * Looks for data until they are there: again when it is signalled that they are, and from time to time. A worker or a
 * server that stops meanwhile changes nothing but when the next look is.
 *
 * @param look what is there, and what lacks
 * @throws ApplicationFailure `FeaturesNotReady`, with what lacks, where the time is over
 */
export async function waitForFeatures(
  look: () => Promise<Check>,
  { timeoutSeconds, pollSeconds }: FeatureWait,
  progress: ProgressTracker,
): Promise<void> {
  let signalled = false;
  setHandler(featuresReady, () => {
    signalled = true;
  });
  const deadline = Date.now() + timeoutSeconds * 1_000;
  for (;;) {
    signalled = false;
    const found = await look();
    if (found.status === 'ready') return;
    const left = deadline - Date.now();
    if (left <= 0) {
      throw ApplicationFailure.nonRetryable(
        `The features did not come within ${countOf(timeoutSeconds / 60, 'minute')}. ${found.reason}`,
        'FeaturesNotReady',
      );
    }
    progress.step('waiting for features');
    await condition(() => signalled, Math.min(pollSeconds * 1_000, left));
  }
}
