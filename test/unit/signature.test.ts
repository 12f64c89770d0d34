import { expect, test } from 'vitest';
import type { FittedStep } from '../../src/ml/transforms/fitted.js';
import { signatureOf } from '../../src/registry/signature.js';

const impute: FittedStep = { impute: [{ value: 41, indicator: false }] };
const clip: FittedStep = { clip: [[18, 90]] };
const log: FittedStep = { log: true };
const scale: FittedStep = { scale: [{ center: 0, scale: 1 }] };
const oneHot = (
  rare: string[] | null,
  drop_first: boolean,
  categories: (string | null)[] = ['a', 'b'],
): FittedStep => ({
  one_hot: { categories, rare, drop_first },
});
const target = (categories: (string | null)[]): FittedStep => ({
  target: { smooth: 'auto', folds: 5, seed: 1, categories, classes: [] },
});
const bounds = { range: [18, 90], outside: 'is moved to the nearer bound' };
const NO_CATEGORY = 'is none of the categories: each of their columns is 0';

test.each<[string, 'number' | 'category' | 'date', FittedStep[], object]>([
  ['a number without any step is taken as it is', 'number', [], {}],
  ['a missing number becomes what it is imputed by', 'number', [impute, scale], { missing: 'becomes 41' }],
  [
    'a missing text becomes what it is imputed by, as it is written',
    'category',
    [{ impute: { value: 'a', indicator: true } }],
    { missing: 'becomes "a"' },
  ],
  [
    'of two steps that impute the first one counts',
    'number',
    [impute, { impute: [{ value: 7, indicator: false }] }],
    { missing: 'becomes 41' },
  ],
  ['a number is moved to the nearer bound', 'number', [impute, clip], { ...bounds, missing: 'becomes 41' }],
  ['bounds of what was a logarithm before are no bounds of the number', 'number', [log, clip], {}],
  ['a column of which nothing is left to impute stays as it is', 'number', [{ impute: [] }], {}],
  ['a column that is clipped without bounds has none', 'number', [{ clip: [null] }], {}],
  [
    'bounds of a column made of a category are no bounds of it',
    'category',
    [target(['a']), clip],
    { categories: ['a'], missing: 'gets the mean of the training rows', outside: 'gets the mean of the training rows' },
  ],
  [
    'a category of its own is told',
    'category',
    [oneHot(null, false)],
    { categories: ['a', 'b'], missing: NO_CATEGORY, outside: NO_CATEGORY },
  ],
  [
    'where the first column is dropped, others are missing',
    'category',
    [oneHot(null, true)],
    { categories: ['a', 'b'], missing: 'is missing', outside: 'is missing' },
  ],
  [
    'where rare values share a column, others do, too',
    'category',
    [oneHot(['c'], false)],
    {
      categories: ['a', 'b', 'c'],
      missing: 'counts as one of the rare values',
      outside: 'counts as one of the rare values',
    },
  ],
  [
    'missing may be a category, which has no name',
    'category',
    [oneHot(null, false, ['a', null])],
    { categories: ['a'], missing: 'is a category of its own', outside: NO_CATEGORY },
  ],
  [
    'by a target encoding others get the mean',
    'category',
    [target(['a', null])],
    { categories: ['a'], missing: 'is a category of its own', outside: 'gets the mean of the training rows' },
  ],
  [
    'what has an order stays missing',
    'category',
    [{ ordinal: { categories: ['a', 'b'] } }],
    { categories: ['a', 'b'], outside: 'is missing' },
  ],
  [
    'and so does what the engine takes as a category',
    'category',
    [{ categorical: { categories: ['a'] } }],
    { categories: ['a'], outside: 'is missing' },
  ],
  [
    'what is imputed before it is encoded is not missing any more',
    'category',
    [{ impute: { value: 'a', indicator: false } }, oneHot(null, false)],
    { categories: ['a', 'b'], missing: 'becomes "a"', outside: NO_CATEGORY },
  ],
  ['of a day its parts are taken', 'date', [{ date_parts: ['month'] }], {}],
])('%s', (_, kind, steps, expected) => {
  const type = kind === 'number' ? 'numeric' : 'categorical';
  const { inputs } = signatureOf({
    task: { task: 'regression', objective: 'squared_error' },
    inputs: [{ name: 'x', kind, type }],
    transforms: {
      columns: [
        { column: 'y', kind, steps: [clip], outputs: ['y'] },
        { column: 'x', kind, steps, outputs: ['x'] },
      ],
    },
  });
  const types = { number: 'number', category: 'text', date: 'date' };
  expect(inputs).toEqual([
    { name: 'x', type: types[kind], missing: 'stays missing', outside: 'is taken as it is', ...expected },
  ]);
});

test('the outputs are those of the task', () => {
  const of = (task: Parameters<typeof signatureOf>[0]['task']) =>
    signatureOf({ task, inputs: [], transforms: { columns: [] } }).outputs;
  expect(of({ task: 'binary', classes: ['0', '1'] })).toEqual([
    { name: 'probability', type: 'DOUBLE' },
    { name: 'label', type: 'TINYINT' },
  ]);
  expect(of({ task: 'regression', objective: 'squared_error' })).toEqual([{ name: 'prediction', type: 'DOUBLE' }]);
});
