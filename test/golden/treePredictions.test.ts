import { expect, test } from 'vitest';
import { libraryPath } from '../../src/ml/engines/library.js';
import { packedTrees, treePredictions } from '../../src/ml/engines/treePredictions.js';
import { readTrees } from '../../src/ml/engines/trees.js';
import { XgBoost } from '../../src/ml/engines/xgboost.js';
import { XgBoostLibrary } from '../../src/ml/engines/xgboostTraining.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { matrixOf, trainedTrees } from '../support/trainedTrees.js';

const library = new XgBoost(libraryPath('libxgboost'));
/** More than one block of rows, and not a whole number of them. */
const ROWS = 2500;
const COLUMNS = 12;
const CATEGORICAL = 7;

/** Numbers of which a tenth is missing, 0 and -0 among them; one column has categories. */
function table(): Float32Array {
  const random = new Mt19937(11);
  return Float32Array.from({ length: ROWS * COLUMNS }, (_, cell) => {
    const value = random.double();
    if (random.double() < 0.1) return NaN;
    if (cell % COLUMNS === CATEGORICAL) return Math.floor(value * 5);
    return value < 0.1 ? -0 : Math.round(value * 20 - 10);
  });
}

const values = table();
const number = (row: number, column: number) => values[row * COLUMNS + column]! || 0;
const signal = (row: number) => number(row, 0) + number(row, 1) * number(row, 2);

interface Order {
  settings: Record<string, string | number>;
  rounds: number;
  labels: (row: number) => number[];
  categorical?: true;
}

/** The bytes of a model, and what the library says of the rows that it learnt from. */
function trained({ settings, categorical, ...order }: Order): {
  ubj: Uint8Array<ArrayBuffer>;
  expected: Float32Array;
} {
  const table = { values, rows: ROWS, columns: COLUMNS, ...(categorical && { categorical: CATEGORICAL }) };
  const booster = trainedTrees(library, table, settings, order);
  return { ubj: booster.save('ubj'), expected: booster.predict(matrixOf(library, table), 'value') };
}

const FOREST = { objective: 'reg:squarederror', eta: 1, subsample: 0.632, max_depth: 0, reg_lambda: 1e-5 };
const noise = new Mt19937(3);
const SEVERAL_LABELS = { multi_strategy: 'multi_output_tree' };
const BY_HAND: Record<string, Order> = {
  'a forest without a limit': {
    settings: { ...FOREST, base_score: 0, num_parallel_tree: 50, colsample_bynode: 0.3 },
    rounds: 1,
    labels: () => [noise.integer(1)],
  },
  'a forest of three labels': {
    settings: { ...FOREST, ...SEVERAL_LABELS, base_score: 0, num_parallel_tree: 20, colsample_bynode: 0.3 },
    rounds: 1,
    labels: (row) => [0, 1, 2].map((of) => Number(row % 3 === of)),
  },
  'boosted trees of a mean of its own': {
    settings: { objective: 'reg:squarederror', max_depth: 6 },
    rounds: 30,
    labels: (row) => [1000 + signal(row)],
  },
  'boosted trees of absolute errors': {
    settings: { objective: 'reg:absoluteerror', max_depth: 6 },
    rounds: 30,
    labels: (row) => [signal(row)],
  },
  'trees without a split': {
    settings: { objective: 'reg:squarederror', gamma: 1e12 },
    rounds: 2,
    labels: (row) => [signal(row)],
  },
};

test.each(Object.entries(BY_HAND))('%s say what the library says, to the bit', (_, order) => {
  const { ubj, expected } = trained(order);
  const said = treePredictions(packedTrees(readTrees(ubj))!, { values, rows: ROWS, columns: COLUMNS });
  expect(Buffer.from(said.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
});

const BY_LIBRARY: Record<string, Order> = {
  'a link after the sum': {
    settings: { objective: 'binary:logistic' },
    rounds: 3,
    labels: (row) => [Number(signal(row) > 0)],
  },
  'splits by categories': {
    settings: { objective: 'reg:squarederror', max_cat_to_onehot: 1 },
    rounds: 3,
    labels: (row) => [number(row, CATEGORICAL) % 2],
    categorical: true,
  },
};

test.each(Object.entries(BY_LIBRARY))('trees with %s are left to the library', (_, order) => {
  expect(packedTrees(readTrees(trained(order).ubj))).toBeUndefined();
});

test('a row has the same prediction alone or with little memory, where the library says it, and among many of a large model', async () => {
  const { ubj, expected } = trained({
    settings: { ...FOREST, base_score: 0, num_parallel_tree: 200, min_child_weight: 1 },
    rounds: 1,
    labels: () => [noise.integer(1)],
  });
  // Large enough for its trees to be read.
  expect(ubj.length).toBeGreaterThan(4 * 2 ** 20);
  const engine = new XgBoostLibrary(libraryPath('libxgboost'));
  const say = (start: number, rows: number, memory = Infinity) => {
    const part = values.subarray(start * COLUMNS, (start + rows) * COLUMNS);
    return engine.load(ubj, 1, memory).predict(engine.rows({ values: part, rows, columns: COLUMNS }));
  };
  expect(await say(0, ROWS)).toEqual(expected);
  expect(await say(0, ROWS, ubj.length)).toEqual(expected);
  for (const row of [0, 1, 1023, 1024, ROWS - 1]) expect(await say(row, 1)).toEqual(expected.subarray(row, row + 1));
});
