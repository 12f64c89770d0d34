/** A value of a category; null is missing. */
export type Category = string | null;

/** Rows per code, and of those that have none. */
export function countCodes(codes: Int32Array, categories: number): { counts: Float64Array; missing: number } {
  const counts = new Float64Array(categories);
  let missing = 0;
  for (const code of codes) {
    if (code < 0) missing++;
    else counts[code]!++;
  }
  return { counts, missing };
}

/** Categories that have rows, in order of their text, or of their numbers; missing comes last. */
export function sortedCategories(
  codes: Int32Array,
  values: string[],
  numeric: boolean,
): { category: Category; rows: number }[] {
  const { counts, missing } = countCodes(codes, values.length);
  const present: { category: Category; rows: number }[] = values.flatMap((category, code) =>
    counts[code]! > 0 ? [{ category, rows: counts[code]! }] : [],
  );
  present.sort(({ category: a }, { category: b }) => (numeric ? Number(a) - Number(b) : a! < b! ? -1 : 1));
  return missing > 0 ? [...present, { category: null, rows: missing }] : present;
}

/** Kept as long as the list is, so that predicting row by row doesn't look through a long list each time. */
const positionsOfLists = new WeakMap<readonly Category[], Map<Category, number>>();

/** The position of each row's category in a list that isn't changed, -1 where it isn't listed. */
export function categoryPositions(categories: readonly Category[], codes: Int32Array, values: string[]): Int32Array {
  let positions = positionsOfLists.get(categories);
  if (!positions) {
    positions = new Map(categories.map((category, i) => [category, i]));
    positionsOfLists.set(categories, positions);
  }
  const byCode = Int32Array.from(values, (value) => positions.get(value) ?? -1);
  const missing = positions.get(null) ?? -1;
  return codes.map((code) => (code < 0 ? missing : byCode[code]!));
}
