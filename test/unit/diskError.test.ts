import { describe, expect, it } from 'vitest';
import { PerdureError } from '../../src/errors.js';
import { diskError, isDiskFull } from '../../src/platform/files/diskError.js';

const systemError = (code: string) => Object.assign(new Error(`${code}: it failed`), { code });

describe('a failure of a local file is told', () => {
  it.each([
    ...['ENOSPC', 'EDQUOT', 'EFBIG'].map((code) => [
      code,
      'StoreFull',
      'No space is left to write /data/x; free some and run again.',
    ]),
    ...['EACCES', 'EPERM', 'EROFS'].map((code) => [
      code,
      'StoreRefused',
      `/data/x can't be read or written (${code}); give this user access to it.`,
    ]),
    ['EIO', 'StoreUnavailable', "/data/x can't be read or written: EIO: it failed."],
  ])('%s', (code, type, message) => {
    const cause = systemError(code);
    expect(diskError(cause, '/data/x')).toMatchObject({ type, message, cause });
    expect(isDiskFull(cause)).toBe(type === 'StoreFull');
  });

  it('also where it is no error of the system', () => {
    expect(diskError(new Error('odd'), 'x')).toMatchObject({
      type: 'StoreUnavailable',
      message: "x can't be read or written: odd.",
    });
    expect(diskError('odd', 'x').message).toBe("x can't be read or written: odd.");
    expect(isDiskFull(new Error('No space left'))).toBe(false);
  });

  it('as it is where it has been told before', () => {
    const told = new PerdureError('InputInvalid', 'x is a folder.', { cause: systemError('ENOSPC') });
    expect(diskError(told, 'y')).toBe(told);
  });
});
