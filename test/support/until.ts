import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until something holds; the test's own timeout is what ends a wait in vain. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(50);
}

/** Waits until something is there. */
export async function untilFound<T>(find: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    await sleep(50);
  }
}
