import { describe, expect, test } from 'vitest';
import { BehaviouralTests } from '../../src/config/modelTests.js';
import type { TaskSpec } from '../../src/contracts/index.js';
import type { RawColumn, RawTable } from '../../src/ml/table.js';
import { tryBehaviour } from '../../src/stages/behaviouralTests.js';

const BINARY: TaskSpec = { task: 'binary', classes: ['stays', 'leaves'] };
const GRADES: TaskSpec = { task: 'multiclass', classes: ['A', 'B', 'C'] };
const AMOUNT: TaskSpec = { task: 'regression', objective: 'squared_error' };

const rows: RawTable = {
  rows: 2,
  columns: new Map<string, RawColumn>([
    ['age', { kind: 'number', values: Float64Array.of(0.2, 0.4) }],
    ['plan', { kind: 'category', codes: Int32Array.of(0, -1), values: ['basic'] }],
    ['since', { kind: 'date', values: Float64Array.of(10, 20) }],
  ]),
};

const valuesOf = ({ columns }: RawTable, name: string) => {
  const column = columns.get(name)!;
  return column.kind === 'category'
    ? Array.from(column.codes, (code) => column.values[code] ?? null)
    : Array.from(column.values);
};

/** Tries one with a model that says the numbers of a column, and of several classes that of each. */
async function tried(behaviour: object, task: TaskSpec = BINARY, says = (table: RawTable) => valuesOf(table, 'age')) {
  const { tests } = BehaviouralTests.parse({ tests: [{ name: 'it', ...behaviour }] });
  const seen: RawTable[] = [];
  const found = await tryBehaviour(tests[0]!, {
    model: { task },
    rows,
    threshold: 0.5,
    predict: (table) => {
      seen.push(table);
      const width = task.task === 'multiclass' ? 3 : 1;
      return Promise.resolve({ values: Float64Array.from(says(table) as number[]), width });
    },
  });
  return { ...found, seen };
}

describe('the class that a test means', () => {
  const older = { type: 'directional', change: { age: { add: 0.1 } } };

  test('is that of the probability, of two classes as well', async () => {
    // The model says the probability of "leaves"; what it gains, "stays" loses.
    expect(await tried({ ...older, expect: 'increase' })).toMatchObject({ passed: true });
    expect(await tried({ ...older, expect: 'increase', class: 'leaves' })).toMatchObject({ passed: true });
    expect(await tried({ ...older, expect: 'increase', class: 'stays' })).toMatchObject({ passed: false, actual: 0 });
    expect(await tried({ ...older, expect: 'decrease', class: 'stays' })).toMatchObject({ passed: true });
    const given = { type: 'minimum_functionality', rows: [{ age: 0.1 }], class: 'stays' };
    expect(await tried({ ...given, min: 0.85, max: 0.95 })).toMatchObject({ passed: true });
  });

  test('is one of several, and has to be told', async () => {
    const grades = () => [0.2, 0.3, 0.5, 0.6, 0.3, 0.1];
    const given = { type: 'minimum_functionality', rows: [{}, {}] };
    expect(await tried({ ...given, class: 'A', min: 0.5 }, GRADES, grades)).toMatchObject({ actual: 0.5 });
    expect(await tried({ ...given, class: 'C', min: 0.5, label: 'C' }, GRADES, grades)).toMatchObject({ actual: 0.5 });
    expect(await tried({ ...given, class: 'B', max: 0.3 }, GRADES, grades)).toMatchObject({ actual: 1 });
    await expect(tried({ ...given, min: 0.5 }, GRADES, grades)).rejects.toThrow(
      'The test has to say in "class" whose probability it means, one of A, B, C.',
    );
  });

  test('that is none is refused', async () => {
    await expect(tried({ ...older, expect: 'increase', class: 'yes' })).rejects.toThrow(
      'The test has to say in "class" whose probability it means, one of stays, leaves; "yes" is none.',
    );
    await expect(tried({ ...older, expect: 'increase', class: 'yes' }, AMOUNT)).rejects.toThrow(
      'The test says in "class" whose probability it means, and the model predicts numbers; take it out.',
    );
    const label = { type: 'minimum_functionality', rows: [{ age: 1 }], label: 'yes' };
    await expect(tried(label)).rejects.toThrow(
      'The test expects the label "yes", and the model predicts one of stays, leaves; correct "label", or use "min" and "max".',
    );
    await expect(tried(label, AMOUNT)).rejects.toThrow('and the model predicts numbers; correct "label"');
  });
});

describe('a value that a test sets', () => {
  const set = async (column: string, value: unknown) => {
    const { seen } = await tried({ type: 'invariance', column, values: [value] });
    return valuesOf(seen[1]!, column)[1];
  };

  test('is a day of the calendar in UTC, with or without a zone', async () => {
    const zone = process.env.TZ;
    process.env.TZ = 'America/New_York';
    try {
      // 2009-02-13 is day 14288 (1234483200 s / 86400).
      expect(await set('since', '2009-02-13')).toBe(14288);
      expect(await set('since', '2009-02-13T06:00')).toBe(14288.25);
      expect(await set('since', '2009-02-13 06:00:00')).toBe(14288.25);
      expect(await set('since', '2009-02-13T06:00:00Z')).toBe(14288.25);
      expect(await set('since', '2009-02-13T06:00:00+06:00')).toBe(14288);
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  });

  test.each([2009, '13.02.2009', '02/13/2009', '2009-02-30', 'soon', ''])('is no date as %j', async (value) => {
    await expect(set('since', value)).rejects.toMatchObject({ type: 'InputInvalid' });
    await expect(set('since', value)).rejects.toThrow(
      `The test has ${JSON.stringify(value)} for since, which holds dates; give one as 2008-12-31 or 2008-12-31T12:00:00Z, or null where it is missing.`,
    );
  });

  test('is a number, 1 and 0 of a truth value, and no empty text', async () => {
    expect(await set('age', 5)).toBe(5);
    expect(await set('age', '5')).toBe(5);
    expect(await set('age', true)).toBe(1);
    expect(await set('age', null)).toBeNaN();
    for (const value of ['', ' ', 'old'])
      await expect(set('age', value)).rejects.toThrow(
        `The test has ${JSON.stringify(value)} for age, which holds numbers; give one, or null where it is missing.`,
      );
  });

  test('is a category as its text, one that nobody has seen and none as well', async () => {
    expect(await set('plan', 'gold')).toBe('gold');
    expect(await set('plan', 7)).toBe('7');
    expect(await set('plan', '')).toBe('');
    expect(await set('plan', null)).toBeNull();
  });

  test('is added to what is there, and nothing to what is missing or text', async () => {
    const { seen } = await tried({
      type: 'directional',
      change: { since: { add: 1 }, age: { multiply: 2 } },
      expect: 'increase',
    });
    expect(valuesOf(seen[1]!, 'since')).toEqual([11, 21]);
    expect(valuesOf(seen[1]!, 'age')).toEqual([0.4, 0.8]);
    await expect(tried({ type: 'directional', change: { plan: { add: 1 } }, expect: 'increase' })).rejects.toThrow(
      'plan is text, which nothing can be added to; use "set".',
    );
  });
});

test('rows that are given lack what they leave out', async () => {
  const { seen } = await tried({
    type: 'minimum_functionality',
    rows: [{ age: 0.7, plan: 'gold' }, { since: '1970-01-02' }, {}],
    max: 1,
  });
  expect(['age', 'plan', 'since'].map((name) => valuesOf(seen[0]!, name))).toEqual([
    [0.7, NaN, NaN],
    ['gold', null, null],
    [NaN, 1, NaN],
  ]);
});

test('a share of the rows may break it, and a change of none at all is tolerated up to the bound', async () => {
  // The first row moves by .3, the second by .1.
  const moved = { type: 'invariance', column: 'age', values: [0.5] };
  expect(await tried({ ...moved, tolerance: 0.2 })).toMatchObject({
    passed: false,
    actual: 0.5,
    detail: 'It does not hold for 1 of 2 rows.',
  });
  expect(await tried({ ...moved, tolerance: 0.2, mostly: 0.5 })).toMatchObject({ passed: true, actual: 0.5 });
  expect(await tried({ ...moved, tolerance: 0.31 })).toMatchObject({ passed: true, detail: 'It holds for every row.' });
  // Every value has to leave the row where it is, not the last one alone.
  expect(await tried({ ...moved, values: [0.9, 0.3], tolerance: 0.2 })).toMatchObject({ actual: 0 });
  const lower = { type: 'directional', change: { age: { add: -0.1 } }, expect: 'increase' };
  expect(await tried({ ...lower, tolerance: 0.11 })).toMatchObject({ passed: true });
  expect(await tried({ ...lower, tolerance: 0.09 })).toMatchObject({ passed: false });
});
