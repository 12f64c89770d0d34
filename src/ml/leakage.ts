import type { TaskName } from '../contracts/task.js';
import { isMissing } from './missing.js';
import { rocAuc } from './metrics/ranking.js';
import type { RawTable } from './table.js';

/** A column's values: a number or a text per row, `null` or NaN where it is missing. */
type Values = (number | string | null)[];

/** How well a column tells the label by itself. */
export interface Strength {
  column: string;
  /** ROC AUC of two classes, the share of the errors that are saved of more, or R² of numbers. */
  measure: 'ROC AUC' | 'errors saved' | 'R²';
  value: number;
}

/** A column that tells the label, or nearly, by itself: it may hold what is to be predicted, or be known only after it. */
export interface Leak extends Strength {
  /** It is the label of two classes, or its opposite, in every row. */
  same: boolean;
}

/** From here on a column says what the label is, or nearly. */
export const SUSPICIOUS: Record<Strength['measure'], number> = { 'ROC AUC': 0.98, 'errors saved': 0.95, 'R²': 0.95 };
/** Rows that are looked at: what tells the label shows in as many. */
export const SAMPLED_ROWS = 20_000;
/** Rows of a class below which chance separates as well. */
const LEAST_ROWS = 10;
/** Below so many rows the ones that a column learns from are also those that test it. */
const HALVES = 1_000;
/** Rows of a leaf; fewer would learn the label by heart. */
const LEAF = 20;
const MOST_LEAVES = 64;

/**
 * Columns of training rows that tell the label all but perfectly by themselves, strongest first.
 *
 * @param labels as of {@link strengthOf}, aligned with the table
 */
export function findLeaks({ columns }: RawTable, labels: Float64Array, task: TaskName): Leak[] {
  const rows = evenly(labels.length);
  const sampled = Float64Array.from(rows, (row) => labels[row]!);
  const enough =
    task !== 'binary' || [0, 1].every((of) => sampled.filter((label) => label === of).length >= LEAST_ROWS);
  const leaks: Leak[] = [];
  for (const [name, column] of columns) {
    const values: Values = rows.map((row) =>
      column.kind === 'category' ? (column.values[column.codes[row]!] ?? null) : column.values[row]!,
    );
    const same = task === 'binary' && column.kind !== 'category' && isLabel(column.values, labels);
    const strength = strengthOf(name, values, sampled, task);
    if (strength && (same || (enough && strength.value >= SUSPICIOUS[strength.measure])))
      leaks.push({ ...strength, same });
  }
  return leaks.toSorted((a, b) => b.value - a.value);
}

function isLabel(values: Float64Array, labels: Float64Array): boolean {
  return (
    values.every((value, row) => value === labels[row]) || values.every((value, row) => value === 1 - labels[row]!)
  );
}

/** At most {@link SAMPLED_ROWS} of so many rows, spread over all of them. */
function evenly(rows: number): number[] {
  const step = Math.max(1, rows / SAMPLED_ROWS);
  return Array.from({ length: Math.min(rows, SAMPLED_ROWS) }, (_, i) => Math.floor((i + scattered(i)) * step));
}

/** A number from 0 to 1 for a row's position that no period in the order of the rows goes with. */
function scattered(row: number): number {
  return (Math.imul(row, 0x9e3779b1) >>> 0) / 2 ** 32;
}

function isAbsent(value: Values[number]): boolean {
  return value === null || (typeof value === 'number' && isMissing(value));
}

/**
 * What a tree of some leaves over one column tells of the label, tested on rows that it did not learn from where there are enough.
 *
 * @param values a number or a text per row, `null` or NaN where it is missing
 * @param labels 0 or 1, a class's position, or the value
 */
export function strengthOf(column: string, values: Values, labels: Float64Array, task: TaskName): Strength | undefined {
  const halves = labels.length >= HALVES;
  const learns = (row: number) => !halves || scattered(row) < 0.5;
  const heldOut = Array.from(labels.keys()).filter((row) => !halves || !learns(row));
  const leaves = leavesOf(values, learns);
  const counts = new Map<number, Map<number, number>>();
  const sums = new Map<number, { rows: number; sum: number }>();
  const all = { rows: 0, sum: 0 };
  const overall = new Map<number, number>();
  labels.forEach((label, row) => {
    if (!learns(row)) return;
    const leaf = leaves[row]!;
    const sum = sums.get(leaf) ?? { rows: 0, sum: 0 };
    sums.set(leaf, { rows: sum.rows + 1, sum: sum.sum + label });
    all.rows++;
    all.sum += label;
    if (task !== 'multiclass') return;
    const count = counts.get(leaf) ?? new Map<number, number>();
    counts.set(leaf, count.set(label, (count.get(label) ?? 0) + 1));
    overall.set(label, (overall.get(label) ?? 0) + 1);
  });
  const mean = all.sum / all.rows;
  const actual = Float64Array.from(heldOut, (row) => labels[row]!);
  if (task === 'multiclass') {
    const best = (count: Map<number, number> | undefined) =>
      [...(count ?? overall)].toSorted((a, b) => b[1] - a[1])[0]![0];
    const usual = best(undefined);
    const byLeaf = new Map([...counts].map(([leaf, count]) => [leaf, best(count)]));
    const errors = heldOut.filter((row) => labels[row] !== (byLeaf.get(leaves[row]!) ?? usual)).length;
    const base = heldOut.filter((row) => labels[row] !== usual).length;
    return base === 0 ? undefined : { column, measure: 'errors saved', value: Math.max(0, 1 - errors / base) };
  }
  const guesses = Float64Array.from(heldOut, (row) => {
    const leaf = sums.get(leaves[row]!);
    return leaf ? leaf.sum / leaf.rows : mean;
  });
  if (task === 'binary') {
    const auc = rocAuc(actual, guesses);
    return auc === null ? undefined : { column, measure: 'ROC AUC', value: Math.max(auc, 0.5) };
  }
  const level = actual.reduce((total, value) => total + value, 0) / actual.length;
  const spread = actual.reduce((total, value) => total + (value - level) ** 2, 0);
  const left = actual.reduce((total, value, i) => total + (value - guesses[i]!) ** 2, 0);
  if (spread === 0) return undefined;
  const straight =
    correlation(
      heldOut.map((row) => values[row]!),
      actual,
    ) ** 2;
  return { column, measure: 'R²', value: Math.max(0, 1 - left / spread, straight) };
}

/** A leaf per row: numbers by quantile, texts by value, those of few rows together, and a leaf of its own for what is missing. */
function leavesOf(values: Values, learns: (row: number) => boolean): Int32Array {
  const known = values.filter((value, row): value is number | string => !isAbsent(value) && learns(row));
  if (known.some((value) => typeof value === 'string')) {
    const counts = new Map<number | string, number>();
    for (const value of known) counts.set(value, (counts.get(value) ?? 0) + 1);
    const leaves = new Map([...counts].filter(([, rows]) => rows >= LEAF / 2).map(([value], i) => [value, i + 1]));
    return Int32Array.from(values, (value) => (isAbsent(value) ? -1 : (leaves.get(value!) ?? 0)));
  }
  const sorted = Float64Array.from(known as number[]).toSorted();
  const count = Math.max(1, Math.min(MOST_LEAVES, Math.floor(sorted.length / LEAF)));
  const edges = new Set<number>();
  for (let leaf = 1; leaf < count; leaf++) {
    const edge = sorted[Math.floor((leaf * sorted.length) / count)]!;
    edges.add(edge);
    // What many rows share has a leaf to itself: those beyond it may be the few that matter.
    const [first, last] = [sorted.indexOf(edge), sorted.lastIndexOf(edge)];
    if (last - first + 1 >= LEAF && last + 1 < sorted.length) edges.add(sorted[last + 1]!);
  }
  const bounds = [...edges].sort((a, b) => a - b);
  return Int32Array.from(values, (value) => {
    if (isAbsent(value)) return -1;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (bounds[middle]! <= (value as number)) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}

function correlation(values: Values, labels: Float64Array): number {
  const rows = values.flatMap((value, i) =>
    typeof value === 'number' && Number.isFinite(value) ? [[value, labels[i]!] as const] : [],
  );
  if (rows.length < values.length / 2 || rows.length < LEAF) return 0;
  const mean = [0, 1].map((side) => rows.reduce((sum, pair) => sum + pair[side]!, 0) / rows.length);
  let product = 0;
  const squares = [0, 0];
  for (const [x, y] of rows) {
    product += (x - mean[0]!) * (y - mean[1]!);
    squares[0]! += (x - mean[0]!) ** 2;
    squares[1]! += (y - mean[1]!) ** 2;
  }
  return squares[0] === 0 || squares[1] === 0 ? 0 : product / Math.sqrt(squares[0]! * squares[1]!);
}
