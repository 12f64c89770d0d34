import { z } from 'zod';
import { countOf } from '../contracts/counts.js';
import type { ChosenThreshold } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { rank } from './metrics/ranking.js';

/** Rows by what they are and what they are predicted to be. */
interface Cells {
  tp: number;
  fp: number;
  fn: number;
  tn: number;
}

/** A ratio without a denominator is 0, as everywhere. */
const ratio = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
const precisionOf = ({ tp, fp }: Cells) => ratio(tp, tp + fp);
const recallOf = ({ tp, fn }: Cells) => ratio(tp, tp + fn);

/** What a threshold may maximise, as the metrics of these names. */
const OBJECTIVES = {
  f1: ({ tp, fp, fn }: Cells) => ratio(2 * tp, 2 * tp + fp + fn),
  accuracy: ({ tp, fp, fn, tn }: Cells) => ratio(tp + tn, tp + fp + fn + tn),
  balanced_accuracy: ({ tp, fp, fn, tn }: Cells) => (ratio(tp, tp + fn) + ratio(tn, tn + fp)) / 2,
  matthews_corrcoef: ({ tp, fp, fn, tn }: Cells) =>
    ratio(tp * tn - fp * fn, Math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))),
  precision: precisionOf,
  recall: recallOf,
} as const;
type Objective = keyof typeof OBJECTIVES;

const cost = z.number().min(0).max(1e9);
const share = z.number().min(0).max(1);

/** How the decision threshold of a binary task is chosen on validation rows. */
export const ThresholdRule = z
  .strictObject({
    maximize: z
      .enum(Object.keys(OBJECTIVES) as [Objective, ...Objective[]])
      .optional()
      .meta({
        description: 'Metric that is as high as it can be',
        otherwise: 'cost says what is as low as it can be',
      }),
    min_precision: share.optional().meta({
      description: 'Least precision among the thresholds that maximize chooses from',
      otherwise: 'any',
    }),
    min_recall: share.optional().meta({
      description: 'Least recall among the thresholds that maximize chooses from',
      otherwise: 'any',
    }),
    cost: z
      .strictObject({
        false_positive: cost.describe('Cost of a negative row that is predicted positive'),
        false_negative: cost.describe('Cost of a positive row that is predicted negative'),
      })
      .optional()
      .meta({
        description: 'Costs of wrong decisions, whose sum is as low as it can be',
        otherwise: 'maximize says what is as high as it can be',
      }),
  })
  .superRefine((rule, context) => {
    const fault = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if ((rule.maximize === undefined) === (rule.cost === undefined))
      fault('maximize', 'expected "maximize" or "cost", one of the two');
    if (rule.cost && (rule.min_precision !== undefined || rule.min_recall !== undefined))
      fault('cost', 'expected no "min_precision" and no "min_recall" beside it; they go with "maximize"');
    // Alone either is at its best where every row, or hardly any, is positive.
    if (rule.maximize === 'recall' && rule.min_precision === undefined)
      fault('min_precision', 'expected a number, as recall alone is highest where every row is positive');
    if (rule.maximize === 'precision' && rule.min_recall === undefined)
      fault('min_recall', 'expected a number, as precision alone says nothing of the rows that are missed');
    if (rule.cost && rule.cost.false_positive + rule.cost.false_negative === 0)
      fault('cost', 'expected a cost above 0');
  });
export type ThresholdRule = z.infer<typeof ThresholdRule>;

/** A rule in words, such as `recall at precision >= 0.7`. */
export function describeRule({ maximize, min_precision, min_recall, cost: costs }: ThresholdRule): string {
  if (costs)
    return `least cost at ${costs.false_positive} a false positive and ${costs.false_negative} a false negative`;
  const least = [
    ...(min_precision === undefined ? [] : [`precision >= ${min_precision}`]),
    ...(min_recall === undefined ? [] : [`recall >= ${min_recall}`]),
  ];
  return `highest ${maximize}${least.length > 0 ? ` at ${least.join(' and ')}` : ''}`;
}

/**
 * The threshold that a rule chooses on labelled rows: one of their probabilities, or 1. A row on the threshold counts as
 * positive. Of thresholds that are equally good the highest is taken. Where none reaches `min_precision` and
 * `min_recall`, the one is taken that comes nearest to them, and `met` is false.
 *
 * @param labels 0 or 1 per row
 * @param probabilities of the positive class, aligned with the labels
 * @throws PerdureError `InputInvalid` where the rows are all of one class
 */
export function chooseThreshold(
  rule: ThresholdRule,
  labels: ArrayLike<number>,
  probabilities: Float64Array,
): Pick<ChosenThreshold, 'value' | 'met' | 'rule'> {
  const { order, positive, ends, positives } = rank(probabilities, (row) => labels[row] === 1);
  const negatives = order.length - positives;
  if (positives === 0 || negatives === 0)
    throw new PerdureError(
      'InputInvalid',
      `A threshold can't be chosen on ${countOf(order.length, 'row')} of one class; widen the split, or remove evaluation.threshold.`,
    );
  let best: { value: number; miss: number; worth: number } | undefined;
  const consider = (value: number, tp: number, ranked: number) => {
    const cells = { tp, fp: ranked - tp, fn: positives - tp, tn: negatives - (ranked - tp) };
    const miss =
      Math.max(0, (rule.min_precision ?? 0) - precisionOf(cells)) +
      Math.max(0, (rule.min_recall ?? 0) - recallOf(cells));
    const worth = worthOf(rule, cells);
    if (!best || isMore(best.miss, miss) || (!isMore(miss, best.miss) && isMore(worth, best.worth)))
      best = { value, miss, worth };
  };
  // No row is positive, unless one is certain.
  if (probabilities[order[0]!]! < 1) consider(1, 0, 0);
  let tp = 0;
  let at = 0;
  for (const end of ends) {
    for (; at < end; at++) tp += positive[at]!;
    consider(probabilities[order[end - 1]!]!, tp, end);
  }
  return { value: best!.value, rule: describeRule(rule), met: best!.miss === 0 };
}

/** By more than rounding makes of two sums that are equal, such as of costs. */
function isMore(one: number, other: number): boolean {
  return one - other > 1e-12 * Math.abs(other);
}

function worthOf({ maximize, cost: costs }: ThresholdRule, cells: Cells): number {
  return costs ? -(costs.false_positive * cells.fp + costs.false_negative * cells.fn) : OBJECTIVES[maximize!](cells);
}
