import { setImmediate } from 'node:timers/promises';
import type { Counts, Measure } from '../metrics/measure.js';
import { Mt19937 } from '../mt19937.js';

/** Draws of many rows take long and are alike; draws of few rows cost nothing. */
const MOST_DRAWS = 2_000;
const FEWEST_DRAWS = 200;
/** Rows that are drawn or passed over, in all draws together. */
const WORK = 1e8;

/** The convention behind every result shown, to be named beside it. */
export const BOOTSTRAP_CONVENTION =
  'paired bootstrap: rows drawn with replacement, the same for both models; percentile interval, and p twice the smaller share of draws on either side of 0, with one added to both counts';

/**
 * Whether two models that predicted the same rows differ in a metric, by the paired bootstrap (Efron and Tibshirani
 * 1993): both are measured on the same rows, drawn with replacement again and again.
 *
 * @param rows of the evaluation
 * @param options.alpha one minus the confidence of the interval
 * @param options.seed 0 to 2^32 - 1; the same seed and number of rows give the same draws
 * @returns `null` where the metric of either is undefined, or most draws leave it so
 */
export function pairedBootstrap(
  a: Measure,
  b: Measure,
  rows: number,
  options: { alpha: number; seed: number },
): { a: number; b: number; difference: number; p: number; interval: [number, number] } | null {
  const [ofA, ofB] = [a.value(), b.value()];
  if (ofA === null || ofB === null || rows < 2) return null;
  const draws = Math.round(Math.min(MOST_DRAWS, Math.max(FEWEST_DRAWS, WORK / (rows * (1 + a.passes + b.passes)))));
  const differences: number[] = [];
  const random = new Mt19937(options.seed);
  const memory = new Uint32Array(rows);
  for (let draw = 0; draw < draws; draw++) {
    const difference = differenceOf(a, b, drawRows(random, memory));
    if (difference !== null) differences.push(difference);
  }
  if (differences.length * 2 < draws) return null;
  const sorted = Float64Array.from(differences).sort();
  return {
    a: ofA,
    b: ofB,
    difference: ofA - ofB,
    p: shareBeyondZero(sorted),
    interval: [quantile(sorted, options.alpha / 2), quantile(sorted, 1 - options.alpha / 2)],
  };
}

/** The same number of rows as there are, drawn with replacement: a view of the memory that holds how often each is. */
function drawRows(random: Mt19937, memory: Uint32Array): Uint32Array {
  memory.fill(0);
  for (let drawn = 0; drawn < memory.length; drawn++) memory[random.integer(memory.length - 1)]!++;
  return memory.subarray();
}

/** The convention behind every interval shown, to be named beside it. */
export const INTERVAL_CONVENTION =
  "95% percentile bootstrap: each split's rows drawn with replacement, by the seed of the config; 1,000 draws, fewer where there are many rows";
/** One minus the confidence of {@link bootstrapIntervals}. */
const ALPHA = 0.05;
const MOST_INTERVAL_DRAWS = 1_000;
/** Rows that are drawn or passed over for the intervals of a split: half a second or one. */
const INTERVAL_WORK = 1e8;
/** Other work of the process gets its turn so often, in milliseconds: a worker has to send its heartbeats. */
const TURN = 50;

/**
 * Where each of some metrics of the same rows lies with a confidence of 95%: the percentile interval of its values on rows
 * that are drawn with replacement again and again. A metric is `null` where it, or most of its draws, are undefined.
 *
 * @param rows of the evaluation
 * @param options.seed 0 to 2^32 - 1; the same seed and number of rows give the same draws
 * @param options.draws how many there are. @default 1,000, fewer where there are many rows, 200 at least
 */
export async function bootstrapIntervals<Name extends string>(
  measures: ReadonlyMap<Name, Measure>,
  rows: number,
  options: { seed: number; signal: AbortSignal; draws?: number },
): Promise<Partial<Record<Name, [number, number] | null>>> {
  const defined = [...measures].filter(([, measure]) => rows > 1 && measure.value() !== null);
  const passes = defined.reduce((sum, [, measure]) => sum + measure.passes, 1);
  const draws =
    options.draws ?? Math.round(Math.min(MOST_INTERVAL_DRAWS, Math.max(FEWEST_DRAWS, INTERVAL_WORK / (rows * passes))));
  const values = new Map(defined.map(([name]) => [name, [] as number[]]));
  const random = new Mt19937(options.seed);
  const memory = new Uint32Array(rows);
  let turn = performance.now();
  for (let draw = 0; draw < draws && defined.length > 0; draw++) {
    const counts = drawRows(random, memory);
    for (const [name, measure] of defined) {
      const value = measure.value(counts);
      if (value !== null) values.get(name)!.push(value);
    }
    if (performance.now() - turn < TURN) continue;
    await setImmediate();
    options.signal.throwIfAborted();
    turn = performance.now();
  }
  const intervals: Partial<Record<Name, [number, number] | null>> = {};
  for (const name of measures.keys()) {
    const drawn = Float64Array.from(values.get(name) ?? []).sort();
    intervals[name] =
      drawn.length * 2 < draws || drawn.length === 0
        ? null
        : [quantile(drawn, ALPHA / 2), quantile(drawn, 1 - ALPHA / 2)];
  }
  return intervals;
}

function differenceOf(a: Measure, b: Measure, counts: Counts): number | null {
  const [ofA, ofB] = [a.value(counts), b.value(counts)];
  return ofA === null || ofB === null ? null : ofA - ofB;
}

/** A p-value of 0 would say more than so many draws can, hence the one added to both counts (Davison and Hinkley 1997). */
function shareBeyondZero(sorted: Float64Array): number {
  let below = 0;
  let above = 0;
  for (const difference of sorted) {
    if (difference <= 0) below++;
    if (difference >= 0) above++;
  }
  return Math.min(1, (2 * (Math.min(below, above) + 1)) / (sorted.length + 1));
}

/** Between the two nearest order statistics, as numpy's default. */
function quantile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1);
  const low = Math.floor(position);
  const high = Math.min(sorted.length - 1, low + 1);
  return sorted[low]! + (position - low) * (sorted[high]! - sorted[low]!);
}
