import { PerdureError, messageOf, systemCode } from '../../errors.js';

const FULL: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const REFUSED: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM', 'EROFS']);

/** Whether a raw system error says that no space is left. */
export function isDiskFull(error: unknown): boolean {
  return FULL.has(systemCode(error));
}

/** A failed write or read of a local file as a typed error: `StoreFull`, `StoreRefused` or `StoreUnavailable`. */
export function diskError(error: unknown, path: string): PerdureError {
  if (error instanceof PerdureError) return error;
  if (isDiskFull(error)) {
    return new PerdureError('StoreFull', `No space is left to write ${path}; free some and run again.`, {
      cause: error,
    });
  }
  const code = systemCode(error);
  if (REFUSED.has(code)) {
    return new PerdureError(
      'StoreRefused',
      `${path} can't be read or written (${code}); give this user access to it.`,
      { cause: error },
    );
  }
  return new PerdureError('StoreUnavailable', `${path} can't be read or written: ${messageOf(error)}.`, {
    cause: error,
  });
}
