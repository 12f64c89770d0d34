import { setTimeout as sleep } from 'node:timers/promises';

/** What goes on beside a worker until it is stopped. */
export interface Repeated {
  /** Returns once no round is under way. */
  stop(): Promise<void>;
}

/**
 * Does `round` again and again, with a pause between two rounds; one that fails is told to `onError`, and the next comes.
 * @param round gets the signal of the stop
 */
export function untilStopped(
  round: (signal: AbortSignal) => Promise<void>,
  pauseMs: number,
  onError: (error: unknown) => void,
): Repeated {
  const stopping = new AbortController();
  const { signal } = stopping;
  const loop = async () => {
    while (!signal.aborted) {
      await round(signal).catch(onError);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  };
  const running = loop();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
