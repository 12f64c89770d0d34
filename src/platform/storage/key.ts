import { PerdureError } from '../../errors.js';

/** S3's limit of a key, and a file system's of a name, in bytes of UTF-8. */
const LONGEST_KEY = 1024;
const LONGEST_SEGMENT = 255;

/** Control characters, halves of a surrogate pair, and the separator of Windows: no file system and no XML takes them all. */
const REFUSED = /[\p{Cc}\p{Cs}\\]/u;

/** Where a folder store keeps files on their way, and locks. */
export const STAGING = '.staging';

/**
 * Holds a key to what every store can take: a relative, `/`-separated path without empty, `.` or `..` segments and
 * without control characters.
 * @throws PerdureError `InputInvalid`
 */
export function checkKey(key: string): void {
  const segments = key.split('/');
  const good =
    segments.every(
      (segment) =>
        segment !== '' && segment !== '.' && segment !== '..' && Buffer.byteLength(segment) <= LONGEST_SEGMENT,
    ) &&
    segments[0] !== STAGING &&
    Buffer.byteLength(key) <= LONGEST_KEY &&
    !REFUSED.test(key);
  if (!good) {
    throw new PerdureError(
      'InputInvalid',
      `${JSON.stringify(key)} can't be an object's key; name a relative path without "..", empty segments, "\\" and control characters.`,
    );
  }
}

/** Holds the beginning of keys to the same; empty is every key's. */
export function checkPrefix(prefix: string): void {
  if (prefix !== '') checkKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
}

/** Orders keys as S3 does, by their UTF-8 bytes. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
