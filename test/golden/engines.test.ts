import { readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Params } from '../../src/contracts/index.js';
import { ZERO_OR_ONE } from '../../src/contracts/task.js';
import { readColumns, writeColumns, type RowRange } from '../../src/platform/files/parquet.js';
import { createEnginePool } from '../../src/ml/engines/hostPool.js';
import type {
  Estimator,
  FoldEvaluation,
  MatrixFile,
  PredictRequest,
  RowsAtHand,
  ShuffledRows,
} from '../../src/ml/engines/pool.js';
import { sha256File } from '../../src/platform/storage/checksum.js';
import { hostsOf } from '../support/engineHosts.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** Made by `fixtures/make_engine_fixtures.py`: a null is a missing number. */
interface Data {
  features: string[];
  columns: Record<string, (number | null)[]>;
  labels: number[];
}
/** What the Python package says of a model file. */
interface Described {
  sha256: string;
  features: string[];
  predictions: number[];
  contributions: number[];
}
interface Expected {
  xgboost: string;
  scored_rows: number;
  python: Record<string, Described>;
  perdure: Record<string, Described>;
}

const FIXTURES = fileURLToPath(new URL('fixtures', import.meta.url));
const read = <T>(file: string): T => JSON.parse(readFileSync(join(FIXTURES, file), 'utf8')) as T;
const data = read<Data>('engine/data.json');
const expected = read<Expected>('engine/expected.json');
const { seed, params } = read<{ seed: number; params: Record<Estimator, Params> }>('engineModels.json');

const folder = temporaryFolder(afterAll);
const train: MatrixFile = {
  path: join(folder, 'train.parquet'),
  checksum: 'engine fixture',
  features: data.features,
  label: 'label',
  rows: data.labels.length,
};
const never = new AbortController().signal;
const pool = createEnginePool({ hosts: 1, memory: 2 ** 30 });
afterAll(() => pool.close());

beforeAll(async () => {
  const columns = data.features.map(
    (name) => [name, Float32Array.from(data.columns[name]!, (value) => value ?? NaN)] as const,
  );
  await writeColumns(train.path, { ...Object.fromEntries(columns), label: Int8Array.from(data.labels) });
});

function scoring(modelPath: string, rows: RowRange = { limit: expected.scored_rows }): PredictRequest {
  return { modelPath, task: ZERO_OR_ONE, data: { path: train.path, features: data.features, ...rows } };
}

/** Bit for bit: every float32 reads back from its shortest decimals. */
function expectSame(actual: ArrayLike<number>, float32: number[]): void {
  expect(Array.from(actual)).toEqual(float32.map((value) => Math.fround(value)));
}

test('the library is the version that made the fixtures', async () => {
  expect(await pool.version('xgboost')).toBe(`libxgboost ${expected.xgboost}`);
});

describe.each(Object.entries(expected.python))(
  "the Python package's %s model gives the same here",
  (name, described) => {
    const model = join(FIXTURES, 'engine', `python_${name}.ubj`);

    test('probabilities', async () => {
      const probabilities = described.predictions.map((value) => Math.min(1, Math.max(0, value)));
      expectSame((await pool.predict(scoring(model), never)).values, probabilities);
    });

    test('SHAP contributions', async () => {
      expectSame(Float32Array.from(await pool.contributions(scoring(model), never)), described.contributions);
    });
  },
);

describe.each(Object.entries(params) as [Estimator, Params][])('the %s model written here', (estimator, chosen) => {
  const recorded = expected.perdure[estimator]!;
  const committed = join(FIXTURES, 'engine', `perdure_${estimator}.ubj`);

  async function fitAnew(): Promise<string> {
    const modelPath = join(folder, `${estimator}.ubj`);
    await pool.fit({ train, task: ZERO_OR_ONE, estimator, params: chosen, seed, modelPath }, never);
    return modelPath;
  }

  test('was loaded by the Python package, which gave the same probabilities and feature names', async () => {
    expect(await sha256File(committed)).toBe(recorded.sha256);
    expect(recorded.features).toEqual(data.features);
    expectSame((await pool.predict(scoring(committed), never)).values, recorded.predictions);
    expectSame(Float32Array.from(await pool.contributions(scoring(committed), never)), recorded.contributions);
  });

  test('comes out again', async () => {
    const { values: probabilities } = await pool.predict(scoring(await fitAnew()), never);
    probabilities.forEach((probability, row) => expect(probability).toBeCloseTo(recorded.predictions[row]!, 5));
  });

  // Another compiler may round otherwise: the bytes are those of the platform on which the fixture was made.
  test.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'comes out again with the same bytes',
    async () => {
      expect(await sha256File(await fitAnew())).toBe(recorded.sha256);
    },
  );
});

test('the same inputs and seed give the same bytes and scores, whatever ran between', async () => {
  const evaluation = {
    train,
    task: ZERO_OR_ONE,
    estimator: 'xgboost' as const,
    params: params.xgboost,
    folds: [2, 0],
    cvFolds: 4,
    scorings: ['roc_auc' as const],
    seed,
  };
  const fit = async (name: string, seed: number) => {
    const modelPath = join(folder, name);
    await pool.fit(
      { train, task: ZERO_OR_ONE, estimator: 'random_forest', params: params.random_forest, seed, modelPath },
      never,
    );
    return sha256File(modelPath);
  };
  const first = [await fit('1.ubj', 1), await pool.evaluate(evaluation, never)] as const;
  const otherSeed = await fit('2.ubj', 2);
  const again = [await fit('3.ubj', 1), await pool.evaluate(evaluation, never)] as const;
  expect(again[0]).toBe(first[0]);
  expect(again[1].map(({ scores }) => scores)).toEqual(first[1].map(({ scores }) => scores));
  expect(otherSeed).not.toBe(first[0]);
});

test('a fold counts the same alone, with others, and in another process', async () => {
  const evaluate = (folds: number[], engines: typeof pool) =>
    engines.evaluate(
      {
        train,
        task: ZERO_OR_ONE,
        estimator: 'logistic_regression',
        params: params.logistic_regression,
        folds,
        cvFolds: 3,
        scorings: ['average_precision', 'f1'],
        seed,
      },
      never,
    );
  const together = await evaluate([0, 1, 2], pool);
  const other = createEnginePool({ hosts: 1, memory: 1 });
  const alone = await Promise.all([0, 1, 2].map((fold) => evaluate([fold], other)));
  await other.close();
  const scores = (folds: FoldEvaluation[]) => folds.map((fold) => fold.scores);
  expect(scores(alone.flat())).toEqual(scores(together));
});

test('rows are scored by offset and limit', async () => {
  const model = join(FIXTURES, 'engine', 'python_gbtree.ubj');
  const said = (rows: RowRange) => pool.predict(scoring(model, rows), never);
  const { values: all } = await said({});
  expect(all).toHaveLength(200);
  expect(await said({ offset: 150, limit: 20 })).toEqual({ values: all.slice(150, 170), width: 1 });
  expect(await said({ offset: 190, limit: 20 })).toEqual({ values: all.slice(190), width: 1 });
});

test('rows at hand are scored as those of a file, missing values too', async () => {
  const modelPath = join(FIXTURES, 'engine', 'python_gbtree.ubj');
  const columns = (await readColumns(train.path, data.features)) as Float32Array[];
  expect(columns.some((column) => column.some(Number.isNaN))).toBe(true);
  const atHand = { modelPath, task: ZERO_OR_ONE, data: { features: data.features, columns } };
  expect(await pool.predict(atHand, never)).toEqual(await pool.predict(scoring(modelPath, {}), never));
});

test('rows that change places get what the same rows get that are sent as they are, however many blocks they make', async () => {
  const modelPath = join(FIXTURES, 'engine', 'python_gbtree.ubj');
  const columns = data.features.map((name) => Float32Array.from(data.columns[name]!, (value) => value ?? NaN));
  const rows = data.labels.length;
  const turned = Int32Array.from({ length: rows }, (_, row) => rows - 1 - row);
  const movedOn = Int32Array.from({ length: rows }, (_, row) => (row + 1) % rows);
  const shuffles = [
    { positions: [0], order: turned },
    { positions: [0, 2], order: movedOn },
    { positions: [], order: turned },
  ];
  // 4 million numbers make a block.
  const times = Math.ceil(4_000_000 / (rows * columns.length * shuffles.length)) + 1;
  const many = Array.from({ length: times }, () => shuffles).flat();
  const predict = async (given: Omit<RowsAtHand, 'features'> | Omit<ShuffledRows, 'features'>, by = pool) =>
    (await by.predict({ modelPath, task: ZERO_OR_ONE, data: { features: data.features, ...given } }, never)).values;
  const alone = await Promise.all(
    shuffles.map(({ positions, order }) =>
      predict({
        columns: columns.map((values, at) =>
          positions.includes(at) ? Float32Array.from(order, (from) => values[from]!) : values,
        ),
      }),
    ),
  );
  const said = await predict({ columns, shuffles: many });
  expect(said).toHaveLength(rows * many.length);
  many.forEach((_, i) => expect(said.subarray(i * rows, (i + 1) * rows)).toEqual(alone[i % shuffles.length]));
  // Hosts share them.
  const two = createEnginePool({ hosts: 2, memory: 2 ** 30 });
  onTestFinished(() => two.close());
  const others = hostsOf(process.pid);
  expect(await predict({ columns, shuffles }, two)).toEqual(said.subarray(0, rows * shuffles.length));
  expect(hostsOf(process.pid)).toHaveLength(others.length + 2);
  expect(await predict({ columns, shuffles: [] }, two)).toHaveLength(0);
});

/** Threads of the host of a pool that has scored the rows of a fixture. */
async function threadsOfHost(hosts: number): Promise<number> {
  const others = hostsOf(process.pid);
  const opened = createEnginePool({ hosts, memory: 2 ** 30 });
  try {
    await opened.predict(scoring(join(FIXTURES, 'engine', 'python_gbtree.ubj')), never);
    const host = hostsOf(process.pid).find((pid) => !others.includes(pid))!;
    return readdirSync(`/proc/${host}/task`).length;
  } finally {
    await opened.close();
  }
}

test('a prediction has as many threads as its pool has hosts, where the machine has as many CPUs', async () => {
  expect((await threadsOfHost(2)) - (await threadsOfHost(1))).toBe(Math.min(2, availableParallelism()) - 1);
});
