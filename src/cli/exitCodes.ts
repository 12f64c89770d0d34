/** Exit codes of every command: a skip is a success. SIGTERM and SIGHUP end it with 143 and 129. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;
