import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { TaskName, TaskSpec } from '../../src/contracts/task.js';
import { foldsOf, type FoldSettings } from '../../src/ml/folds.js';
import type { RawColumn, RawTable } from '../../src/ml/table.js';
import type { TransformTarget } from '../../src/ml/transforms/flow.js';
import { DATE_PARTS, TransformSettings } from '../../src/ml/transforms/settings.js';
import { applyTransforms, fitTransforms } from '../../src/ml/transforms/transforms.js';

/** A row's values; null is missing. */
type Rows = (number | null)[][];

interface Case {
  steps: object[];
  train: Rows;
  new: Rows;
}

/** Made by `fixtures/make_transforms_fixtures.py` with scikit-learn 1.9.1. */
interface Fixture {
  number: Rows;
  category: (string | null)[];
  labels: Record<TaskName, number[]>;
  new_numbers: Rows;
  new_categories: (string | null)[];
  numbers: Case[];
  categories: Case[];
  targets: (Case & { task: TaskName; cross_fitted: Rows })[];
  folds: {
    settings: FoldSettings;
    n: number;
    groups?: number[];
    times?: number[];
    folds?: number[];
    splits?: [train: number[], test: number[]][];
  }[];
  dates: { seconds: number[]; parts: Record<string, number[]> };
}
const fixture = JSON.parse(readFileSync(new URL('fixtures/transforms.json', import.meta.url), 'utf8')) as Fixture;

const TASKS: Record<TaskName, TaskSpec> = {
  binary: { task: 'binary', classes: ['0', '1'] },
  multiclass: { task: 'multiclass', classes: ['0', '1', '2'] },
  regression: { task: 'regression', objective: 'squared_error' },
};

function numbers(rows: Rows): RawTable {
  return tableOf({ kind: 'number', values: Float64Array.from(rows, ([value]) => value ?? NaN) }, rows.length);
}

function texts(cells: (string | null)[]): RawTable {
  const values = [...new Set(cells)].filter((cell) => cell !== null);
  return tableOf(
    { kind: 'category', values, codes: Int32Array.from(cells, (cell) => (cell === null ? -1 : values.indexOf(cell))) },
    cells.length,
  );
}

function tableOf(column: RawColumn, rows: number): RawTable {
  return { rows, columns: new Map([['x', column]]) };
}

const fit = (steps: object[], table: RawTable, target?: TransformTarget) =>
  fitTransforms(TransformSettings.parse([{ columns: ['x'], steps }]), table, target);

/** Columns as the reference has them, to single precision. */
function expectRows({ columns }: { columns: Float32Array[] }, rows: Rows): void {
  expect(columns).toHaveLength(rows[0]!.length);
  const apart = rows.flatMap((row, i) =>
    row.map((value, j) =>
      value === null
        ? Number.isNaN(columns[j]![i]!)
          ? 0
          : Infinity
        : Math.abs(columns[j]![i]! - value) / Math.max(1, Math.abs(value)),
    ),
  );
  expect(Math.max(...apart.map((difference) => (Number.isNaN(difference) ? Infinity : difference)))).toBeLessThan(
    1.2e-7,
  );
}

describe("transforms are scikit-learn's", () => {
  test.each(fixture.numbers.map((of) => ({ ...of, name: JSON.stringify(of.steps) })))(
    'of numbers: $name',
    ({ steps, ...expected }) => {
      const train = numbers(fixture.number);
      const fitted = fit(steps, train);
      expectRows(applyTransforms(fitted, train), expected.train);
      expectRows(applyTransforms(fitted, numbers(fixture.new_numbers)), expected.new);
    },
  );

  test.each(fixture.categories.map((of) => ({ ...of, name: JSON.stringify(of.steps) })))(
    'of categories: $name',
    ({ steps, ...expected }) => {
      const train = texts(fixture.category);
      const fitted = fit(steps, train);
      expectRows(applyTransforms(fitted, train), expected.train);
      expectRows(applyTransforms(fitted, texts(fixture.new_categories)), expected.new);
    },
  );

  test.each(fixture.targets.map((of) => ({ ...of, name: JSON.stringify(of.steps) })))(
    'of categories by labels, $task: $name',
    ({ steps, task, cross_fitted, ...expected }) => {
      const train = texts(fixture.category);
      const target = { labels: fixture.labels[task], task: TASKS[task] };
      const fitted = fit(steps, train, target);
      expectRows(applyTransforms(fitted, train, { target }), cross_fitted);
      expectRows(applyTransforms(fitted, train), expected.train);
      expectRows(applyTransforms(fitted, texts(fixture.new_categories)), expected.new);
    },
  );

  test("parts of dates are pandas'", () => {
    const { seconds, parts } = fixture.dates;
    const table = tableOf(
      { kind: 'date', values: Float64Array.from(seconds, (second) => second / 86_400) },
      seconds.length,
    );
    const named = DATE_PARTS.filter((part) => part in parts);
    const { columns } = applyTransforms(fit([{ date_parts: named }], table), table);
    expect(Object.fromEntries(named.map((part, i) => [part, [...columns[i]!]]))).toEqual(parts);
  });
});

describe("folds are scikit-learn's", () => {
  test.each(fixture.folds.map((of) => ({ ...of, name: JSON.stringify(of.settings) })))(
    '$n rows, $name',
    ({ settings, n, groups, times, folds, splits }) => {
      const made = foldsOf(settings, n, { ...(groups ? { groups } : {}), ...(times ? { times } : {}) });
      if (folds) expect([...made.tested]).toEqual(folds);
      splits?.forEach(([train, tested], fold) => {
        expect([...made.train(fold)]).toEqual(train);
        expect([...made.test(fold)]).toEqual(tested);
      });
    },
  );
});
