import { PerdureError } from '../../errors.js';
import { countGroups, foldsOf, type Folds } from '../folds.js';
import { categoryPositions, sortedCategories } from './categoryCodes.js';
import { categoriesOf, type Part, type Transform, type TransformTarget } from './flow.js';
import type { FittedStep } from './fitted.js';
import type { StepSettings } from './transforms.js';

type Fitted = Extract<FittedStep, { target: unknown }>['target'];
type Smooth = Fitted['smooth'];

/**
 * Encodes a category by the labels of its rows: scikit-learn's `TargetEncoder`. Training rows get what the other folds
 * say, so that a model doesn't read their own labels out of them; all other rows what the whole of train says. A value
 * that train doesn't have gets the mean of all; missing is a value like others. Where the rows are of groups, a group is in one
 * fold: what rows of one patient have in common would tell their labels else, as it can't of a patient that is new.
 */
export const target: Transform<StepSettings<'target'>, Fitted> = {
  fit(settings, flow, context) {
    const { codes, values } = categoriesOf(flow, 'target', context);
    if (!context.target)
      throw new PerdureError(
        'ConfigInvalid',
        `The step "target" of the column ${JSON.stringify(context.column)} learns from labels, and there are none; use one_hot or ordinal.`,
      );
    const categories = sortedCategories(codes, values, flow.kind === 'number').map(({ category }) => category);
    const positions = categoryPositions(categories, codes, values);
    const outcomes = outcomesOf(context.target);
    return {
      ...settings,
      categories,
      classes: outcomes.map(({ suffix, labels }) => ({
        suffix,
        ...encode(positions, categories.length, labels, settings.smooth),
      })),
    };
  },

  apply({ categories, classes, smooth, folds: count, seed }, flow, context) {
    const { name, codes, values } = categoriesOf(flow, 'target', context);
    const positions = categoryPositions(categories, codes, values);
    const encoded = (encoding: Encoding, position: number) =>
      position < 0 ? encoding.mean : encoding.values[position]!;
    if (!context.target) {
      return {
        kind: 'number',
        parts: classes.map((encoding): Part => ({
          name: name + encoding.suffix,
          values: Float64Array.from(positions, (position) => encoded(encoding, position)),
        })),
      };
    }
    const folds = foldsOfEncoding(context.column, context.target, count, seed);
    const parts = outcomesOf(context.target).map(({ suffix, labels }): Part & { labels: Float64Array } => ({
      name: name + suffix,
      values: new Float64Array(codes.length),
      labels,
    }));
    // One group leaves no other rows to go by: all its rows get the mean, as a value does that train has not seen.
    if (!folds) classes.forEach(({ mean }, i) => parts[i]!.values.fill(mean));
    for (let fold = 0; folds && fold < folds.count; fold++) {
      const train = folds.train(fold);
      const trained = Int32Array.from(train, (row) => positions[row]!);
      const test = folds.test(fold);
      for (const part of parts) {
        const encoding = encode(
          trained,
          categories.length,
          Float64Array.from(train, (row) => part.labels[row]!),
          smooth,
        );
        for (const row of test) part.values[row] = encoded(encoding, positions[row]!);
      }
    }
    return { kind: 'number', parts: parts.map(({ name, values }) => ({ name, values })) };
  },
};

/** As many as are asked for, or as there are groups: within a cross-validation there are fewer. `undefined` for one group. */
function foldsOfEncoding(
  column: string,
  { labels, task, groups }: TransformTarget,
  count: number,
  seed: number,
): Folds | undefined {
  if (groups) {
    const all = countGroups(groups);
    return all < 2 ? undefined : foldsOf({ by: 'group', count: Math.min(count, all) }, groups.length, { groups });
  }
  const by = task.task === 'regression' ? 'rows' : 'stratified';
  return foldsOf(
    { by, count, shuffleSeed: seed },
    labels.length,
    { labels },
    {
      of: ` of the step "target" of the column ${JSON.stringify(column)}`,
      remedy: 'give the column fewer "folds" or another step in "transforms", or process more data',
    },
  );
}

/** What is averaged: the labels themselves, or for each of several classes whether a row is of it. */
function outcomesOf({ labels, task }: TransformTarget): { suffix: string; labels: Float64Array }[] {
  if (task.task !== 'multiclass') return [{ suffix: '', labels: Float64Array.from(labels) }];
  return task.classes.map((name, i) => ({
    suffix: ` target=${name}`,
    labels: Float64Array.from(labels, (label) => (label === i ? 1 : 0)),
  }));
}

interface Encoding {
  /** Of all rows. */
  mean: number;
  /** Of each category, drawn towards the mean. */
  values: number[];
}

/** Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes" (2001), as scikit-learn computes it. */
function encode(positions: Int32Array, categories: number, labels: Float64Array, smooth: Smooth): Encoding {
  const mean = labels.reduce((sum, label) => sum + label, 0) / labels.length;
  const counts = new Float64Array(categories);
  const sums = new Float64Array(categories);
  positions.forEach((position, row) => {
    if (position < 0) return;
    counts[position]!++;
    sums[position]! += labels[row]!;
  });
  if (smooth !== 'auto')
    return {
      mean,
      values: Array.from(sums, (sum, i) =>
        counts[i]! + smooth === 0 ? mean : (sum + smooth * mean) / (counts[i]! + smooth),
      ),
    };
  const variance = labels.reduce((sum, label) => sum + (label - mean) ** 2, 0) / labels.length;
  const squares = new Float64Array(categories);
  positions.forEach((position, row) => {
    if (position >= 0) squares[position]! += (labels[row]! - sums[position]! / counts[position]!) ** 2;
  });
  return {
    mean,
    values: Array.from(sums, (sum, i) => {
      const weight = (variance * counts[i]!) / (variance * counts[i]! + squares[i]! / counts[i]!);
      return Number.isNaN(weight) ? mean : weight * (sum / counts[i]!) + (1 - weight) * mean;
    }),
  };
}
