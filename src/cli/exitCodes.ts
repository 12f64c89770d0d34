/**
 * Exit codes of every command. `skipped` is that of a run which found nothing to do, or could not start on it, and says
 * why. SIGTERM and SIGHUP end a command with 143 and 129.
 */
export const EXIT = { ok: 0, failed: 1, usage: 2, skipped: 3, interrupted: 130 } as const;
