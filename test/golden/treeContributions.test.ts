import { expect, test } from 'vitest';
import { libraryPath } from '../../src/ml/engines/library.js';
import { explainedTrees, treeContributions } from '../../src/ml/engines/treeContributions.js';
import { readTrees } from '../../src/ml/engines/trees.js';
import { XgBoost, type Booster } from '../../src/ml/engines/xgboost.js';
import { XgBoostLibrary } from '../../src/ml/engines/xgboostTraining.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { matrixOf, trainedTrees } from '../support/trainedTrees.js';

const library = new XgBoost(libraryPath('libxgboost'));
const ROWS = 3000;
const COLUMNS = 40;
/** The column whose values are positions of seven categories. */
const CATEGORICAL = 7;

/** Numbers of which a tenth is missing; one column has categories. */
function table(): Float32Array {
  const random = new Mt19937(7);
  return Float32Array.from({ length: ROWS * COLUMNS }, (_, cell) => {
    const value = random.double();
    if (random.double() < 0.1) return NaN;
    return cell % COLUMNS === CATEGORICAL ? Math.floor(value * 7) : value;
  });
}

const values = table();
const number = (row: number, column: number) => values[row * COLUMNS + column]! || 0;
/** A number from 0 to 3 that the rows say something of. */
const signal = (row: number) =>
  number(row, 0) + number(row, 1) * number(row, 2) + (number(row, CATEGORICAL) % 3 === 1 ? 1 : 0);

function trained(settings: Record<string, string | number>, label: (row: number) => number, rounds: number): Booster {
  const table = { values, rows: ROWS, columns: COLUMNS, categorical: CATEGORICAL };
  return trainedTrees(library, table, settings, { rounds, labels: (row) => [label(row)] });
}

const SOME = 50;
const some = { values: values.subarray(0, SOME * COLUMNS), rows: SOME, columns: COLUMNS };

function byLibrary(booster: Booster, type: 'contributions' | 'value'): Float32Array {
  return booster.predict(matrixOf(library, { ...some, categorical: CATEGORICAL }), type);
}

const SHALLOW: Record<string, () => Booster> = {
  'yes or no': () => trained({ objective: 'binary:logistic', max_depth: 5 }, (row) => Number(signal(row) > 1.4), 10),
  'three classes': () =>
    trained({ objective: 'multi:softprob', num_class: 3, max_depth: 4 }, (row) => Math.floor(signal(row)) % 3, 5),
  'a count': () => trained({ objective: 'count:poisson', max_depth: 6 }, (row) => Math.floor(2 * signal(row)), 10),
  'absolute errors': () => trained({ objective: 'reg:absoluteerror', max_depth: 3 }, signal, 10),
  'categories in sets': () =>
    trained({ objective: 'reg:squarederror', max_depth: 6, max_cat_to_onehot: 1 }, signal, 10),
  'a forest': () =>
    trained({ objective: 'reg:squarederror', num_parallel_tree: 20, subsample: 0.6, eta: 1, max_depth: 8 }, signal, 1),
  'trees without a split': () => trained({ objective: 'reg:squarederror', gamma: 1e9 }, signal, 2),
};

test.each(Object.entries(SHALLOW))('SHAP values of %s are those of the library, where these are right', (_, train) => {
  const booster = train();
  const expected = byLibrary(booster, 'contributions');
  const said = treeContributions(explainedTrees(readTrees(booster.save('ubj'))), some);
  expect(said).toHaveLength(expected.length);
  const size = Math.max(...expected.map(Math.abs));
  said.forEach((value, at) => expect(Math.abs(value - expected[at]!)).toBeLessThan(3e-6 * size));
});

test('SHAP values of trees of any depth add up to the prediction, where those of the library are off', () => {
  const settings = { objective: 'reg:squarederror', num_parallel_tree: 10, subsample: 0.6, eta: 1, max_depth: 0 };
  const noise = new Mt19937(1);
  const booster = trained({ ...settings, colsample_bynode: 0.04, reg_lambda: 0 }, () => noise.integer(1), 1);
  const predictions = byLibrary(booster, 'value');
  expect(farthest(byLibrary(booster, 'contributions'), predictions)).toBeGreaterThan(1e-3);

  const model = new XgBoostLibrary(libraryPath('libxgboost')).load(booster.save('ubj'), 1, Infinity);
  expect(farthest(model.contributions(some, new Float64Array(COLUMNS)), predictions)).toBeLessThan(1e-6);
});

/** By how much the contributions of a row are off from its prediction at most. */
function farthest(contributions: ArrayLike<number>, predictions: Float32Array): number {
  const off = Array.from(predictions, (prediction, row) => {
    let sum = 0;
    for (let column = 0; column <= COLUMNS; column++) sum += contributions[row * (COLUMNS + 1) + column]!;
    return Math.abs(sum - prediction);
  });
  return Math.max(...off);
}
