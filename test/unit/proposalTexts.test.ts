import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { propose, type Finding, type Wishes } from '../../src/data/inspect/propose.js';
import { sharedDatabase } from '../support/sharedDatabase.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const opened = sharedDatabase();

/** What is told of a file: decisions and remarks, as lines. */
async function told(lines: string[], wishes: Wishes): Promise<string[]> {
  const path = join(temporaryFolder(), 'table.csv');
  writeFileSync(path, lines.join('\n'));
  const { decisions, remarks } = await propose(await opened, path, 'table.csv', wishes);
  return [...decisions, ...remarks].map(({ topic, text }: Finding) => `${topic}: ${text}`);
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);
/** From 0 to below a number, in an order that has nothing to do with the row's. */
const mixed = (i: number, below: number) => (i * 7_919 + 13) % below;

test('of a file in European writing, with columns that say nothing, are mostly empty, rare or hold a day', async () => {
  const constants = range(10).map((i) => `c${i}`);
  const sparse = range(9).map((i) => `s${i}`);
  const head = ['kunde_id', 'betrag', 'tag', 'ort', 'stufe', 'note', ...constants, ...sparse, '', 'ort'];
  const lines = range(400).map((i) =>
    [
      `K${1_000 + i}`,
      `${mixed(i, 97)},${mixed(i, 10)}`,
      `${String(1 + (i % 28)).padStart(2, '0')}.${String(1 + (Math.floor(i / 34) % 12)).padStart(2, '0')}.2024`,
      `ort ${mixed(i, 40)}`,
      i < 5 ? 'selten' : 'oft',
      i < 12 ? '' : ['gut', 'mittel', 'schlecht'][mixed(i, 3)],
      ...constants.map(() => 'x'),
      ...sparse.map((_, s) => ((i + s) % 4 === 0 ? mixed(i, 11) : '')),
      'ohne Namen',
      'noch ein Ort',
    ].join(';'),
  );
  expect(await told([head.join(';'), ...lines], { label: 'note' })).toEqual([
    'file: 400 rows, 25 columns, semicolons, utf-8; decimal commas; days as %d.%m.%Y',
    'label: note: multiclass, text; mittel 33.5%, gut 33.2%, schlecht 33.2%; 12 of 400 rows have no label yet',
    'key: kunde_id: a value of its own in each of 400 rows',
    'time: tag: a day in every row; the store is cut by month',
    'split: by time: what is from 2024-08-02 on chooses the model, from 2024-10-10 on tests; about a fifth of the rows each',
    'drop: c0, c1, c2, c3, c4, c5, c6, c7, and 2 more: one value in all rows, or none',
    'expectations: 18 expectations in expectations.json, which this file meets: a run fails without a sound key, and tells of values that look otherwise',
    'many categories: ort 40',
    'mostly empty: s0 75%, s1 75%, s2 75%, s3 75%, s4 75%, s5 75%, s6 75%, s7 75%, and 1 more',
    'rare categories: of fewer than 20 rows in stufe; they are grouped',
    'names: 1 column without a name, ort stands there twice; rename them in the file to have them read',
    'strongest: alone, by errors saved: betrag 0.07, ort 0.07, s2 0.00',
  ]);
});

test('of a small file without a key or days, whose rows repeat', async () => {
  const lines = range(60).map((i) => [mixed(i, 5), i % 2 ? 'yes' : 'no', i % 3 ? 'n/a' : '$1,200'].join('|'));
  expect(await told(['x|churn|price', ...lines], { label: 'churn' })).toEqual([
    'file: 60 rows, 3 columns, vertical bars, utf-8; numbers with signs of currency, percent or thousands; no value: "n/a"; 40 rows equal to another; so few that metrics will say little',
    'label: churn: binary, two values; positive yes 50.0%',
    'key: none: no column tells the rows apart; rows go by their number in the file (--key names columns)',
    'time: none: no column of days; a file is the whole table each time',
    'split: by the hash of the row: three fifths train, one chooses the model, one tests',
    'drop: price: one value in all rows, or none',
    'expectations: 4 expectations in expectations.json, which this file meets: a run tells of values that look otherwise',
    'strongest: alone, by ROC AUC: x 0.50',
  ]);
});

test('of entities with several rows each, and a count', async () => {
  const lines = range(300).map((i) => [`P${i >> 1}`, mixed(i >> 1, 89), mixed(i >> 1, 31), mixed(i, 9) * 3].join('\t'));
  expect(await told(['patient_id\ta\tb\tvisits', ...lines], { label: 'visits', task: 'regression' })).toEqual([
    'file: 300 rows, 4 columns, tabs, utf-8',
    'label: visits: regression, as --task says; counts from 0, so the objective is poisson',
    'key: none: no column tells the rows apart; rows go by their number in the file (--key names columns)',
    'time: none: no column of days; a file is the whole table each time',
    'split: by patient_id: it has 150 values in 300 rows, and all rows of one stay on one side; three fifths train, one chooses the model, one tests',
    'drop: patient_id: an identifier, or a text of its own in nearly every row',
    'expectations: 5 expectations in expectations.json, which this file meets: a run tells of values that look otherwise',
    'strongest: alone, by R²: a 0.07, b 0.00',
  ]);
});

test('of many classes, some of them rare, and of numbers among which stand a few words', async () => {
  const lines = range(500).map((i) =>
    [
      i,
      i % 50 === 7 ? 'about ten' : mixed(i, 60),
      mixed(i, 83),
      `class ${Math.min(mixed(i, 11), i < 40 ? 10 : 8)}`,
    ].join(','),
  );
  expect(await told(['id,size,weight,kind', ...lines], { label: 'kind' })).toEqual([
    'file: 500 rows, 4 columns, commas, utf-8',
    'label: kind: multiclass, text; class 8 25.8%, class 0 9.2%, class 1 9.2%, class 2 9.2%, class 3 9.0%, class 4 9.0%, class 5 9.0%, and 4 more; classes of fewer than 20 rows',
    'key: id: a value of its own in each of 500 rows',
    'time: none: no column of days; rows go by the day on which a file first has their key',
    'split: by the hash of the key: three fifths train, one chooses the model, one tests',
    'expectations: 7 expectations in expectations.json, which this file meets: a run fails without a sound key, and tells of values that look otherwise',
    'numbers as text: size (such as "about ten"): read as categories; write plain numbers, or list what means "no value" in source.null_values',
    'many categories: size 61',
    'strongest: alone, by errors saved: weight 0.02, size 0.00',
  ]);
});
