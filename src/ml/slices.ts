import type { RawColumn } from './table.js';

/** Numbers of so many different values are taken one by one; others by the quarters of the training rows. */
const MOST_NUMBERS = 10;
/** Values of text that have a slice each: the most frequent ones; the others share one. */
const MOST_VALUES = 20;
const MISSING = 'missing';
const OTHERS = 'other values';

/** How a column's values make slices, as the training rows have it: edges of numbers, or the values that have a slice each. */
export type SliceValues = { edges: number[] } | { values: string[] };

/** @param column of the training rows */
export function sliceValues(column: RawColumn): SliceValues {
  if (column.kind === 'category') return { values: mostFrequent(textsOf(column)) };
  const known = column.values.filter((value) => !Number.isNaN(value)).sort();
  const distinct = [...new Set(known)];
  if (distinct.length <= MOST_NUMBERS) return { values: distinct.map(String) };
  const quarter = (share: number) => known[Math.round(share * (known.length - 1))]!;
  const edges = [...new Set([quarter(0.25), quarter(0.5), quarter(0.75)])];
  // Of a number that is nearly always the least one, the others are told from it.
  return { edges: edges.at(-1) === known[0] ? [known.find((value) => value > known[0]!)!] : edges };
}

/** Rows of each slice, in the order of the values; slices without rows are left out. */
export function sliceRows(column: RawColumn, by: SliceValues): Map<string, number[]> {
  const names = 'edges' in by ? ranges(by.edges) : by.values;
  const [others, missing] = [OTHERS, MISSING].map((name) => nameBeside(name, names)) as [string, string];
  const slices = new Map<string, number[]>([...names, others, missing].map((name) => [name, []]));
  const texts = 'edges' in by ? undefined : textsOf(column);
  const rows = column.kind === 'category' ? column.codes.length : column.values.length;
  for (let row = 0; row < rows; row++) {
    let name: string | null;
    if (texts) name = texts[row]! === null || names.includes(texts[row]!) ? texts[row]! : others;
    else {
      const value = (column as Extract<RawColumn, { kind: 'number' }>).values[row]!;
      const edges = (by as { edges: number[] }).edges;
      name = Number.isNaN(value) ? null : names[edges.filter((edge) => value >= edge).length]!;
    }
    slices.get(name ?? missing)!.push(row);
  }
  return new Map([...slices].filter(([, positions]) => positions.length > 0));
}

/** A name that no value has: a column may hold the word. */
function nameBeside(name: string, values: readonly string[]): string {
  return values.includes(name) ? nameBeside(`(${name})`, values) : name;
}

/** Edges are shown as short as they can be told apart: two ranges of one name would be one slice. */
function ranges(edges: number[]): string[] {
  let shown: string[] = [];
  for (let digits = 6; new Set(shown).size < edges.length; digits++)
    shown = edges.map((edge) => String(Number(edge.toPrecision(digits))));
  return [
    `below ${shown[0]}`,
    ...shown.slice(1).map((edge, i) => `${shown[i]} to ${edge}`),
    `${shown.at(-1)} and above`,
  ];
}

function textsOf(column: RawColumn): (string | null)[] {
  return column.kind === 'category'
    ? Array.from(column.codes, (code) => column.values[code] ?? null)
    : Array.from(column.values, (value) => (Number.isNaN(value) ? null : String(value)));
}

function mostFrequent(texts: (string | null)[]): string[] {
  const counts = new Map<string, number>();
  for (const text of texts) if (text !== null) counts.set(text, (counts.get(text) ?? 0) + 1);
  const chosen = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, MOST_VALUES);
  return chosen.map(([text]) => text).sort();
}
