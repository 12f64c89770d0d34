import { PerdureError } from '../../errors.js';
import { fitStandardScale } from '../standardScaler.js';
import { countCodes } from './categoryCodes.js';
import { median, mode, presentSorted, quantile } from './statistics.js';
import { mapParts, numbersOf, type Numbers, type StepContext, type Transform } from './flow.js';
import type { FittedStep } from './fitted.js';
import type { StepSettings } from './transforms.js';

type Of<Kind extends string> = Transform<StepSettings<Kind>, Extract<FittedStep, Record<Kind, unknown>>[Kind]>;

/** Puts a value where one is missing: scikit-learn's `SimpleImputer`. A column without any value gets 0. */
export const impute: Of<'impute'> = {
  fit(settings, flow, context) {
    const { by, indicator } =
      typeof settings === 'object' && 'by' in settings ? settings : { by: settings, indicator: false };
    if (flow.kind === 'category') {
      const { counts, missing } = countCodes(flow.codes, flow.values.length);
      return { value: categoryFor(by, flow.values, counts, context), indicator: indicator && missing > 0 };
    }
    return flow.parts.map(({ values }) => {
      const sorted = presentSorted(values);
      return { value: numberFor(by, values, sorted, context), indicator: indicator && sorted.length < values.length };
    });
  },

  apply(fitted, flow, context) {
    if (flow.kind === 'category') {
      const { value, indicator } = fitted as { value: string; indicator: boolean };
      if (indicator)
        context.extras.push({
          name: `${context.column} missing`,
          values: Float32Array.from(flow.codes, (code) => (code < 0 ? 1 : 0)),
        });
      const known = flow.values.indexOf(value);
      const code = known < 0 ? flow.values.length : known;
      return {
        kind: 'category',
        codes: flow.codes.map((of) => (of < 0 ? code : of)),
        values: known < 0 ? [...flow.values, value] : flow.values,
      };
    }
    const parts = fitted as { value: number; indicator: boolean }[];
    flow.parts.forEach(({ name, values }, i) => {
      if (parts[i]!.indicator)
        context.extras.push({
          name: `${name} missing`,
          values: Float32Array.from(values, (value) => (Number.isNaN(value) ? 1 : 0)),
        });
    });
    return { ...mapParts(flow.parts, (value, i) => (Number.isNaN(value) ? parts[i]!.value : value)), kind: flow.kind };
  },
};

type ImputeBy = 'median' | 'mean' | 'mode' | { constant: number | string };

function numberFor(by: ImputeBy, values: Numbers, sorted: Float64Array, { column }: StepContext): number {
  if (typeof by === 'object') {
    if (typeof by.constant === 'number') return by.constant;
    throw new PerdureError(
      'ConfigInvalid',
      `The column ${JSON.stringify(column)} has numbers, and its impute step the text ${JSON.stringify(by.constant)}; give a number.`,
    );
  }
  if (sorted.length === 0) return 0;
  if (by === 'mean') return fitStandardScale(values).mean;
  return (by === 'median' ? median : mode)(sorted);
}

function categoryFor(by: ImputeBy, values: string[], counts: Float64Array, { column }: StepContext): string {
  if (typeof by === 'object') return String(by.constant);
  if (by !== 'mode')
    throw new PerdureError(
      'ConfigInvalid',
      `The column ${JSON.stringify(column)} is text, which has no ${by}; impute its mode or a constant.`,
    );
  const most = counts.reduce((max, count) => Math.max(max, count), 0);
  return values.filter((_, code) => counts[code] === most).sort()[0] ?? '';
}

/** Moves outliers to a bound. */
export const clip: Of<'clip'> = {
  fit(settings, flow, context) {
    return numbersOf(flow, 'clip', context).map(({ values }) => {
      const sorted = presentSorted(values);
      if (sorted.length === 0) return null;
      if ('quantiles' in settings)
        return settings.quantiles.map((share) => quantile(sorted, share)) as [number, number];
      const [low, high] = [quantile(sorted, 0.25), quantile(sorted, 0.75)];
      // Where half of the values are one, as of most columns of 0 and 1, every other value would become that one.
      if (low === high) return null;
      return [low - settings.iqr * (high - low), high + settings.iqr * (high - low)];
    });
  },
  apply: (bounds, flow, context) =>
    mapParts(numbersOf(flow, 'clip', context), (value, i) => {
      const bound = bounds[i];
      if (!bound || Number.isNaN(value)) return value;
      return value < bound[0] ? bound[0] : value > bound[1] ? bound[1] : value;
    }),
};

/** (x - center) / scale: scikit-learn's `StandardScaler`, `MinMaxScaler` and `RobustScaler`. The scale of a constant column is 1. */
export const scale: Of<'scale'> = {
  fit(by, flow, context) {
    return numbersOf(flow, 'scale', context).map(({ values }) => {
      if (by === 'standard') {
        const { mean, scale } = fitStandardScale(values);
        return { center: mean, scale };
      }
      const sorted = presentSorted(values);
      if (sorted.length === 0) return { center: 0, scale: 1 };
      const [center, width] =
        by === 'minmax'
          ? [sorted[0]!, sorted.at(-1)! - sorted[0]!]
          : [median(sorted), quantile(sorted, 0.75) - quantile(sorted, 0.25)];
      return { center, scale: width < 10 * Number.EPSILON ? 1 : width };
    });
  },
  apply: (fitted, flow, context) =>
    mapParts(numbersOf(flow, 'scale', context), (value, i) => {
      const { center, scale } = fitted[i]!;
      return (value - center) / scale;
    }),
};

/** sign(x) log(1 + |x|): numpy's `log1p` for x >= 0, and defined for every number. */
export const log: Of<'log'> = {
  fit(_, flow, context) {
    numbersOf(flow, 'log', context);
    return true;
  },
  apply: (_, flow, context) =>
    mapParts(numbersOf(flow, 'log', context), (value) => (value < 0 ? -Math.log1p(-value) : Math.log1p(value))),
};
