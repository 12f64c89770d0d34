import { setTimeout as sleep } from 'node:timers/promises';
import { TestRunner } from 'vitest';

/** What is left of a test's time when a wait is given up: enough to tell what was waited for. */
const BEFORE_TIMEOUT_MS = 5_000;

/** Waits until something holds or is there, and returns it. A wait in vain fails before the test's time is over. */
export function until<T>(find: () => T | Promise<T>): Promise<NonNullable<T>> {
  return inTime(
    async (signal) => {
      for (;;) {
        const found = await find();
        if (found) return found;
        await sleep(50, undefined, { signal });
      }
    },
    () => String(find),
  );
}

/**
 * Waits for work. Where it isn't done shortly before the test's time is over, throws what `describe` says of it, as the
 * timeout itself would not say which wait it was.
 */
export async function inTime<T>(
  work: (signal: AbortSignal) => Promise<T>,
  describe: () => string | Promise<string>,
): Promise<T> {
  const over = new AbortController();
  try {
    return await Promise.race([work(over.signal), giveUp()]);
  } finally {
    over.abort();
  }

  async function giveUp(): Promise<never> {
    await sleep(timeLeft(), undefined, { signal: over.signal });
    throw new Error(`Waited in vain: ${await describe()}`);
  }
}

/** Milliseconds until a wait of the test at work is given up; without end in a hook. */
function timeLeft(): number {
  const test = TestRunner.getCurrentTest();
  const began = test?.result?.startTime;
  if (began === undefined) return 2 ** 31 - 1;
  return Math.max(0, began + test!.timeout - BEFORE_TIMEOUT_MS - Date.now());
}
