import { z } from 'zod';
import { readChecked } from '../config/load.js';
import { PerdureError } from '../errors.js';
import { countOf } from '../contracts/counts.js';

const count = z.int().min(0);

/** A pipeline's `calibration.json`: what its real source looks like, counted. */
export const Calibration = z.strictObject({
  /** What was counted, and under which licence. */
  about: z.string().min(1),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  /** The outcome that other columns depend on: rows a value. */
  label: z.strictObject({ column: z.string(), values: z.array(z.tuple([z.string(), count])).min(2) }),
  identifiers: z.array(
    z.strictObject({
      column: z.string(),
      first: z.int().min(0),
      /** Mean distance of one value from the next. */
      mean_step: z.int().min(1),
      /** How many values stand on so many rows, [rows, values]; every value stands on one row without it. */
      rows_per_value: z
        .array(z.tuple([z.int().min(1), count]))
        .min(1)
        .optional(),
    }),
  ),
  /** [value, rows a label value...]; values of correlated columns in ascending order. */
  columns: z.record(z.string(), z.array(z.tuple([z.string()], count)).min(1)),
  /** Correlations of the Gaussian copula within a label value; rows of the lower triangle. */
  correlations: z.strictObject({ columns: z.array(z.string()), lower: z.array(z.array(z.number().gt(-1).lt(1))) }),
});
export type Calibration = z.infer<typeof Calibration>;

/** Reads a pipeline's calibration. Throws `ConfigInvalid` where it is wrong or doesn't fit the source's columns. */
export async function readCalibration(path: string, columns: string[]): Promise<Calibration> {
  const { value } = await readChecked(path, Calibration);
  const classes = value.label.values.length;
  const faults = [
    ...columns
      .filter((column) => !describes(value, column))
      .map((column) => `columns: expected ${column}, which pipeline.json names`),
    ...Object.entries(value.columns)
      .filter(([, values]) => values.some((entry) => entry.length !== classes + 1))
      .map(
        ([column]) =>
          `columns.${column}: expected ${countOf(classes, 'count')} a value, as the label has ${countOf(classes, 'value')}`,
      ),
    ...value.correlations.columns
      .filter((column) => !(column in value.columns))
      .map((column) => `correlations.columns: expected ${column} in "columns"`),
    ...(value.correlations.lower.every((row, i) => row.length === i) &&
    value.correlations.lower.length === value.correlations.columns.length
      ? []
      : ['correlations.lower: expected a row a column, each one longer than the one before']),
  ];
  if (faults.length > 0)
    throw new PerdureError(
      'ConfigInvalid',
      `${path} has faults; correct and run again:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
  return value;
}

function describes({ label, identifiers, columns }: Calibration, column: string): boolean {
  return column === label.column || identifiers.some((identifier) => identifier.column === column) || column in columns;
}
