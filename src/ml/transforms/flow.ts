import type { TaskSpec } from '../../contracts/task.js';
import { PerdureError } from '../../errors.js';

/** Labels of the training rows: a position in the task's classes, or a regression's value. */
export interface TransformTarget {
  labels: ArrayLike<number>;
  task: TaskSpec;
  /** A number per group, where rows of a group stay together; a row with a number below 0 is one of its own. */
  groups?: ArrayLike<number>;
}

/** What one column of a table is between two steps. What is missing is NaN, or the code -1. */
export type Flow =
  { kind: 'category'; codes: Int32Array; values: string[] } | { kind: 'number' | 'date'; parts: Part[] };

/** Numbers are computed in double precision; zeros and ones need no more than single. */
export type Numbers = Float64Array | Float32Array;

/** One of the columns that a column has become. */
export interface Part {
  name: string;
  values: Numbers;
}

/** What a step may know besides the values before it. */
export interface StepContext {
  /** The table's column. */
  column: string;
  /** Labels of these rows, which are those of the training; absent where rows are only to be transformed. */
  target?: TransformTarget;
  /** Columns that a step adds, which no later step changes. */
  extras: Part[];
}

/** One kind of step. Applying depends on what was fitted and a row's own values alone, so one row gives what it gives among others. */
export interface Transform<Settings, Fitted> {
  /** @throws PerdureError `ConfigInvalid` for values that the step can't be used on */
  fit(settings: Settings, flow: Flow, context: StepContext): Fitted;
  apply(fitted: Fitted, flow: Flow, context: StepContext): Flow;
}

/** The parts of a flow of numbers; a date is its number of days. */
export function numbersOf(flow: Flow, step: string, { column }: StepContext): Part[] {
  if (flow.kind !== 'category') return flow.parts;
  throw new PerdureError(
    'ConfigInvalid',
    `The step "${step}" of the column ${JSON.stringify(column)} needs numbers, and the column is text; put one_hot, ordinal or target before it.`,
  );
}

/** A flow's values as categories; numbers are named by their text, as JavaScript writes them. */
export function categoriesOf(
  flow: Flow,
  step: string,
  { column }: StepContext,
): { name: string; codes: Int32Array; values: string[] } {
  if (flow.kind === 'category') return { name: column, codes: flow.codes, values: flow.values };
  const [part] = flow.parts;
  if (flow.kind === 'date' || part === undefined || flow.parts.length > 1) {
    throw new PerdureError(
      'ConfigInvalid',
      `The step "${step}" of the column ${JSON.stringify(column)} needs categories, and there are ${flow.kind === 'date' ? 'dates; use date_parts' : 'several columns by then; put it first'}.`,
    );
  }
  const codeOf = new Map<number, number>();
  const values: string[] = [];
  const codes = new Int32Array(part.values.length);
  part.values.forEach((value, row) => {
    let code = Number.isNaN(value) ? -1 : codeOf.get(value);
    if (code === undefined) {
      code = values.length;
      codeOf.set(value, code);
      values.push(String(value));
    }
    codes[row] = code;
  });
  return { name: part.name, codes, values };
}

/** Applies a function to every value of every part; numbers in single precision become double. */
export function mapParts(
  parts: Part[],
  of: (value: number, part: number) => number,
): { kind: 'number'; parts: Part[] } {
  const mapped = parts.map(({ name, values }, i) => {
    const results = new Float64Array(values.length);
    for (let row = 0; row < values.length; row++) results[row] = of(values[row]!, i);
    return { name, values: results };
  });
  return { kind: 'number', parts: mapped };
}
