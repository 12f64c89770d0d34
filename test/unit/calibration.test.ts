import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCalibration, type Calibration } from '../../src/data/calibration.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const GOOD: Calibration = {
  about: 'Made up.',
  seed: 0,
  label: {
    column: 'fate',
    values: [
      ['good', 9],
      ['bad', 0],
    ],
  },
  identifiers: [
    { column: 'id', first: 0, mean_step: 1 },
    { column: 'owner', first: 7, mean_step: 2, rows_per_value: [[1, 0]] },
  ],
  columns: {
    kind: [['plain', 8, 0]],
    size: [
      ['1', 4, 0],
      ['', 4, 0],
    ],
  },
  correlations: { columns: ['size', 'kind'], lower: [[], [-0.99]] },
};
const COLUMNS = ['id', 'owner', 'kind', 'size', 'fate'];

function written(calibration: unknown): string {
  const path = join(temporaryFolder(), 'calibration.json');
  writeFileSync(path, JSON.stringify(calibration));
  return path;
}

test('a calibration is read as it stands, also of more columns than are asked for', async () => {
  expect(await readCalibration(written(GOOD), COLUMNS)).toEqual(GOOD);
  expect(await readCalibration(written(GOOD), ['fate'])).toEqual(GOOD);
  const largest = { ...GOOD, seed: 4_294_967_295, identifiers: [], correlations: { columns: [], lower: [] } };
  expect(await readCalibration(written(largest), ['fate'])).toEqual(largest);
});

test('what does not fit is told all at once', async () => {
  const path = written({
    ...GOOD,
    columns: { kind: [['plain', 8, 0, 1]], size: [['1', 4, 0], ['2']] },
    correlations: { columns: ['weight', 'size'], lower: [[]] },
  });
  await expect(readCalibration(path, [...COLUMNS, 'weight', 'day'])).rejects.toMatchObject({
    type: 'ConfigInvalid',
    message: [
      `${path} has faults; correct and run again:`,
      '  columns: expected weight, which pipeline.json names',
      '  columns: expected day, which pipeline.json names',
      '  columns.kind: expected 2 counts a value, as the label has 2 values',
      '  columns.size: expected 2 counts a value, as the label has 2 values',
      '  correlations.columns: expected weight in "columns"',
      '  correlations.lower: expected a row a column, each one longer than the one before',
    ].join('\n'),
  });
});

describe('correlations are a triangle of as many rows as columns', () => {
  test.each([
    ['a row is missing', [[]]],
    ['a row is too many', [[], [0.5], [0.5, 0.5]]],
    ['the first has a number', [[0.5], [0.5]]],
    ['the second has none', [[], []]],
    ['the second has two', [[], [0.5, 0.5]]],
  ])('and are refused where %s', async (_, lower) => {
    const path = written({ ...GOOD, correlations: { columns: ['size', 'kind'], lower } });
    await expect(readCalibration(path, COLUMNS)).rejects.toMatchObject({
      message: `${path} has faults; correct and run again:\n  correlations.lower: expected a row a column, each one longer than the one before`,
    });
  });
});

describe('a calibration is refused', () => {
  const identifier = (change: object) => ({ identifiers: [{ column: 'id', first: 0, mean_step: 1, ...change }] });
  test.each<[string, object, string]>([
    ['that says nothing of what was counted', { about: '' }, 'about'],
    ['whose seed is negative', { seed: -1 }, 'seed'],
    ['whose seed has more than 32 bits', { seed: 4_294_967_296 }, 'seed'],
    ['whose seed is no whole number', { seed: 0.5 }, 'seed'],
    ['whose label has one value', { label: { column: 'fate', values: [['good', 9]] } }, 'label.values'],
    ['with something else in the label', { label: { ...GOOD.label, rows: 9 } }, 'label'],
    [
      'with a count below 0',
      {
        label: {
          column: 'fate',
          values: [
            ['good', -1],
            ['bad', 1],
          ],
        },
      },
      'label.values.0.1',
    ],
    ['with a count that is no whole number', { columns: { kind: [['plain', 0.5, 1]] } }, 'columns.kind.0.1'],
    ['with a value that is no text', { columns: { kind: [[1, 1, 1]] } }, 'columns.kind.0.0'],
    ['with a column without values', { columns: { kind: [] } }, 'columns.kind'],
    ['with an identifier from below 0', identifier({ first: -1 }), 'identifiers.0.first'],
    ['with an identifier that stands still', identifier({ mean_step: 0 }), 'identifiers.0.mean_step'],
    ['with an identifier of no rows', identifier({ rows_per_value: [] }), 'identifiers.0.rows_per_value'],
    ['with values on no row', identifier({ rows_per_value: [[0, 1]] }), 'identifiers.0.rows_per_value.0.0'],
    ['with fewer than no values', identifier({ rows_per_value: [[1, -1]] }), 'identifiers.0.rows_per_value.0.1'],
    ['with something else in an identifier', identifier({ last: 9 }), 'identifiers.0'],
    [
      'with a correlation of 1',
      { correlations: { columns: ['size', 'kind'], lower: [[], [1]] } },
      'correlations.lower.1.0',
    ],
    [
      'with a correlation of -1',
      { correlations: { columns: ['size', 'kind'], lower: [[], [-1]] } },
      'correlations.lower.1.0',
    ],
    [
      'with something else in the correlations',
      { correlations: { columns: [], lower: [], upper: [] } },
      'correlations',
    ],
    ['with something else', { rows: 9 }, ''],
  ])('%s', async (_, change, where) => {
    const fault = await readCalibration(written({ ...GOOD, ...change }), ['fate']).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    expect(fault).toMatchObject({ type: 'ConfigInvalid' });
    const faults = fault!.message.split('\n').slice(1);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(
      new RegExp(`^  ${where === '' ? '.*rows' : `${where.replaceAll('.', String.raw`\.`)}: `}`),
    );
  });
});
