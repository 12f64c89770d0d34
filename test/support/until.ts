import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until something holds or is there, and returns it; the test's own timeout is what ends a wait in vain. */
export async function until<T>(find: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (;;) {
    const found = await find();
    if (found) return found;
    await sleep(50);
  }
}
