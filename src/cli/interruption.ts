import { EXIT } from './exitCodes.js';

/** Thrown where a command stops because it was told to. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/**
 * Aborted, with an {@link Interrupted}, by the first Ctrl-C (or SIGTERM, or a closed terminal), so that the command
 * can tidy up; a second one ends the process at once.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort(new Interrupted('Interrupted.'));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  return controller.signal;
}
