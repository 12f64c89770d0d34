import { z } from 'zod';
import { columnOf, mostProbable, type ModelOutput } from '../modelOutput.js';
import { rank, type Ranking } from './ranking.js';

/** Points of a curve that is drawn: more can't be told apart. */
const MAX_POINTS = 200;
/** Groups of equally many rows in which a prediction is compared with what came. */
const CALIBRATION_BINS = 10;
const HISTOGRAM_BINS = 20;
/** Thresholds from 0 to 1 at which decisions are counted. */
const THRESHOLDS = 100;

const pair = z.tuple([z.number(), z.number()]);
const curve = z.strictObject({
  /** The class that counts as positive, against all others. */
  positive: z.string(),
  points: z.array(pair),
});

/** What a report draws of a model's output on some rows; each kind of task has its own of these. */
export const curvesShape = {
  /** False positive rate and true positive rate, from (0, 0) to (1, 1). */
  roc: z.array(curve).optional(),
  /** Recall and precision, from the highest score down. */
  precision_recall: z.array(curve).optional(),
  /** Mean prediction and mean of what came, in groups of about equally many rows by rising prediction. */
  calibration: z.array(z.strictObject({ predicted: z.number(), observed: z.number(), rows: z.number() })).optional(),
  /** Decisions at each threshold; precision is `null` where nothing is predicted positive. */
  thresholds: z
    .array(
      z.strictObject({
        threshold: z.number(),
        precision: z.number().nullable(),
        recall: z.number(),
        f1: z.number(),
        /** Share of the rows that are predicted positive. */
        positive: z.number(),
      }),
    )
    .optional(),
  /** Rows of each class per score, in bins of equal width from 0 to 1. */
  scores: z.array(z.strictObject({ class: z.string(), counts: z.array(z.number()) })).optional(),
  /** Prediction and actual value of some of the rows. */
  predicted_actual: z.array(pair).optional(),
  /** Actual less predicted values: the edges of the bins, one more than there are counts. */
  residuals: z.strictObject({ edges: z.array(z.number()), counts: z.array(z.number()) }).optional(),
};
export type Curves = z.infer<z.ZodObject<typeof curvesShape>>;

/** Of a binary task: of the positive class alone. */
export function binaryCurves(labels: ArrayLike<number>, { values }: ModelOutput, classes: readonly string[]): Curves {
  const ranking = rank(values, (row) => labels[row] === 1);
  return {
    ...rankCurves([{ positive: classes[1]!, ranking }], values.length),
    ...(values.length > 0 && {
      calibration: calibrationOf(ranking.order, values, (row) => labels[row]!),
      thresholds: thresholdsOf(ranking, values),
      scores: classes.map((name, of) => ({
        class: name,
        counts: equalBins(
          Array.from(values.keys()).flatMap((row) => (labels[row] === of ? [values[row]!] : [])),
          0,
          1,
        ),
      })),
    }),
  };
}

/** Of several classes: of each against the others; how sure the model is of its choice against how often it is right. */
export function multiclassCurves(labels: ArrayLike<number>, output: ModelOutput, classes: readonly string[]): Curves {
  const { values, width } = output;
  const decided = mostProbable(output);
  const rankings = classes.map((positive, of) => ({
    positive,
    ranking: rank(columnOf(output, of), (row) => labels[row] === of),
  }));
  const sure = Float64Array.from(decided, (of, row) => values[row * width + of]!);
  return {
    ...rankCurves(rankings, labels.length),
    ...(labels.length > 0 && {
      calibration: calibrationOf(rank(sure, () => false).order, sure, (row) => Number(decided[row] === labels[row])),
    }),
  };
}

/** Of a regression: what was predicted against what came. */
export function regressionCurves(labels: ArrayLike<number>, { values }: ModelOutput): Curves {
  if (values.length === 0) return {};
  const residuals = Float64Array.from(values, (value, row) => labels[row]! - value).sort();
  // A few far residuals would squeeze all others into one bin: they count in the outermost ones.
  const [low, high] = [0.005, 0.995].map((share) => residuals[Math.round(share * (residuals.length - 1))]!);
  const step = (high! - low!) / HISTOGRAM_BINS;
  const drawn = someOf(values.length);
  const digits = digitsOf(drawn.flatMap((row) => [values[row]!, labels[row]!]));
  const digitsOfEdges = digitsOf([low!, high!]);
  return {
    calibration: calibrationOf(rank(values, () => false).order, values, (row) => labels[row]!, digits),
    predicted_actual: drawn.map((row) => [short(values[row]!, digits), short(labels[row]!, digits)]),
    ...(step > 0 && {
      residuals: {
        edges: Array.from({ length: HISTOGRAM_BINS + 1 }, (_, bin) => short(low! + bin * step, digitsOfEdges)),
        counts: equalBins(residuals, low!, high!),
      },
    }),
  };
}

/** Positions of at most {@link MAX_POINTS} rows, evenly spread: the same ones each time. */
export function someOf(rows: number, most = MAX_POINTS): number[] {
  const chosen = Math.min(rows, most);
  return Array.from({ length: chosen }, (_, i) => Math.floor((i * rows) / chosen));
}

/** Digits of a number as far as a picture shows it. */
const DIGITS = 5;

/** A number as far as a picture shows it. */
export function short(value: number, digits = DIGITS): number {
  return Number(value.toPrecision(digits));
}

/** The digits of numbers that share a picture: those that all have alike, as of moments in seconds, tell nothing there. */
function digitsOf(values: number[]): number {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const alike = Math.max(Math.abs(low), Math.abs(high)) / (high - low);
  return Number.isFinite(alike) ? DIGITS + Math.max(0, Math.floor(Math.log10(alike))) : DIGITS;
}

/** Classes that no row has, or all rows, have no curve. */
function rankCurves(
  classes: { positive: string; ranking: Ranking }[],
  rows: number,
): Pick<Curves, 'roc' | 'precision_recall'> {
  const drawn = classes.filter(({ ranking }) => ranking.positives > 0 && ranking.positives < rows);
  if (drawn.length === 0) return {};
  const curves = drawn.map(({ positive, ranking }) => ({ positive, ...curvesOf(ranking, rows) }));
  return {
    roc: curves.map(({ positive, roc }) => ({ positive, points: roc })),
    precision_recall: curves.map(({ positive, precisionRecall }) => ({ positive, points: precisionRecall })),
  };
}

type Point = [number, number];

function curvesOf({ positive, ends, positives }: Ranking, rows: number): { roc: Point[]; precisionRecall: Point[] } {
  const roc: Point[] = [[0, 0]];
  const precisionRecall: Point[] = [];
  let found = 0;
  let at = 0;
  for (const end of ends) {
    for (; at < end; at++) found += positive[at]!;
    roc.push([(at - found) / (rows - positives), found / positives]);
    precisionRecall.push([found / positives, found / at]);
  }
  return { roc: thinned(roc), precisionRecall: thinned(precisionRecall) };
}

/** At most {@link MAX_POINTS} of a curve's points, evenly spread along its way; the first and the last always. */
function thinned(points: Point[]): Point[] {
  const shortened = (chosen: Point[]) => chosen.map(([x, y]): Point => [short(x), short(y)]);
  if (points.length <= MAX_POINTS) return shortened(points);
  const way = [0];
  for (let i = 1; i < points.length; i++) {
    const [[x0, y0], [x1, y1]] = [points[i - 1]!, points[i]!];
    way.push(way[i - 1]! + Math.abs(x1 - x0) + Math.abs(y1 - y0));
  }
  const step = way.at(-1)! / (MAX_POINTS - 2);
  let next = step;
  return shortened(
    points.filter((_, i) => {
      if (i === 0 || i === points.length - 1) return true;
      if (way[i]! < next) return false;
      while (next <= way[i]!) next += step;
      return true;
    }),
  );
}

/** @param order rows from the highest prediction */
function calibrationOf(
  order: Uint32Array,
  predicted: ArrayLike<number>,
  observed: (row: number) => number,
  digits?: number,
): NonNullable<Curves['calibration']> {
  const bins: NonNullable<Curves['calibration']> = [];
  let sums = { predicted: 0, observed: 0, rows: 0 };
  let seen = 0;
  let next = 1;
  for (let at = order.length - 1; at >= 0; at--) {
    const row = order[at]!;
    sums = {
      predicted: sums.predicted + predicted[row]!,
      observed: sums.observed + observed(row),
      rows: sums.rows + 1,
    };
    seen++;
    // Equal predictions stay together.
    const isWhole = at === 0 || predicted[order[at - 1]!] !== predicted[row];
    if (at > 0 && !(isWhole && seen >= (next * order.length) / CALIBRATION_BINS)) continue;
    const { rows } = sums;
    bins.push({ predicted: short(sums.predicted / rows, digits), observed: short(sums.observed / rows, digits), rows });
    sums = { predicted: 0, observed: 0, rows: 0 };
    // Equal predictions may have filled several groups: the next one is as large as any nevertheless.
    next = Math.max(next, Math.round((seen * CALIBRATION_BINS) / order.length)) + 1;
  }
  return bins;
}

function thresholdsOf(
  { order, positive, positives }: Ranking,
  scores: ArrayLike<number>,
): NonNullable<Curves['thresholds']> {
  const found: NonNullable<Curves['thresholds']> = [];
  let predicted = 0;
  let right = 0;
  for (let step = THRESHOLDS; step >= 0; step--) {
    const threshold = step / THRESHOLDS;
    while (predicted < order.length && scores[order[predicted]!]! >= threshold) right += positive[predicted++]!;
    found.push({
      threshold,
      precision: predicted === 0 ? null : short(right / predicted),
      recall: positives === 0 ? 0 : short(right / positives),
      f1: predicted + positives === 0 ? 0 : short((2 * right) / (predicted + positives)),
      positive: short(predicted / order.length),
    });
  }
  return found.reverse();
}

/** Counts in bins of equal width; what lies outside counts in the outermost. */
function equalBins(values: Iterable<number>, low: number, high: number): number[] {
  const counts = new Array<number>(HISTOGRAM_BINS).fill(0);
  for (const value of values) {
    const bin = Math.floor(((value - low) / (high - low)) * HISTOGRAM_BINS);
    counts[Math.min(HISTOGRAM_BINS - 1, Math.max(0, bin))]!++;
  }
  return counts;
}
