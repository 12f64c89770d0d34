import type { BehaviouralTest, ColumnChange } from '../config/modelTests.js';
import { listOf, shareOf } from '../contracts/counts.js';
import { isMoment, type ModelTest } from '../contracts/index.js';
import { PerdureError } from '../errors.js';
import { columnOf, type ModelOutput } from '../ml/modelOutput.js';
import { rowsOfTable, withColumn, type RawValue } from '../ml/rows.js';
import type { RawTable } from '../ml/table.js';
import { taskOf } from '../ml/tasks/task.js';
import type { OpenModel } from './openModel.js';

/** Rows of the data that a change is tried on. */
const ROWS = 1_000;

/** What a behavioural test is tried with. */
export interface Trial {
  model: Pick<OpenModel, 'task'>;
  /** Rows of the data, with the columns that the model reads. */
  rows: RawTable;
  /** Probability from which a row counts as positive. */
  threshold: number;
  predict: (rows: RawTable) => Promise<ModelOutput>;
}

/** What `expected` says of a test. */
export function shareExpected({ mostly }: BehaviouralTest): string {
  return `>= ${mostly}`;
}

/**
 * Tries one: the share of the rows for which it holds.
 * @throws PerdureError `InputInvalid` where the version doesn't have what the test is about
 */
export async function tryBehaviour(
  test: BehaviouralTest,
  trial: Trial,
): Promise<Pick<ModelTest, 'actual' | 'passed' | 'detail'>> {
  const holds = await KINDS[test.type](test as never, trial);
  const rows = holds.length;
  const broken = holds.filter((held) => !held).length;
  const share = (rows - broken) / rows;
  return {
    actual: Number(share.toPrecision(6)),
    passed: share >= test.mostly,
    detail: broken === 0 ? 'It holds for every row.' : `It does not hold for ${shareOf(broken, rows, 'rows')}.`,
  };
}

/** Whether a test holds, row by row. */
type Holds<Type extends BehaviouralTest['type']> = (
  test: Extract<BehaviouralTest, { type: Type }>,
  trial: Trial,
) => Promise<boolean[]>;

const KINDS: { [Type in BehaviouralTest['type']]: Holds<Type> } = {
  async minimum_functionality({ rows: given, min = -Infinity, max = Infinity, label, class: of }, trial) {
    const { model, threshold } = trial;
    const output = await trial.predict(given.reduce(withGiven, emptyRows(trial.rows, given.length)));
    const said = numbersOf(model, output, of);
    const labels = label === undefined ? undefined : decided(model, output, threshold, label);
    return Array.from(said, (value, row) => value >= min && value <= max && (labels?.[row] ?? label) === label);
  },

  async invariance({ column, values, tolerance, class: of }, trial) {
    const rows = first(trial.rows);
    const before = numbersOf(trial.model, await trial.predict(rows), of);
    const held = Array.from(before, () => true);
    for (const value of values) {
      const after = numbersOf(trial.model, await trial.predict(changed(rows, column, { set: value })), of);
      after.forEach((now, row) => (held[row] &&= Math.abs(now - before[row]!) <= tolerance));
    }
    return held;
  },

  async directional({ change, expect, tolerance, class: of }, trial) {
    const rows = first(trial.rows);
    const moved = Object.entries(change).reduce((table, [column, how]) => changed(table, column, how), rows);
    const before = numbersOf(trial.model, await trial.predict(rows), of);
    const after = numbersOf(trial.model, await trial.predict(moved), of);
    const sign = expect === 'increase' ? 1 : -1;
    return Array.from(after, (now, row) => sign * (now - before[row]!) >= -tolerance);
  },
};

/** The number of each row that a test looks at. */
function numbersOf({ task }: Trial['model'], output: ModelOutput, of: string | undefined): Float64Array {
  const single = output.width === 1;
  if (single && of === undefined) return columnOf(output, 0);
  if (!('classes' in task))
    throw new PerdureError(
      'InputInvalid',
      'The test says in "class" whose probability it means, and the model predicts numbers; take it out.',
    );
  const position = task.classes.findIndex((name) => name === of);
  if (position < 0)
    throw new PerdureError(
      'InputInvalid',
      `The test has to say in "class" whose probability it means, one of ${task.classes.join(', ')}${of === undefined ? '' : `; "${of}" is none`}.`,
    );
  if (!single) return columnOf(output, position);
  // Of two classes it is the second whose probability is said.
  const second = columnOf(output, 0);
  return position === 1 ? second : second.map((probability) => 1 - probability);
}

/** The class that each row is predicted to be. */
function decided({ task }: Trial['model'], output: ModelOutput, threshold: number, label: string): string[] {
  const { estimation } = taskOf(task);
  if (estimation === null || !('classes' in task) || !task.classes.includes(label))
    throw new PerdureError(
      'InputInvalid',
      `The test expects the label "${label}", and the model predicts ${'classes' in task ? `one of ${task.classes.join(', ')}` : 'numbers'}; correct "label", or use "min" and "max".`,
    );
  return Array.from(estimation.decide(output, threshold), (of) => task.classes[of]!);
}

function first(table: RawTable): RawTable {
  return rowsOfTable(
    table,
    Array.from({ length: Math.min(ROWS, table.rows) }, (_, row) => row),
  );
}

function emptyRows(table: RawTable, rows: number): RawTable {
  const empty = rowsOfTable(table, new Int32Array(rows));
  return [...table.columns.keys()].reduce((filled, name) => withColumn(filled, name, () => null), empty);
}

function withGiven(table: RawTable, given: Record<string, ColumnValue>, row: number): RawTable {
  return Object.entries(given).reduce(
    (filled, [column, value]) =>
      withColumn(filled, present(table, column), (position, now) =>
        position === row ? rawValue(table, column, value) : now,
      ),
    table,
  );
}

type ColumnValue = Extract<ColumnChange, { set: unknown }>['set'];

function changed(table: RawTable, column: string, how: ColumnChange): RawTable {
  present(table, column);
  if ('set' in how) {
    const value = rawValue(table, column, how.set);
    return withColumn(table, column, () => value);
  }
  if (table.columns.get(column)!.kind === 'category')
    throw new PerdureError('InputInvalid', `${column} is text, which nothing can be added to; use "set".`);
  return withColumn(table, column, (_, now) =>
    now === null ? null : 'add' in how ? Number(now) + how.add : Number(now) * how.multiply,
  );
}

function present(table: RawTable, column: string): string {
  if (table.columns.has(column)) return column;
  throw new PerdureError(
    'InputInvalid',
    `The test names ${column}, which the model doesn't read; it reads ${listOf([...table.columns.keys()])}.`,
  );
}

const DAY_MS = 86_400_000;

/** A value as rows have it: days of a date, 1 and 0 of a truth value. */
function rawValue(table: RawTable, column: string, value: ColumnValue): RawValue {
  const { kind } = table.columns.get(column)!;
  if (value === null) return null;
  if (kind === 'category') return String(value);
  const number = kind === 'date' ? daysOf(String(value)) : typeof value === 'string' ? numberOf(value) : Number(value);
  if (Number.isFinite(number)) return number;
  const give = kind === 'date' ? 'dates; give one as 2008-12-31 or 2008-12-31T12:00:00Z' : 'numbers; give one';
  throw new PerdureError(
    'InputInvalid',
    `The test has ${JSON.stringify(value)} for ${column}, which holds ${give}, or null where it is missing.`,
  );
}

/** Empty text is no 0. */
function numberOf(text: string): number {
  return text.trim() === '' ? NaN : Number(text);
}

/** A moment without a zone is in UTC, as those of the layers are, wherever the test runs. */
function daysOf(text: string): number {
  const moment = /[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/.test(text) ? `${text.replace(' ', 'T')}Z` : text;
  return isMoment(moment) ? Date.parse(moment) / DAY_MS : NaN;
}
