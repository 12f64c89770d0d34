/** Bytes that Temporal takes as the summary of a run, an activity or a timer; a longer one fails the workflow task or the start. */
export const SUMMARY_BYTES = 400;

const MARK = '...';

/** The beginning of a text that takes no more bytes than that as UTF-8, with a mark where something was cut off. */
export function clipped(text: string, bytes: number): string {
  // A code unit takes one byte at least: longer texts need not be counted.
  if (text.length <= bytes && utf8Bytes(text) <= bytes) return text;
  let end = Math.min(text.length, bytes - MARK.length);
  while (utf8Bytes(text.slice(0, end)) > bytes - MARK.length) end = Math.floor(end * 0.9);
  // Half of a character that takes two code units is none.
  return `${text.slice(0, end).replace(/[\uD800-\uDBFF]$/, '')}${MARK}`;
}

/** Bytes of a text as UTF-8. */
export function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Any value as a short piece of JSON, for people: whatever was sent, this does not fail. */
export function inShort(value: unknown, bytes = 100): string {
  try {
    return clipped(JSON.stringify(value) ?? 'nothing', bytes);
  } catch {
    return 'a value that can not be shown';
  }
}
