import { isMissing } from './missing.js';
import { rocAuc } from './metrics/ranking.js';

/** Why a feature may hold what is to be predicted. */
export interface Leak {
  feature: string;
  /** It is the label, or its opposite, in every row. */
  same: boolean;
  /** ROC AUC of the feature alone, in the direction and reading that separates best. */
  auc: number;
}

/** From which ROC AUC a single feature is suspicious. */
const SUSPICIOUS = 0.99;
/** Rows of a class below which chance separates as well. */
const LEAST_ROWS = 10;
/** Rows of a class that are looked at: an area of .99 shows in as many. */
const MOST_ROWS = 20_000;
/** A column of few values is also read value by value, as its order may say nothing. */
const FEW_VALUES = 50;
const ROWS_PER_VALUE = 20;

/**
 * Features that tell the classes apart all but perfectly by themselves.
 *
 * @param columns numbers per feature, NaN for missing ones, aligned with the labels
 * @param labels 0 or 1 per row, both of them present
 */
export function findLeaks(columns: ReadonlyMap<string, Float64Array>, labels: ArrayLike<number>): Leak[] {
  const rows = [0, 1].flatMap((label) => evenly(rowsOf(labels, label)));
  const sampled = Int8Array.from(rows, (row) => labels[row]!);
  const enough = [0, 1].every((label) => sampled.filter((value) => value === label).length >= LEAST_ROWS);
  const leaks: Leak[] = [];
  for (const [feature, values] of columns) {
    const same = isLabel(values, labels);
    const auc =
      enough || same
        ? bestAuc(
            Float64Array.from(rows, (row) => values[row]!),
            sampled,
          )
        : 0;
    if (same || auc >= SUSPICIOUS) leaks.push({ feature, same, auc });
  }
  return leaks;
}

/** Shares of the rows below the values at which labels that are numbers are cut into two classes. */
const CUTS = [0.5, 0.25, 0.75];
/** Rows that are looked at for it: most columns are ruled out by as many. */
const ORDERED_ROWS = 4_000;

/**
 * Features that order the rows all but as the label does, by themselves: they tell those above each quartile of the labels
 * from those below. `auc` is the least of the three.
 *
 * @param columns as of {@link findLeaks}
 * @param labels a number per row
 */
export function findOrderings(columns: ReadonlyMap<string, Float64Array>, labels: Float64Array): Omit<Leak, 'same'>[] {
  const rows = evenly(Array.from(labels.keys()), ORDERED_ROWS);
  const sampled = Float64Array.from(rows, (row) => labels[row]!);
  const sorted = sampled.toSorted();
  let left = new Map([...columns].map(([name, values]) => [name, Float64Array.from(rows, (row) => values[row]!)]));
  const areas = new Map<string, number>();
  for (const share of CUTS) {
    const value = sorted[Math.floor(share * sorted.length)]!;
    const classes = Int8Array.from(sampled, (label) => Number(label > value));
    const found = classes.includes(0) && classes.includes(1) ? findLeaks(left, classes) : [];
    for (const { feature, auc } of found) areas.set(feature, Math.min(auc, areas.get(feature) ?? 1));
    left = new Map(found.map(({ feature }) => [feature, left.get(feature)!]));
  }
  return [...left.keys()].map((feature) => ({ feature, auc: areas.get(feature)! }));
}

function isLabel(values: Float64Array, labels: ArrayLike<number>): boolean {
  return (
    values.every((value, row) => value === labels[row]) || values.every((value, row) => value === 1 - labels[row]!)
  );
}

function bestAuc(values: Float64Array, labels: Int8Array): number {
  const low = values.map((value) => (isMissing(value) ? -Number.MAX_VALUE : value));
  const high = values.map((value) => (isMissing(value) ? Number.MAX_VALUE : value));
  const readings: Float64Array[] = [low, high];
  const rates = ratesByValue(low, labels);
  if (rates) readings.push(rates);
  return Math.max(...readings.map((reading) => rocAuc(labels, reading) ?? 0.5).map((auc) => Math.max(auc, 1 - auc)));
}

/** Each value replaced by the share of positives among its rows; `undefined` where the values are too many for that. */
function ratesByValue(values: Float64Array, labels: Int8Array): Float64Array | undefined {
  const counts = new Map<number, { rows: number; positives: number }>();
  for (const [row, value] of values.entries()) {
    const count = counts.get(value) ?? { rows: 0, positives: 0 };
    counts.set(value, { rows: count.rows + 1, positives: count.positives + labels[row]! });
    if (counts.size > FEW_VALUES) return undefined;
  }
  if (counts.size * ROWS_PER_VALUE > values.length) return undefined;
  return values.map((value) => counts.get(value)!.positives / counts.get(value)!.rows);
}

function rowsOf(labels: ArrayLike<number>, label: number): number[] {
  const rows: number[] = [];
  for (let row = 0; row < labels.length; row++) if (labels[row] === label) rows.push(row);
  return rows;
}

/** At most so many of the rows, evenly spread. */
function evenly(rows: number[], most = MOST_ROWS): number[] {
  const step = Math.max(1, rows.length / most);
  return Array.from({ length: Math.min(rows.length, most) }, (_, i) => rows[Math.floor(i * step)]!);
}
