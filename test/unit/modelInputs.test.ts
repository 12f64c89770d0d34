import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { InputColumn } from '../../src/data/inputColumns.js';
import { columnNames, writeMatrix } from '../../src/data/matrix.js';
import { inColumnOrder, transformSettings } from '../../src/data/pipelineTransforms.js';
import { splitDays, trainingSplit } from '../../src/data/trainingSplit.js';
import type { FittedTransforms } from '../../src/ml/transforms/fitted.js';
import type { RawTable } from '../../src/ml/table.js';
import { columnNames as namesIn, readColumns } from '../../src/platform/files/parquet.js';
import { pipelineOf } from '../support/storedTables.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const folder = temporaryFolder(afterAll);
const input = (name: string, kind: InputColumn['kind'] = 'number'): InputColumn => ({ name, kind, type: 'numeric' });
const feature = (name: string, scale?: boolean) => ({ name, type: 'numeric', ...(scale !== undefined && { scale }) });

describe('how features become columns', () => {
  const inputs = [input('a'), input('b'), input('c', 'category'), input('d', 'date'), input('e')];

  test('is what pipeline.json says', () => {
    const transforms = [{ columns: ['a'], steps: [{ log: true }] }];
    expect(transformSettings(pipelineOf({ transforms, features: [feature('a', true)] }), inputs)).toBe(transforms);
  });

  test('is to scale the listed numbers that say so, and to leave the others', () => {
    const features = ['a', 'b', 'c', 'd', 'e'].map((name) => feature(name, ['b', 'c'].includes(name)));
    expect(transformSettings(pipelineOf({ features }), inputs)).toEqual([
      { columns: ['b'], steps: [{ scale: 'standard' }] },
      { columns: ['a', 'e'], steps: [] },
    ]);
    expect(transformSettings(pipelineOf({ features: [feature('a', true)] }), [input('a')])).toEqual([
      { columns: ['a'], steps: [{ scale: 'standard' }] },
    ]);
    expect(transformSettings(pipelineOf({ features: [feature('a')] }), [input('a')])).toEqual([
      { columns: ['a'], steps: [] },
    ]);
  });

  test('is left to the kinds of columns where none is listed', () => {
    expect(transformSettings(pipelineOf({}), inputs)).toEqual([]);
  });

  test('has those that are scaled first', () => {
    const features = ['a', 'b', 'e'].map((name) => feature(name, name !== 'a'));
    const names = (pipeline: ReturnType<typeof pipelineOf>) => inColumnOrder(pipeline, inputs).map(({ name }) => name);
    expect(names(pipelineOf({ features }))).toEqual(['b', 'e', 'a', 'c', 'd']);
    expect(names(pipelineOf({}))).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});

describe('the matrix', () => {
  const table: RawTable = {
    rows: 2,
    columns: new Map([
      ['x', { kind: 'number', values: Float64Array.of(10, 20) }],
      ['k', { kind: 'category', codes: Int32Array.of(0, 1), values: ['u', 'v'] }],
    ]),
  };
  const transforms: FittedTransforms = {
    columns: [
      { column: 'x', kind: 'number', steps: [{ scale: [{ center: 15, scale: 5 }] }], outputs: ['x'] },
      {
        column: 'k',
        kind: 'category',
        steps: [{ one_hot: { categories: ['u', 'v'], rare: null, drop_first: false } }],
        outputs: ['k_u', 'k_v'],
      },
    ],
  };

  test('has the columns of the transforms in their order, then the label', async () => {
    const path = join(folder, 'matrix.parquet');
    const names = ['x', 'k_u', 'k_v'];
    expect(columnNames(transforms)).toEqual(names);
    await writeMatrix(path, transforms, table);
    expect(await namesIn(path)).toEqual(names);
    const numbers = async (names: string[]) =>
      (await readColumns(path, names)).map((values) => Array.from(values as Float64Array));
    // (10 - 15) / 5 and (20 - 15) / 5
    expect(await numbers(names)).toEqual([
      [-1, 1],
      [1, 0],
      [0, 1],
    ]);
    await writeMatrix(path, transforms, table, { label: { y: Float64Array.of(7, 8) } });
    expect(await namesIn(path)).toEqual([...names, 'y']);
    expect(await numbers(['y'])).toEqual([[7, 8]]);
  });

  test('encodes the rows of the training without their own labels, where it is told that they are these', async () => {
    const path = join(folder, 'target.parquet');
    const fitted: FittedTransforms = {
      columns: [
        {
          column: 'k',
          kind: 'category',
          steps: [
            {
              target: {
                smooth: 0,
                folds: 2,
                seed: 1,
                categories: ['u'],
                classes: [{ suffix: '', mean: 0.5, values: [0.5] }],
              },
            },
          ],
          outputs: ['k'],
        },
      ],
    };
    const rows: RawTable = {
      rows: 4,
      columns: new Map([['k', { kind: 'category', codes: Int32Array.of(0, 0, 0, 0), values: ['u'] }]]),
    };
    const encoded = async () => Array.from((await readColumns(path, ['k']))[0] as Float64Array);
    await writeMatrix(path, fitted, rows);
    expect(await encoded()).toEqual([0.5, 0.5, 0.5, 0.5]);
    await writeMatrix(path, fitted, rows, {
      target: { labels: Float64Array.of(1, 1, 1, 1), task: { task: 'regression', objective: 'squared_error' } },
    });
    expect(await encoded()).toEqual([1, 1, 1, 1]);
  });
});

describe('the split of training', () => {
  const window = (from: string, to: string) => ({ start_date: from, end_date: to });
  const temporal_splits = { train: window('2020-01-01', '2020-06-30'), test: window('2020-07-01', '2020-09-30') };
  const definition = { partition: { by: 'month', column: 'day' } };

  test('is the windows of the model config, before what pipeline.json says', () => {
    const split = trainingSplit(pipelineOf({ ...definition, split: { by: 'random', test: 0.5 } }, { temporal_splits }));
    expect(split.names).toEqual(['train', 'test']);
    expect(splitDays(split, 'train', '2030-01-01')).toEqual({ from: '2020-01-01', to: '2020-06-30' });
    expect(splitDays(split, 'test', '2030-01-01')).toEqual({ from: '2020-07-01', to: '2020-09-30' });
    expect(splitDays(split, 'oot', '2030-01-01')).toEqual({ from: '0000-01-01', to: '9999-12-31' });
  });

  test('is that of pipeline.json, else by chance: a fifth each for validation and test', () => {
    const byColumn = trainingSplit(pipelineOf({ split: { by: 'column', column: 'the "side"' } }), 't');
    expect(byColumn.sql('2030-01-01')).toContain('CAST(t."the ""side""" AS VARCHAR)');
    expect(trainingSplit(pipelineOf({ split: { by: 'column', column: 'side' } })).sql('2030-01-01')).toContain(
      'CAST("side" AS VARCHAR)',
    );
    expect(splitDays(byColumn, 'train', '2030-01-01')).toEqual({ from: '0000-01-01', to: '9999-12-31' });
    expect(trainingSplit(pipelineOf({})).names).toEqual(['train', 'validation', 'test']);
    // Of the 16 ** 13 first digits of an MD5, two fifths.
    expect(trainingSplit(pipelineOf({})).sql('2030-01-01')).toContain(
      `< ${Math.round(0.4 * 16 ** 13)} THEN 'validation'`,
    );
  });

  test('has no row of a day to come, where rows have days', () => {
    const random = { split: { by: 'random', test: 0.5, seed: 0 } };
    expect(trainingSplit(pipelineOf({ ...definition, ...random }), 't').sql('2020-05-01')).toMatch(
      /^CASE WHEN CAST\(CAST\(t\."day" AS DATE\) AS DATE\) > CAST\('2020-05-01' AS DATE\) THEN NULL/,
    );
    expect(trainingSplit(pipelineOf(random), 't').sql('2020-05-01')).not.toContain('DATE');
  });

  test('of which train has no first day begins with time', () => {
    const split = trainingSplit(pipelineOf({ ...definition, split: { by: 'time', test: '2020-03-01' } }));
    expect(splitDays(split, 'train', '2020-12-31')).toEqual({ from: '0000-01-01', to: '2020-02-29' });
  });
});
