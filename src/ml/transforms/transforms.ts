import { PerdureError } from '../../errors.js';
import { isMissing } from '../missing.js';
import type { RawColumn, RawTable } from '../table.js';
import { categorical, oneHot, ordinal } from './categories.js';
import { dateParts } from './dateParts.js';
import { defaultSteps } from './defaults.js';
import type { FittedColumn, FittedStep, FittedTransforms } from './fitted.js';
import type { Flow, Part, StepContext, Transform, TransformTarget } from './flow.js';
import { clip, impute, log, scale } from './numbers.js';
import type { TransformSettings, TransformStep } from './settings.js';
import { target } from './target.js';

type StepKind = TransformStep extends infer Step ? (Step extends Step ? keyof Step : never) : never;
/** The settings of a kind of step. */
export type StepSettings<Kind extends string> = Extract<TransformStep, Record<Kind, unknown>>[Kind &
  keyof Extract<TransformStep, Record<Kind, unknown>>];

/** Every kind of step. */
const TRANSFORMS: {
  [Kind in StepKind]: Transform<
    StepSettings<Kind>,
    Extract<FittedStep, Record<Kind, unknown>>[Kind & keyof Extract<FittedStep, Record<Kind, unknown>>]
  >;
} = {
  impute,
  clip,
  scale,
  log,
  one_hot: oneHot,
  ordinal,
  categorical,
  target,
  date_parts: dateParts,
};

/** A model's columns: a name and a value per row each; what is missing is NaN. */
export interface TransformedTable {
  names: string[];
  columns: Float32Array[];
}

/**
 * Fits the transforms of every column of a table to its rows, which are those of the training.
 *
 * @param target labels of the rows, for steps that learn from them
 * @throws PerdureError `ConfigInvalid` for a column that isn't there, a step that a column's values can't be used in, or text that no step makes numbers of
 */
export function fitTransforms(
  settings: TransformSettings,
  table: RawTable,
  target?: TransformTarget,
): FittedTransforms {
  const named = settings.flatMap(({ columns }) => (typeof columns === 'string' ? [] : columns));
  const absent = named.filter((name) => !table.columns.has(name));
  if (absent.length > 0) {
    throw new PerdureError(
      'ConfigInvalid',
      `"transforms" name ${listed(absent)}, which ${absent.length > 1 ? 'are no columns' : 'is no column'} of the data; correct the names or take them out.`,
    );
  }
  const taken = new Set<string>();
  const columns = [...table.columns].map(([column, raw]): FittedColumn => {
    const context: StepContext = { column, extras: [], ...(target ? { target } : {}) };
    const chosen = stepsOf(settings, column, raw);
    const steps: FittedStep[] = [];
    let flow = flowOf(column, raw);
    for (const [i, step] of chosen.entries()) {
      const [kind, setting] = Object.entries(step)[0] as [StepKind, never];
      const fitted = {
        [kind]: (TRANSFORMS[kind] as Transform<unknown, unknown>).fit(setting, flow, context),
      } as FittedStep;
      steps.push(fitted);
      if (i < chosen.length - 1) flow = applyStep(fitted, flow, context);
    }
    const outputs = applySteps(column, steps, emptyColumn(raw.kind)).map(({ name }) => unique(name, taken));
    return { column, kind: raw.kind, steps: steps.map(withoutNegativeZero), outputs };
  });
  return { columns };
}

/**
 * Makes a model's columns of a table's. Columns that the training didn't have are left aside.
 *
 * @param options.target labels of the rows, where they are the very rows of the training in their order: what a step learned from a row's own label is kept out of that row
 * @throws PerdureError `InputInvalid` for columns that aren't there, or are of another kind than those of the training
 */
export function applyTransforms(
  fitted: FittedTransforms,
  table: RawTable,
  options: { target?: TransformTarget } = {},
): TransformedTable {
  const absent = fitted.columns.filter(({ column }) => !table.columns.has(column)).map(({ column }) => column);
  if (absent.length > 0) {
    throw new PerdureError(
      'InputInvalid',
      `The data lack ${listed(absent)}, which the model was trained with; add ${absent.length > 1 ? 'them' : 'it'}, empty where nothing is known.`,
    );
  }
  return {
    names: fitted.columns.flatMap(({ outputs }) => outputs),
    columns: fitted.columns.flatMap((column) => applyColumn(column, table.columns.get(column.column)!, options.target)),
  };
}

/** The model's columns that one column becomes, in the order of its `outputs`; see {@link applyTransforms}. */
export function applyColumn(
  { column, kind, steps }: FittedColumn,
  raw: RawColumn,
  target?: TransformTarget,
): Float32Array[] {
  // A column without any value says nothing of its kind, as in a file whose rows leave it empty.
  const input = raw.kind === kind ? raw : emptyOf(raw, kind);
  if (!input)
    throw new PerdureError(
      'InputInvalid',
      `The column ${JSON.stringify(column)} has ${KIND_WORDS[raw.kind]}, and the model was trained with ${KIND_WORDS[kind]} in it; give it the type that it had.`,
    );
  return applySteps(column, steps, input, target).map(({ values }) => {
    const rounded = values instanceof Float32Array ? values : new Float32Array(values.length);
    if (rounded !== values)
      for (let row = 0; row < values.length; row++) rounded[row] = isMissing(values[row]!) ? NaN : values[row]!;
    return rounded;
  });
}

function applySteps(column: string, steps: FittedStep[], raw: RawColumn, target?: TransformTarget): Part[] {
  const context: StepContext = { column, extras: [], ...(target ? { target } : {}) };
  const flow = steps.reduce((flow, step) => applyStep(step, flow, context), flowOf(column, raw));
  if (flow.kind !== 'category') return [...flow.parts, ...context.extras];
  throw new PerdureError(
    'ConfigInvalid',
    `The column ${JSON.stringify(column)} is text, and none of its transforms makes numbers of it; add one_hot, ordinal, categorical or target, or drop the column.`,
  );
}

function applyStep(step: FittedStep, flow: Flow, context: StepContext): Flow {
  const [kind, fitted] = Object.entries(step)[0] as [StepKind, never];
  return (TRANSFORMS[kind] as Transform<unknown, unknown>).apply(fitted, flow, context);
}

/** Whether some step learns from labels, so that it has to be fitted anew within each fold of a cross-validation. */
export function learnsFromLabels({ steps }: Pick<FittedColumn, 'steps'>): boolean {
  return steps.some((step) => 'target' in step);
}

/** Names of the model's columns that hold positions of categories, which an estimator is to take as such. */
export function nativeCategoricals({ columns }: FittedTransforms): string[] {
  // It is the last step, and columns that others add come behind its own.
  return columns.filter(({ steps }) => steps.some(isNative)).map(({ outputs }) => outputs[0]!);
}

/** Whether some column is to go to the estimators as categories. */
export function asksForNativeCategoricals(settings: TransformSettings): boolean {
  return settings.some(({ steps }) => steps.some(isNative));
}

function isNative(step: FittedStep | TransformStep): boolean {
  return 'categorical' in step;
}

const KIND_WORDS = { number: 'numbers', category: 'text', date: 'dates' } as const;

/** The steps of a column by its own rule, else by that of its kind, else by default. */
export function stepsOf(settings: TransformSettings, column: string, raw: RawColumn): TransformStep[] {
  const kinds = { number: 'numbers', category: 'categories', date: 'dates' } as const;
  const rule =
    settings.find(({ columns }) => columns.includes(column) && typeof columns !== 'string') ??
    settings.find(({ columns }) => columns === kinds[raw.kind]);
  return rule?.steps ?? defaultSteps(raw);
}

/** What a column is before the first step: infinities and numbers too large for single precision are missing. */
function flowOf(column: string, raw: RawColumn): Flow {
  if (raw.kind === 'category') return raw;
  const values = new Float64Array(raw.values.length);
  for (let row = 0; row < values.length; row++) values[row] = isMissing(raw.values[row]!) ? NaN : raw.values[row]!;
  return { kind: raw.kind, parts: [{ name: column, values }] };
}

function emptyOf(raw: RawColumn, kind: RawColumn['kind']): RawColumn | undefined {
  const isEmpty = raw.kind === 'category' ? raw.codes.every((code) => code < 0) : raw.values.every(isMissing);
  return isEmpty ? emptyColumn(kind, (raw.kind === 'category' ? raw.codes : raw.values).length) : undefined;
}

/** A column without any value. */
function emptyColumn(kind: RawColumn['kind'], rows = 0): RawColumn {
  return kind === 'category'
    ? { kind, codes: new Int32Array(rows).fill(-1), values: [] }
    : { kind, values: new Float64Array(rows).fill(NaN) };
}

/** A name that no column has yet. */
function unique(name: string, taken: Set<string>): string {
  let free = name;
  for (let i = 2; taken.has(free); i++) free = `${name} (${i})`;
  taken.add(free);
  return free;
}

/** JSON has no -0: it is taken out of what was fitted, so that what is read again computes the same to the bit. */
function withoutNegativeZero(step: FittedStep): FittedStep {
  return JSON.parse(JSON.stringify(step)) as FittedStep;
}

function listed(names: string[]): string {
  const shown = names
    .slice(0, 10)
    .map((name) => JSON.stringify(name))
    .join(', ');
  return names.length > 10
    ? `${shown} and ${names.length - 10} more columns`
    : `the column${names.length > 1 ? 's' : ''} ${shown}`;
}
