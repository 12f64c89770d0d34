import { createHash } from 'node:crypto';

/**
 * Whether a row stands on another side than train where nothing is said of the split, by its documented rule: the MD5 of
 * the seed and the values of the key, each with its length before it, of which two fifths evaluate.
 */
export function isHeldOut(...key: (string | number)[]): boolean {
  const text = `0 ${key.map((value) => `${String(value).length}:${value}`).join('')}`;
  return parseInt(createHash('md5').update(text).digest('hex').slice(0, 13), 16) < 0.4 * 16 ** 13;
}
