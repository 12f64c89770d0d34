/** A process may be killed for its memory now and then; more often than this, starting it again is no help. */
const ALLOWED = 5;
const WINDOW_MS = 60_000;

/** How often a process that is started again has died of late. */
export class Deaths {
  private readonly times: number[] = [];

  /** Counts one, now. @returns whether there were too many */
  tooMany(): boolean {
    const now = Date.now();
    this.times.push(now);
    return this.times.filter((time) => time > now - WINDOW_MS).length > ALLOWED;
  }
}
