import type { Folds } from '../folds.js';
import type { RawColumn, RawTable } from '../table.js';
import type { FittedTransforms } from './fitted.js';
import type { TransformTarget } from './flow.js';
import type { TransformSettings } from './settings.js';
import { applyTransforms, fitTransforms, learnsFromLabels, stepsOf } from './transforms.js';

/**
 * The model's columns that learn from labels, fitted anew to the training rows of one fold of a cross-validation, so that
 * no label of its test rows is in them. All other columns are those of {@link applyTransforms}.
 *
 * @param fitted the same settings fitted to all rows of the table
 * @returns by the position among the model's columns: a value per row of the table, NaN for rows that the fold leaves out
 */
export function foldColumns(
  settings: TransformSettings,
  fitted: FittedTransforms,
  table: RawTable,
  { labels, task, groups }: TransformTarget,
  folds: Folds,
  fold: number,
): Map<number, Float32Array> {
  const learning = fitted.columns.filter(learnsFromLabels);
  if (learning.length === 0) return new Map();
  const whole: RawTable = {
    rows: table.rows,
    columns: new Map(learning.map(({ column }) => [column, table.columns.get(column)!])),
  };
  const rules = [...whole.columns].map(([column, raw]) => ({
    columns: [column],
    steps: stepsOf(settings, column, raw),
  }));
  const [trained, tested] = [folds.train(fold), folds.test(fold)];
  const [train, test] = [takeRows(whole, trained), takeRows(whole, tested)];
  const target: TransformTarget = {
    labels: Float64Array.from(trained, (row) => labels[row]!),
    task,
    ...(groups && { groups: Int32Array.from(trained, (row) => groups[row]!) }),
  };
  const ofFold = fitTransforms(rules, train, target);
  const sides = [
    [trained, applyTransforms(ofFold, train, { target })],
    [tested, applyTransforms(ofFold, test)],
  ] as const;

  const columns = new Map<number, Float32Array>();
  let position = 0;
  for (const { column, outputs } of fitted.columns) {
    const own = ofFold.columns.findIndex((of) => of.column === column);
    if (own >= 0) {
      const before = ofFold.columns.slice(0, own).reduce((sum, of) => sum + of.outputs.length, 0);
      outputs.forEach((_, i) => {
        const values = new Float32Array(table.rows).fill(NaN);
        for (const [rows, made] of sides) {
          // An indicator of missing values comes last, and is not made where the fold's training rows lack none.
          const from = i < ofFold.columns[own]!.outputs.length ? made.columns[before + i] : undefined;
          rows.forEach((row, at) => (values[row] = from ? from[at]! : 0));
        }
        columns.set(position + i, values);
      });
    }
    position += outputs.length;
  }
  return columns;
}

function takeRows({ columns }: RawTable, rows: Int32Array): RawTable {
  const take = (column: RawColumn): RawColumn =>
    column.kind === 'category'
      ? { ...column, codes: rows.map((row) => column.codes[row]!) }
      : { ...column, values: Float64Array.from(rows, (row) => column.values[row]!) };
  return { rows: rows.length, columns: new Map([...columns].map(([name, column]) => [name, take(column)])) };
}
