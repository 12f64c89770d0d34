/** `101,766`; the same in every process, whatever its language. */
export function count(value: number): string {
  const [whole = '', fraction] = String(value).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** `1 partition`, `1,200 partitions`: how a message says how many of something there are. */
export function countOf(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** The form of a word that goes with so many: `is` or `are`, `it` or `them`. */
export function agreeing(value: number, one: string, many: string): string {
  return value === 1 ? one : many;
}

/** `a, b, and 3 more`: how a sentence names some things, of which there may be more than anybody reads. */
export function listOf(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown}, and ${count(names.length - most)} more` : shown;
}

/** `5 of 20 candidates`, `1 of 1 batch`, of a plural. */
export function shareOf(done: number, total: number, plural: string): string {
  return `${count(done)} of ${count(total)} ${total === 1 ? plural.replace(/(?<=ch|sh|ss|x)es$|s$/, '') : plural}`;
}

/**
 * `0.8122`: a score to four decimals; of one that these would all but hide, as of a label in small units, three digits
 * (`7.25e-10`).
 */
export function scoreText(value: number): string {
  return value !== 0 && Math.abs(value) < 0.0005 ? String(Number(value.toPrecision(3))) : value.toFixed(4);
}
