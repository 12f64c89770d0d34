import type { PhaseResults } from './follow.js';

/**
 * Exit codes of every command. `skipped` is that of a run which found nothing to do, or could not start on it, and says
 * why; `testsFailed` that of a training whose best model did not pass its tests, so that the one before goes on; {@link exitCodeOf} decides. SIGTERM and SIGHUP end a command with 143 and 129.
 */
export const EXIT = { ok: 0, failed: 1, usage: 2, skipped: 3, testsFailed: 4, interrupted: 130 } as const;

/** The exit code of a run that ended. A lifecycle that processed data, and for lack of a model did nothing with them, is no success. */
export function exitCodeOf({ processing, ...beyond }: PhaseResults): number {
  const telling = Object.keys(beyond).length > 0 ? Object.values(beyond) : [processing];
  const { training } = beyond;
  if (training?.status !== 'skipped' && training?.tests?.passed === false) return EXIT.testsFailed;
  return telling.every((result) => result?.status === 'skipped') ? EXIT.skipped : EXIT.ok;
}
