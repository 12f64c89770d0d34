import { messageOf } from '../errors.js';
import { EXIT } from './exitCodes.js';

/** A call to Temporal that was to be made again finds its connection closed, when nobody waits for it any more. */
const LEFT_OVER = 'Channel has been shut down';

/**
 * Ends the process for an error that nobody awaits: `tell` tells it, and returns the exit code. An error in telling it
 * ends the process too: it would come here again, for ever.
 */
export function endOnUnawaited(tell: (error: unknown) => Promise<number>): void {
  process.on('uncaughtException', (error) => {
    if (messageOf(error) === LEFT_OVER) return;
    void tell(error)
      .catch(() => EXIT.failed)
      .then((code) => process.exit(code));
  });
}
