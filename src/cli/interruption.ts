import { EXIT } from './exitCodes.js';

/** Thrown where a command stops because it was told to. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';

  /** @param exitCode that of a program which the signal ended */
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }

  /** The same, told in other words. */
  because(message: string): Interrupted {
    return new Interrupted(message, this.exitCode);
  }
}

/** As shells have it: 128 and the signal's number. */
const EXIT_OF_SIGNAL = { SIGINT: EXIT.interrupted, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * A signal that comes so soon after the first is the same one: a package runner passes on what the terminal has sent to
 * every process of the group.
 */
const SAME_MS = 500;

let controller: AbortController | undefined;

/** The first interruption of this process, if there was one. */
export function interrupted(): Interrupted | undefined {
  return controller?.signal.reason as Interrupted | undefined;
}

/**
 * Aborted, with an {@link Interrupted}, by the first Ctrl-C (or SIGTERM, or a closed terminal), so that the command
 * can tidy up; a second one ends the process at once.
 */
export function interruption(): AbortSignal {
  if (controller) return controller.signal;
  const own = (controller = new AbortController());
  let at = 0;
  for (const [name, exitCode] of Object.entries(EXIT_OF_SIGNAL)) {
    process.on(name, () => {
      if (own.signal.aborted) {
        if (performance.now() - at > SAME_MS) process.exit(exitCode);
        return;
      }
      at = performance.now();
      own.abort(new Interrupted('Interrupted.', exitCode));
    });
  }
  return own.signal;
}
