import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { screen } from '../../src/cli/commands/init.js';
import { Expectations } from '../../src/config/expectations.js';
import { propose, type Wishes } from '../../src/data/inspect/propose.js';
import { sharedDatabase } from '../support/sharedDatabase.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const opened = sharedDatabase();

type Row = Record<string, string | number | null>;

async function proposed(rows: Row[], wishes: Wishes) {
  const names = Object.keys(rows[0]!);
  const path = join(temporaryFolder(), 'table.csv');
  writeFileSync(
    path,
    [names.join(','), ...rows.map((row) => names.map((name) => row[name] ?? '').join(','))].join('\n'),
  );
  return propose(await opened, path, 'table.csv', wishes);
}

/** Numbers from 0 to 1 that look like chance and are the same every time. */
function noise(i: number, stream = 0): number {
  const x = Math.sin(i * 12.9898 + stream * 78.233) * 43758.5453;
  return x - Math.floor(x);
}
const rows = (count: number, row: (i: number) => Row): Row[] => Array.from({ length: count }, (_, i) => row(i));
const day = (i: number) => new Date(Date.UTC(2020, 0, 1) + i * 86_400_000).toISOString().slice(0, 10);

describe('the label', () => {
  const table = (label: (i: number) => string | number | null) =>
    rows(300, (i) => ({ x: noise(i).toFixed(4), label: label(i) }));

  it.each<[string, (i: number) => string | number | null, object, Record<string, unknown>]>([
    ['yes and no', (i) => (noise(i) < 0.7 ? 'No' : 'Yes'), {}, { label: { column: 'label', positive: 'Yes' } }],
    ['0 and 1', (i) => (noise(i) < 0.7 ? 0 : 1), {}, { label: 'label', task: 'binary' }],
    [
      '1 of 1 and 2, as told',
      (i) => (noise(i) < 0.3 ? 1 : 2),
      { positive: '1' },
      { label: { column: 'label', positive: 1 } },
    ],
    [
      'words of which one says no',
      (i) => (noise(i) < 0.3 ? 'normal' : 'attack'),
      {},
      { label: { column: 'label', positive: 'attack' } },
    ],
    ['1 and 2', (i) => (noise(i) < 0.3 ? 1 : 2), {}, { label: { column: 'label', positive: 2 } }],
    ['true and false', (i) => (noise(i) < 0.7 ? 'false' : 'true'), {}, { label: 'label', task: 'binary' }],
    [
      'two words, of which the rarer is positive',
      (i) => (noise(i) < 0.7 ? 'CH' : 'MM'),
      {},
      { label: { column: 'label', positive: 'MM' } },
    ],
    [
      'one of three values',
      (i) => ['NO', '>30', '<30'][Math.floor(noise(i) * 3)]!,
      { positive: '<30' },
      { label: { column: 'label', positive: '<30' } },
    ],
    ['seven grades', (i) => 'ABCDEFG'[Math.floor(noise(i) * 7)]!, {}, { label: 'label', task: 'multiclass' }],
    ['three codes', (i) => Math.floor(noise(i) * 3), {}, { label: 'label', task: 'multiclass' }],
    ['an amount', (i) => (noise(i) * 100).toFixed(2), {}, { label: 'label', task: 'regression' }],
    [
      'a count',
      (i) => Math.floor(-30 * Math.log(noise(i) + 1e-9)),
      {},
      { label: 'label', task: 'regression', objective: 'poisson' },
    ],
    [
      'whole numbers that are told to be a quantity',
      (i) => 3 + Math.floor(noise(i) * 6),
      { task: 'regression' },
      { label: 'label', task: 'regression' },
    ],
  ])('%s', async (_, label, wishes, expected) => {
    const { definition } = await proposed(table(label), { label: 'label', ...wishes });
    expect(definition).toEqual({ source: 'table.csv', ...expected });
  });

  it('counts what has no label yet', async () => {
    const { decisions } = await proposed(
      table((i) => (i < 30 ? null : i % 2 === 0 ? 'a' : 'b')),
      { label: 'label' },
    );
    expect(decisions.find(({ topic }) => topic === 'label')!.text).toContain('30 of 300 rows have no label yet');
  });

  it.each<[string, (i: number) => string | null, object, RegExp]>([
    [
      'a column that is not there',
      () => 'a',
      { label: 'lable' },
      /has no column "lable"; name one of these with --label: x, label\.$/,
    ],
    ['one value', () => 'a', {}, /holds the value "a" in every row that has one/],
    ['no value', () => null, {}, /holds no value at all/],
    ['a text of its own in each row', (i) => `text ${i}`, {}, /more than 100 distinct values/],
    [
      'a positive value that no row has',
      (i) => (i % 2 ? 'a' : 'b'),
      { positive: 'c' },
      /No row has "c" in the column label; it holds/,
    ],
    ['a regression of text', (i) => (i % 2 ? 'a' : 'b'), { task: 'regression' }, /a regression needs numbers/],
  ])('refuses %s', async (_, label, wishes, message) => {
    await expect(proposed(table(label), { label: 'label', ...wishes })).rejects.toThrow(message);
  });

  it('that has "." and "-" beside words is told, with the label that leaves them out', async () => {
    const label = (i: number) => ['yes', 'no', 'no', '.', '-'][i % 5]!;
    const { decisions, remarks } = await proposed(table(label), { label: 'label' });
    expect(decisions[1]!.text).toBe('label: multiclass, text; no 40.0%, - 20.0%, . 20.0%, yes 20.0%');
    expect(remarks[0]).toEqual({
      topic: 'label',
      text: `"-" (20.0%) and "." (20.0%) are taken for classes; where that says that no label is known, write "label": {"sql":"nullif(nullif(\\"label\\", '-'), '.')"}, and drop label`,
    });
  });

  it('of plus and minus is of two classes, and nothing is told of the minus', async () => {
    const { remarks } = await proposed(
      table((i) => (i % 3 === 0 ? '+' : '-')),
      { label: 'label' },
    );
    expect(remarks.filter(({ topic }) => topic === 'label')).toEqual([]);
  });
});

describe('the key', () => {
  const common = (i: number) => ({ x: noise(i).toFixed(4), y: noise(i, 1) < 0.4 ? 'Yes' : 'No' });

  it.each<[string, (i: number) => Row, string | string[] | undefined]>([
    ['an identifier', (i) => ({ ...common(i), customerID: `C${i * 7}` }), 'customerID'],
    ['not a day, though each row has its own', (i) => ({ seen: day(i), ...common(i) }), undefined],
    ['not an amount, though each row has its own', (i) => ({ ...common(i), amount: i * 31 + 1000 }), undefined],
    [
      'two columns together',
      (i) => ({ patient_id: Math.floor(i / 3), visit_date: day(i % 3), ...common(i) }),
      ['patient_id', 'visit_date'],
    ],
    [
      'not columns that differ together by chance alone, of a day and an amount',
      (i) => ({
        ...common(i),
        seen: day(Math.floor(noise(i, 3) * 90)),
        zip: `0${Math.floor(noise(i, 2) * 280)}x`,
        size: `s${Math.floor(noise(i, 4) * 40)}`,
      }),
      undefined,
    ],
    [
      'a day, the number of a bus and its line',
      (i) => ({
        ...common(i),
        seen: `${day(Math.floor(i / 30))}`,
        line: `L${i % 6}`,
        bus: 1 + (Math.floor(i / 6) % 5),
      }),
      ['seen', 'bus', 'line'],
    ],
    ['nothing', common, undefined],
  ])('is %s', async (_, row, key) => {
    expect((await proposed(rows(300, row), { label: 'y' })).definition.key).toEqual(key);
  });

  it('is what was asked for, where that tells the rows apart', async () => {
    const table = rows(60, (i) => ({ ...common(i), a: Math.floor(i / 2), b: i % 2 }));
    expect((await proposed(table, { label: 'y', key: ['a', 'b'] })).definition.key).toEqual(['a', 'b']);
    await expect(proposed(table, { label: 'y', key: ['a'] })).rejects.toThrow(
      /a does not tell the rows apart: \d+ stands in 2 of them/,
    );
  });

  it('has the columns that nearly are named where there is none', async () => {
    const { decisions } = await proposed(
      rows(300, (i) => ({ ...common(i), account_no: i === 0 ? 'A1' : `A${i}` })),
      { label: 'y' },
    );
    expect(decisions.find(({ topic }) => topic === 'key')!.text).toContain(
      'nearly: account_no (299 values in 300 of 300 rows)',
    );
  });
});

describe('time and split', () => {
  const common = (i: number) => ({ x: noise(i).toFixed(4), y: noise(i, 1) < 0.4 ? 1 : 0 });

  it('a column of days; the last fifth of the rows tests', async () => {
    const { definition } = await proposed(
      rows(1000, (i) => ({ made: day(i), ...common(i) })),
      { label: 'y' },
    );
    // Row 800 is of 2022-03-11, near whose month's beginning the test begins; row 600 is of 2021-08-23.
    expect(definition).toMatchObject({
      time: 'made',
      partition: 'month',
      split: { by: 'time', validation: '2021-08-01', test: '2022-03-01' },
    });
  });

  it('year, month and day', async () => {
    const { definition } = await proposed(
      rows(300, (i) => ({ year: 2013, month: 1 + Math.floor(i / 25), day: 1 + (i % 25), ...common(i) })),
      { label: 'y' },
    );
    expect(definition).toMatchObject({ time: 'make_date(year, month, day)', split: { by: 'time' } });
    const withMoment = rows(300, (i) => ({
      year: 2013,
      month: 1 + Math.floor(i / 25),
      day: 1 + (i % 25),
      hour_utc: `${day(i)} 23:30:00`,
      ...common(i),
    }));
    expect((await proposed(withMoment, { label: 'y' })).definition.time).toBe('make_date(year, month, day)');
  });

  it('none where a day is of the person, or a "day" is no day of a month', async () => {
    expect(
      (
        await proposed(
          rows(300, (i) => ({ birth_date: day(i * 7), ...common(i) })),
          { label: 'y' },
        )
      ).definition.time,
    ).toBeUndefined();
    expect(
      (
        await proposed(
          rows(300, (i) => ({ mnth: 'Jan', day: i + 1, ...common(i) })),
          { label: 'y' },
        )
      ).definition.time,
    ).toBeUndefined();
  });

  it('by group, where several rows are of one patient', async () => {
    const { definition } = await proposed(
      rows(900, (i) => ({ patient_nbr: 5000 + Math.floor(i / 3), ...common(i) })),
      { label: 'y' },
    );
    expect(definition).toMatchObject({
      split: { by: 'group', column: 'patient_nbr', validation: 0.2 },
      drop: ['patient_nbr'],
    });
  });

  it('by arrival where rows have a key and no day', async () => {
    const table = rows(300, (i) => ({ id: `A${i}`, ...common(i) }));
    expect((await proposed(table, { label: 'y' })).definition.partition).toBe('arrival');
    expect((await proposed(rows(300, common), { label: 'y' })).definition.partition).toBeUndefined();
  });
});

describe('what may hold the answer', () => {
  it('a column that is known only where the label is', async () => {
    const { suspects, definition } = await proposed(
      rows(600, (i) => {
        const landed = i % 20 !== 0;
        return {
          planned: Math.floor(noise(i) * 500),
          air_time: landed ? Math.floor(noise(i, 1) * 90) : null,
          tail: i % 15 === 0 ? null : `N${i % 7}`,
          delay: landed ? (noise(i, 2) * 90).toFixed(2) : null,
        };
      }),
      { label: 'delay' },
    );
    expect(suspects).toEqual([
      { columns: ['air_time'], reason: 'has values where the label has one, and hardly any where it has none' },
    ]);
    expect(definition.drop).toBeUndefined();
  });

  const counts = (i: number) => ({ registered: Math.floor(noise(i) * 400), casual: Math.floor(noise(i, 1) * 90) });

  it('is told of sums and never dropped', async () => {
    const table = rows(600, (i) => ({ hour: i % 24, ...counts(i), bikers: counts(i).registered + counts(i).casual }));
    const { suspects, definition } = await proposed(table, { label: 'bikers' });
    expect(suspects[0]).toEqual({ columns: ['registered', 'casual'], reason: 'registered + casual is the label' });
    expect(definition.drop).toBeUndefined();
  });

  it('is told of a column that says the class, of text or of numbers in no order', async () => {
    const table = rows(2000, (i) => {
      const grade = 'ABC'[Math.floor(noise(i) * 3)]!;
      return {
        x: noise(i, 1).toFixed(4),
        sub_grade: `${grade}${1 + Math.floor(noise(i, 2) * 5)}`,
        code: { A: 7, B: 1, C: 4 }[grade]!,
        grade,
      };
    });
    expect((await proposed(table, { label: 'grade' })).suspects.flatMap(({ columns }) => columns).toSorted()).toEqual([
      'code',
      'sub_grade',
    ]);
  });

  it('is told of a column that is filled only where the label is yes', async () => {
    const table = rows(2000, (i) => {
      const yes = noise(i) < 0.3;
      return { x: noise(i, 1).toFixed(4), reason: yes ? ['price', 'moved'][i % 2]! : null, churn: yes ? 'Yes' : 'No' };
    });
    expect((await proposed(table, { label: 'churn' })).suspects.map(({ columns }) => columns)).toEqual([['reason']]);
  });

  it('is told of a name that scores have, where the column has to do with the label', async () => {
    const table = rows(2000, (i) => {
      const yes = noise(i) < 0.4;
      return {
        model_prob: (0.3 * noise(i, 1) + (yes ? 0.15 : 0)).toFixed(3),
        test_score: noise(i, 2).toFixed(3),
        problem: noise(i, 3).toFixed(3),
        late: yes ? 1 : 0,
      };
    });
    expect((await proposed(table, { label: 'late' })).suspects.map(({ columns }) => columns)).toEqual([['model_prob']]);
  });

  it('finds nothing in chance, also where categories are nearly as many as rows', async () => {
    const table = rows(2000, (i) => ({
      x: noise(i, 1).toFixed(4),
      name: `n${Math.floor(noise(i, 2) * 900)}`,
      y: noise(i) < 0.5 ? 1 : 0,
    }));
    expect((await proposed(table, { label: 'y' })).suspects).toEqual([]);
  });
});

it('drops what no model can learn from, and says why; the screen keeps to its width', async () => {
  const table = rows(500, (i) => ({
    id: i,
    constant: 'same',
    empty: null,
    note: `note ${i}`,
    age: i % 90,
    fee: i % 2 === 0 ? `${i % 40}` : `${i % 40}%`,
    y: noise(i) < 0.5 ? 'no' : 'yes',
  }));
  const proposal = await proposed(table, { label: 'y' });
  expect(proposal.definition).toEqual({
    source: 'table.csv',
    key: 'id',
    partition: 'arrival',
    label: { column: 'y', positive: 'yes' },
    drop: ['constant', 'empty', 'note'],
  });
  expect(proposal.remarks.find(({ topic }) => topic === 'numbers as text')!.text).toContain('fee (such as "1%")');
  for (const width of [60, 100]) {
    const lines = screen('table', proposal, '{}\n', width).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    expect(lines.length).toBeLessThan(45);
  }
});

describe('names that can not be used', () => {
  it('are told', async () => {
    const path = join(temporaryFolder(), 'table.csv');
    writeFileSync(
      path,
      `"",a,A,filename,y\n${rows(50, (i) => ({ i }))
        .map(({ i }) => `${i},${noise(Number(i))},2,f,${Number(i) % 2}`)
        .join('\n')}\n`,
    );
    const { remarks } = await propose(await opened, path, 'table.csv', { label: 'y' });
    expect(remarks.find(({ topic }) => topic === 'names')!.text).toBe(
      '1 column without a name, A stands there twice, filename is a reserved name; rename them in the file to have them read',
    );
  });
});

it('reads amounts with signs as numbers, and leaves what is of two kinds as text: neither dropped, nor the key, nor a label', async () => {
  const thousands = (value: number) => `"${value.toLocaleString('en-US')}"`;
  const table = rows(300, (i) => ({
    income: `"$${(20_000 + 37 * i).toLocaleString('en-US')}.00"`,
    limit: thousands(1_000 + 13 * i),
    share: i % 2 === 0 ? i : `${i}%`,
    card: `4000000000000${String(1_000_000 + i)}`,
    age: (i * 7) % 60,
    y: noise(i) < 0.5 ? 'no' : 'yes',
  }));
  const { definition, remarks, decisions } = await proposed(table, { label: 'y' });
  expect(definition).toMatchObject({ key: 'card' });
  expect(definition.drop).toBeUndefined();
  expect(decisions.find(({ topic }) => topic === 'file')!.text).toContain(
    'numbers with signs of currency, percent or thousands',
  );
  expect(remarks.find(({ topic }) => topic === 'numbers as text')!.text).toMatch(
    /^limit \(such as "1,000"\), share \(such as "[0-9%]+"\): read as categories; write plain numbers/,
  );
  expect((await proposed(table, { label: 'income' })).definition).toMatchObject({
    label: 'income',
    task: 'regression',
  });
  await expect(proposed(table, { label: 'share' })).rejects.toThrow(
    /^The column share holds numbers as text, such as ".*", and can't be learned so; write plain numbers without signs into the file, or name another with --label\.$/,
  );
});

it('tells how many rows are of days to come, which do not exist yet', async () => {
  const table = rows(300, (i) => ({ day: i < 3 ? `2999-01-0${i + 1}` : day(i), x: noise(i).toFixed(4), y: i % 2 }));
  const { decisions } = await proposed(table, { label: 'y' });
  expect(decisions.find(({ topic }) => topic === 'time')!.text).toMatch(
    /^day: a day in every row; the store is cut by \w+; 3 rows are of days to come, and count from then on$/,
  );
});

it('takes no text that differs by chance for the key, nor an amount for nearly one', async () => {
  const people = rows(60, (i) => ({
    first_name: `Name${i}`,
    address: `${i} Main Street`,
    paid: 1_000 + 37 * i,
    y: i % 2,
  }));
  const { definition, decisions } = await proposed(people, { label: 'y' });
  expect(definition.key).toBeUndefined();
  expect(decisions.find(({ topic }) => topic === 'key')!.text).toBe(
    'none: no column tells the rows apart; rows go by their number in the file (--key names columns)',
  );
});

it('does not judge the column of the day, which is no feature', async () => {
  const prices = rows(400, (i) => ({ date: day(i), x: noise(i).toFixed(4), close: (100 + i / 3).toFixed(2) }));
  const { suspects, remarks } = await proposed(prices, { label: 'close' });
  expect(suspects).toEqual([]);
  expect(remarks.find(({ topic }) => topic === 'strongest')!.text).toMatch(/^alone, by R²: x [0-9.]+$/);
});

describe('the first expectations', () => {
  const table = rows(60, (i) => ({
    id: `k${i}`,
    size: i === 7 ? null : -40 + i,
    price: 10 + i / 2,
    colour: ['red', 'green'][i % 2]!,
    flag: i % 3 === 0 ? 1 : 0,
    y: noise(i) < 0.5 ? 'No' : 'Yes',
  }));

  it('are of the key, of what is there, of ranges with room, and of categories', async () => {
    const { expectations } = await proposed(table, { label: 'y', key: ['id'] });
    const of = (type: string, kwargs: object, severity = 'warn') => ({ type: `expect_${type}`, kwargs, severity });
    expect(expectations).toEqual({
      name: 'table',
      expectations: [
        of('table_row_count_to_be_between', { min_value: 1 }),
        of('column_values_to_not_be_null', { column: 'id' }, 'fail'),
        of('column_values_to_be_unique', { column: 'id' }, 'fail'),
        ...['price', 'colour', 'flag'].map((column) => of('column_values_to_not_be_null', { column, mostly: 0.95 })),
        // From -40 to 19, and 59 more on either side, in two digits.
        of('column_values_to_be_between', { column: 'size', min_value: -99, max_value: 78, mostly: 0.99 }),
        // From 10 to 39.5; there is no negative price.
        of('column_values_to_be_between', { column: 'price', min_value: 0, max_value: 69, mostly: 0.99 }),
        of('column_values_to_be_in_set', { column: 'colour', value_set: ['green', 'red'], mostly: 0.95 }),
        of('column_values_to_be_in_set', { column: 'flag', value_set: [0, 1], mostly: 0.95 }),
        of('column_values_to_be_in_set', { column: 'y', value_set: ['No', 'Yes'], mostly: 0.95 }),
      ],
    });
  });

  it('are read as they are, and a key of several columns has to be one together', async () => {
    const { expectations } = await proposed(table, { label: 'y', key: ['id', 'price'] });
    expect(Expectations.safeParse(expectations).success).toBe(true);
    expect(expectations.expectations).toContainEqual({
      type: 'expect_compound_columns_to_be_unique',
      kwargs: { column_list: ['id', 'price'] },
      severity: 'fail',
    });
  });
});
