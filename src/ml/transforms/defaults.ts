import type { RawColumn, RawTable } from '../table.js';
import type { DatePart, TransformSettings, TransformStep } from './settings.js';
import { countCodes } from './categoryCodes.js';

/** Values of a text column up to which each has a column of its own. */
export const MOST_ONE_HOT = 30;
/** Rows below which a value has none: so few say nothing that holds for others, and values not seen before are treated like them. */
const LEAST_ROWS = 10;

/** Steps of a column for which nothing is set, chosen by the training rows. */
export function defaultSteps(column: RawColumn): TransformStep[] {
  switch (column.kind) {
    // Missing stays missing: trees have a branch for it, and to a linear model 0, where it counts as nothing, is the mean.
    case 'number':
      return [{ scale: 'standard' }];
    // Many values are averaged labels: one column however many there are, where grouping all but the most frequent would lose the others.
    case 'category': {
      const { counts } = countCodes(column.codes, column.values.length);
      const distinct = counts.filter((count) => count > 0).length;
      return distinct > MOST_ONE_HOT
        ? [{ target: { smooth: 'auto', folds: 5, seed: 0 } }]
        : [{ one_hot: { min_frequency: LEAST_ROWS, drop: 'if_binary' } }];
    }
    // The time of day only where there is one.
    case 'date': {
      const parts: DatePart[] = ['year', 'month', 'day', 'weekday'];
      if (column.values.some((days) => days % 1 !== 0 && !Number.isNaN(days))) parts.push('hour');
      return [{ date_parts: parts }, { scale: 'standard' }];
    }
  }
}

/** The transforms of a table for which nothing is set: a rule per column. */
export function defaultTransforms(table: RawTable): TransformSettings {
  return [...table.columns].map(([name, column]) => ({ columns: [name], steps: defaultSteps(column) }));
}
