import { describe, expect, test } from 'vitest';
import { jsonFields } from '../../src/cli/json.js';
import { describeStore } from '../../src/cli/pipelineStatus.js';
import { table } from '../../src/cli/table.js';

describe('fields of JSON answers', () => {
  test('are in snake_case at every depth, whatever the program calls them', () => {
    const state = {
      inFlight: { training: { workflowId: 'w', answers: [{ asOf: null }] } },
      run_id: 'r',
      URI: 1,
      p95: 2,
    };
    expect(jsonFields(state)).toEqual({
      in_flight: { training: { workflow_id: 'w', answers: [{ as_of: null }] } },
      run_id: 'r',
      URI: 1,
      p95: 2,
    });
  });

  test('that people named stay as they are, and what lies in them does not', () => {
    const answer = {
      algorithms: { gbTree: { best_params: { maxDepth: 3 }, search: { foldsEvaluated: 5 } } },
      psi: { HbA1cResult: 0.1 },
      silver: { dropped: { noAge: 2 } },
    };
    expect(jsonFields(answer)).toEqual({
      algorithms: { gbTree: { best_params: { maxDepth: 3 }, search: { folds_evaluated: 5 } } },
      psi: { HbA1cResult: 0.1 },
      silver: { dropped: { noAge: 2 } },
    });
  });
});

describe('a table', () => {
  const HEAD = ['algorithm', 'version', 'aliases', 'test\nAUC', 'OOT\nAUC', 'why'];
  const WHY = 'the best of three on the rows out of time, as the gate found with p = 0.031';
  const ROWS = [
    ['logistic_regression', 'v20260102_030405_1a2b3c4d', 'champion, production', '0.6120', '0.6204', WHY],
    ['xgboost', 'v20260103_030405_5e6f7a8b', 'challenger, latest', '0.6311', '1,234.5', ''],
  ];
  const WHOLE = ROWS.flat()
    .flatMap((cell) => cell.split(' '))
    .filter((word) => word !== '');

  test.each([40, 60, 80, 100, 120, 200])('of %i columns keeps to them, and breaks no number, name or id', (width) => {
    const lines = table(HEAD, ROWS, { width }).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    const words = lines.join(' ').split(/\s+/);
    for (const word of WHOLE) expect(words).toContain(word);
  });

  test('with room for it has a line for each row', () => {
    expect(table(HEAD, ROWS, { width: 200 }).split('\n')).toHaveLength(2 + 1 + 2);
    expect(table(HEAD, ROWS)).toBe(table(HEAD, ROWS, { width: 1_000 }));
  });

  test('leaves spare columns out in their order before it becomes blocks, and says so', () => {
    const short = ROWS.map((row) => row.slice(0, 5));
    // 19 + 25 + 20 + 6 + 7 characters and four gaps of 2 are 85; with the aliases in two lines 76, without the test AUC 68.
    expect(table(HEAD.slice(0, 5), short, { width: 85, spare: [3, 4] })).not.toContain('Left out');
    const narrow = table(HEAD.slice(0, 5), short, { width: 70, spare: [3, 4] });
    expect(table(HEAD.slice(0, 5), short, { width: 76, spare: [3, 4] })).not.toContain('Left out');
    expect(narrow.split('\n').slice(-1)).toEqual(['Left out at this width: test AUC; --json has all.']);
    expect(narrow).toContain('1,234.5');
    expect(narrow).not.toContain('0.6311');
  });

  test('that fits in no way shows each row as a block with all its cells', () => {
    expect(
      table(
        ['run', 'took'],
        [
          ['readmission-model-training-20260102', '2 min 5 s'],
          ['b', '1 s'],
        ],
        { width: 20 },
      ),
    ).toBe(['run   readmission-model-training-20260102', 'took  2 min 5 s', '', 'run   b', 'took  1 s'].join('\n'));
  });
});

describe('what a store holds', () => {
  const STORE = {
    partitions: 1,
    rows: 322,
    first: 'all',
    last: 'all',
    champion: { algorithm: 'lightgbm', version: 'v20261127_095013_d9763cdc', since: '2026-11-27T09:50:30Z' },
    predictions: null,
    report: null,
    config: null,
  };

  test('is told in lines that go on below themselves where the terminal is narrow', () => {
    const told = describeStore('hitters', STORE, 60);
    expect(told.split('\n')).toEqual([
      'hitters',
      '  data        322 rows in 1 partition',
      '  champion    lightgbm v20261127_095013_d9763cdc, since',
      '              2026-11-27',
      '  predictions none yet',
      '  report      none yet',
      '  config      no run yet',
    ]);
  });

  test('names the first and the last of its partitions where there are several', () => {
    const first = (changed: object) => describeStore('x', { ...STORE, ...changed }).split('\n')[1];
    expect(first({ first: '2020_01', last: '2020_01' })).toBe('  data        322 rows in 1 partition, 2020_01');
    expect(first({ partitions: 3, first: '2020_01', last: '2020_03' })).toBe(
      '  data        322 rows in 3 partitions, 2020_01 to 2020_03',
    );
  });
});
