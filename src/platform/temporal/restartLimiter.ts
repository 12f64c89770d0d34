/** A process may be killed for its memory now and then; more often than this, starting it again is no help. */
const ALLOWED = 5;
const WINDOW_MS = 60_000;

/** Limits how often a process that dies is started again: five times a minute. */
export class RestartLimiter {
  private readonly times: number[] = [];

  /** Counts a death, now. @returns whether the process is not to be started again */
  isExceeded(): boolean {
    const now = Date.now();
    this.times.push(now);
    return this.times.filter((time) => time > now - WINDOW_MS).length > ALLOWED;
  }
}
