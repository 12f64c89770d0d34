import { agreeing, listOf } from './contracts/counts.js';

/** What in a list somebody may have meant by a name that it doesn't have: slips of the hand, and names that were shortened. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const written = name.toLowerCase();
  const [bySlips] = known
    .map((candidate) => ({ candidate, slips: slipsBetween(name, candidate) }))
    .filter(({ candidate, slips }) => slips <= Math.max(name.length, candidate.length) / 3)
    .sort((a, b) => a.slips - b.slips);
  if (bySlips) return bySlips.candidate;
  return written.length > 2 ? known.find((candidate) => candidate.toLowerCase().includes(written)) : undefined;
}

/**
 * The end of a sentence about an unknown name: what it may be, else what there is.
 * @param most how many of these are named. @default all
 */
export function didYouMean(name: string, known: readonly string[], most?: number): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? `there ${thereAre(known, most)}` : `did you mean ${JSON.stringify(nearest)}?`;
}

function thereAre(known: readonly string[], most = known.length): string {
  if (known.length === 0) return 'are none';
  return `${agreeing(known.length, 'is', 'are')} ${listOf(known, most)}`;
}

/** Letters to put in, take out, replace or swap with their neighbour, to make one name of the other, whatever their case. */
export function slipsBetween(one: string, other: string): number {
  const [a, b] = [one.toLowerCase(), other.toLowerCase()];
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? rows[i - 2]![j - 2]! + 1 : Infinity;
      row.push(Math.min(replaced, swapped, rows[i - 1]![j]! + 1, row[j - 1]! + 1));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
