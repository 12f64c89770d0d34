import { z } from 'zod';
import { countOf } from '../contracts/counts.js';
import { PerdureError } from '../errors.js';
import { meanOf } from './metrics/measure.js';
import { columnOf, type ModelOutput } from './modelOutput.js';

/** How probabilities are calibrated: by Platt's sigmoid, or by isotonic regression. */
export const CALIBRATIONS = ['sigmoid', 'isotonic'] as const;
export type Calibration = (typeof CALIBRATIONS)[number];

/** A curve from what a model says to a probability. */
const curve = z.discriminatedUnion('method', [
  /** 1 / (1 + exp(a p + b)) */
  z.strictObject({ method: z.literal('sigmoid'), a: z.number(), b: z.number() }),
  /** Straight lines between points; level beyond the first and the last. */
  z.strictObject({ method: z.literal('isotonic'), from: z.array(z.number()), to: z.array(z.number()) }),
]);
type Curve = z.infer<typeof curve>;

/** What makes calibrated probabilities of what a model says. */
export const Calibrator = z.strictObject({
  /** Of two classes the curve of the positive one; of more a curve for each, whose results are made to add up to 1. */
  curves: z.array(curve).min(1),
  /** Rows that it was fitted on: what each said came from a model that had not seen the row. */
  rows: z.number(),
  /** Brier score of these rows. */
  brier_score: z.strictObject({ before: z.number(), after: z.number() }),
});
export type Calibrator = z.infer<typeof Calibrator>;

/**
 * The curves of scikit-learn's `CalibratedClassifierCV(ensemble=False)`, fitted on what models say of rows that they have
 * not seen: Platt's sigmoid with his prior (`_SigmoidCalibration`), or the isotonic regression by adjacent violators.
 *
 * @param labels position of the class per row
 * @param output aligned with the labels; of two classes the probability of the positive one
 */
export function fitCurves(method: Calibration, labels: ArrayLike<number>, output: ModelOutput): Curve[] {
  const { width } = output;
  return Array.from({ length: width }, (_, of) => {
    const said = columnOf(output, of);
    const positive = Uint8Array.from(labels, (label) => Number(label === (width === 1 ? 1 : of)));
    return method === 'sigmoid' ? fitSigmoid(positive, said) : fitIsotonic(positive, said);
  });
}

/** Whether a curve keeps the order of the rows: turning round the order of a model does not repair it. */
export function isRising(fitted: Curve): boolean {
  return fitted.method === 'sigmoid' ? fitted.a < 0 : fitted.to[0]! < fitted.to.at(-1)!;
}

/** What a model says, calibrated; as it is without curves. */
export function calibrated(curves: Curve[] | undefined, { values, width }: ModelOutput): ModelOutput {
  if (!curves) return { values, width };
  if (curves.length !== width)
    throw new PerdureError(
      'ObjectCorrupt',
      `A calibrator has ${countOf(curves.length, 'curve')}, and the model beside it says ${countOf(width, 'number')} per row; promote another version, or train again.`,
    );
  const found = new Float64Array(values.length);
  for (let at = 0; at < values.length; at++) found[at] = valueOf(curves[at % width]!, values[at]!);
  if (width > 1) normalize(found, width);
  return { values: found, width };
}

/** Probabilities of a row add up to 1; where all are 0, each class is as probable. */
function normalize(values: Float64Array, width: number): void {
  for (let start = 0; start < values.length; start += width) {
    let sum = 0;
    for (let of = 0; of < width; of++) sum += values[start + of]!;
    for (let of = 0; of < width; of++) values[start + of] = sum === 0 ? 1 / width : values[start + of]! / sum;
  }
}

function valueOf(fitted: Curve, said: number): number {
  if (fitted.method === 'sigmoid') return 1 / (1 + Math.exp(fitted.a * said + fitted.b));
  const { from, to } = fitted;
  if (said <= from[0]!) return to[0]!;
  if (said >= from.at(-1)!) return to.at(-1)!;
  let low = 0;
  let high = from.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (from[middle]! <= said) low = middle;
    else high = middle;
  }
  const share = (said - from[low]!) / (from[high]! - from[low]!);
  return to[low]! + share * (to[high]! - to[low]!);
}

const MAX_STEPS = 100;
/** Gradient per row below which a sigmoid is fitted. */
const FLAT = 1e-12;
/** Steps that are shortened more than this make nothing better. */
const MOST_DAMPING = 1e12;

/**
 * Platt (1999): the labels are drawn towards the middle by their prior, and the log loss is minimised. It has two
 * parameters and is convex, so Newton's steps find the one minimum, damped (Levenberg and Marquardt) where they go too
 * far: into probabilities of nearly 0 and 1, which say nothing of the way back.
 */
function fitSigmoid(positive: Uint8Array, said: Float64Array): Curve {
  const rows = positive.length;
  let positives = 0;
  for (const is of positive) positives += is;
  const negatives = rows - positives;
  const high = (positives + 1) / (positives + 2);
  const low = 1 / (negatives + 2);
  const { center, spread } = placeOf(said);
  let [a, b] = [0, Math.log((negatives + 1) / (positives + 1))];
  /** Of probabilities p = 1 / (1 + exp(a s + b)), s in deviations from the center: -sum(t log p + (1 - t) log(1 - p)). */
  const loss = (a: number, b: number) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) {
      const at = (a * (said[row]! - center)) / spread + b;
      const target = positive[row] === 1 ? high : low;
      sum += Math.log1p(Math.exp(-Math.abs(at))) + Math.max(0, at) - (1 - target) * at;
    }
    return sum;
  };
  let now = loss(a, b);
  let damping = 1e-3;
  for (let step = 0; step < MAX_STEPS; step++) {
    let [ga, gb, haa, hab, hbb] = [0, 0, 0, 0, 0];
    for (let row = 0; row < rows; row++) {
      const s = (said[row]! - center) / spread;
      const p = 1 / (1 + Math.exp(a * s + b));
      const off = (positive[row] === 1 ? high : low) - p;
      const weight = p * (1 - p);
      ga += off * s;
      gb += off;
      haa += weight * s * s;
      hab += weight * s;
      hbb += weight;
    }
    if (Math.abs(ga) <= FLAT * rows && Math.abs(gb) <= FLAT * rows) break;
    // Where every row says the same the slope is arbitrary: it stays.
    haa += 1e-12 * hbb;
    let next = Infinity;
    for (; damping < MOST_DAMPING; damping *= 10) {
      const [ha, hb] = [haa * (1 + damping), hbb * (1 + damping)];
      const determinant = ha * hb - hab * hab;
      const [da, db] = [-(hb * ga - hab * gb) / determinant, -(ha * gb - hab * ga) / determinant];
      next = loss(a + da, b + db);
      if (!(next <= now)) continue;
      [a, b] = [a + da, b + db];
      break;
    }
    if (!(next <= now)) break;
    now = next;
    damping /= 10;
  }
  return { method: 'sigmoid', a: a / spread, b: b - (a * center) / spread };
}

/**
 * The mean of what is said, and its standard deviation (1 where all say the same). What a model says of a rare class lies
 * so close together that steps in its own units would be lost in rounding.
 */
function placeOf(said: Float64Array): { center: number; spread: number } {
  const center = meanOf(said) ?? 0;
  const variance = meanOf(said.map((value) => (value - center) ** 2)) ?? 0;
  return { center, spread: Math.sqrt(variance) || 1 };
}

/** Rising values of least squares (Barlow and others 1972); rows that say the same are one point of their mean. */
function fitIsotonic(positive: Uint8Array, said: Float64Array): Curve {
  const order = Uint32Array.from(said, (_, row) => row).sort((one, other) => said[one]! - said[other]!);
  const from: number[] = [];
  const blocks: { mean: number; weight: number; points: number }[] = [];
  for (let at = 0; at < order.length;) {
    const value = said[order[at]!]!;
    let [weight, sum] = [0, 0];
    for (; at < order.length && said[order[at]!] === value; at++) {
      weight++;
      sum += positive[order[at]!]!;
    }
    from.push(value);
    let block = { mean: sum / weight, weight, points: 1 };
    for (let last = blocks.at(-1); last && last.mean >= block.mean; last = blocks.at(-1)) {
      blocks.pop();
      const together = last.weight + block.weight;
      block = {
        mean: (last.mean * last.weight + block.mean * block.weight) / together,
        weight: together,
        points: last.points + block.points,
      };
    }
    blocks.push(block);
  }
  // Of a level stretch its two ends say all.
  const kept: { from: number; to: number }[] = [];
  let start = 0;
  for (const { mean, points } of blocks) {
    kept.push({ from: from[start]!, to: mean });
    if (points > 1) kept.push({ from: from[start + points - 1]!, to: mean });
    start += points;
  }
  return { method: 'isotonic', from: kept.map((point) => point.from), to: kept.map((point) => point.to) };
}
