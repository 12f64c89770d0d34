import { setTimeout as sleep } from 'node:timers/promises';

/** Lets calls through at a rate: a number at once, and then some a second. Whoever waits is served in turn. */
export class TokenBucket {
  private tokens: number;
  private filledAt = performance.now();
  private turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly size: number,
    private readonly refillPerSecond: number,
  ) {
    this.tokens = size;
  }

  /** Returns when the call may be made. Throws where `signal` is aborted first. */
  take(signal: AbortSignal): Promise<void> {
    const mine = this.turn.then(async () => {
      signal.throwIfAborted();
      this.refill();
      while (this.tokens < 1) {
        await sleep(((1 - this.tokens) / this.refillPerSecond) * 1000, undefined, { signal });
        this.refill();
      }
      this.tokens -= 1;
    });
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  private refill(): void {
    const now = performance.now();
    this.tokens = Math.min(this.size, this.tokens + ((now - this.filledAt) / 1000) * this.refillPerSecond);
    this.filledAt = now;
  }
}
