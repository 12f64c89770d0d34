import { join } from 'node:path';
import { availableParallelism, totalmem } from 'node:os';
import type { Params } from '../src/contracts/index.js';
import { ZERO_OR_ONE } from '../src/contracts/task.js';
import { withDuckDb } from '../src/data/duckdb.js';
import { createEnginePool } from '../src/ml/engines/hostPool.js';
import type { EnginePool, MatrixFile } from '../src/ml/engines/pool.js';
import { twoSidedP } from '../src/ml/normal.js';
import type { SearchSpace } from '../src/ml/searchSpace.js';
import { nextCandidates, type Ended } from '../src/ml/study.js';
import { packageFolder } from '../src/package.js';
import { limitsOf } from '../src/platform/resources/limits.js';
import { measure } from './processTree.js';
import { referencePython } from './python.js';
import { searchData } from './searchData.js';
import type { Section } from './section.js';

const TRIALS = 50;
const SEEDS = 20;
/** Candidates decided together: one after the other as Optuna's own examples do, and as many as a config has by default. */
const BATCHES = [1, 4];
const CV_FOLDS = 5;
const RANDOM_STATE = 42;
/** Level at which two sides differ. */
const ALPHA = 0.05;

const range = (low: number, high: number, more: { log?: boolean; int?: boolean; step?: number } = {}) => ({
  low,
  high,
  log: false,
  int: false,
  ...more,
});

/** Standard functions, of which the least value is sought, with parameters of every kind. `tuning.py` has them too. */
const FUNCTIONS: Record<string, { space: SearchSpace; value: (p: Record<string, number>) => number }> = {
  sphere: {
    space: Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`x${i}`, range(-5, 5)])),
    value: (p) => sum(Object.values(p), (v) => v * v),
  },
  rosenbrock: {
    space: Object.fromEntries(Array.from({ length: 3 }, (_, i) => [`x${i}`, range(-2, 2)])),
    value: (p) => sum([0, 1], (i) => 100 * (p[`x${i + 1}`]! - p[`x${i}`]! ** 2) ** 2 + (1 - p[`x${i}`]!) ** 2),
  },
  ackley: {
    space: { a: range(-10, 10), b: range(-10, 10), c: range(-10, 10, { step: 0.5 }), d: range(-10, 10, { int: true }) },
    value(p) {
      const values = Object.values(p);
      const squares = sum(values, (v) => v * v) / values.length;
      const waves = sum(values, (v) => Math.cos(2 * Math.PI * v)) / values.length;
      return -20 * Math.exp(-0.2 * Math.sqrt(squares)) - Math.exp(waves) + 20 + Math.E;
    },
  },
  rastrigin: {
    space: {
      a: range(-5.12, 5.12),
      b: range(-5, 5, { int: true }),
      // Without an order, as far as a sampler knows.
      c: [-4, -3, -2, -1, 0, 1, 2, 3, 4],
    },
    value: (p) => sum(Object.values(p), (v) => v * v - 10 * Math.cos(2 * Math.PI * v) + 10),
  },
  branin: {
    space: { x: range(-5, 10), u: range(1, 1e15, { log: true }) },
    value: ({ x = 0, u = 0 }) =>
      (Math.log10(u) - (5.1 / (4 * Math.PI ** 2)) * x ** 2 + (5 / Math.PI) * x - 6) ** 2 +
      10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) +
      10,
  },
};

/** What is searched on the churn data, for libxgboost on either side. */
const BOOSTER: SearchSpace = {
  n_estimators: range(10, 80, { int: true, log: true }),
  max_depth: range(2, 8, { int: true }),
  learning_rate: range(0.01, 0.5, { log: true }),
  min_child_weight: range(1, 50, { log: true }),
  subsample: range(0.5, 1),
  colsample_bytree: range(0.5, 1),
};

/**
 * The best of 50 candidates that TPE finds, ours and Optuna's, over some seeds, on standard functions. The draws differ, so
 * that it is the samples of best values that are compared.
 */
export const tuning: Section = {
  title: `Tuning by TPE against Optuna: the best of ${TRIALS} candidates on standard functions`,
  async run(_pipeline, folder, tell) {
    tell('Optuna');
    const space = Object.fromEntries(Object.entries(FUNCTIONS).map(([name, of]) => [name, of.space]));
    const theirs = (await optuna(folder, 'functions', { seeds: SEEDS, batches: BATCHES, space })) as Record<
      string,
      Record<string, number[]>
    >;
    const lines: string[] = [];
    for (const [name, { space: of, value }] of Object.entries(FUNCTIONS)) {
      for (const batch of BATCHES) {
        tell(`${name}, ${batch} at once`);
        const ours: number[] = [];
        for (let seed = 0; seed < SEEDS; seed++) {
          const evaluate = (params: Params) => Promise.resolve(-value(params as Record<string, number>));
          ours.push(-(await bestOfStudy(of, batch, seed, evaluate)).score);
        }
        lines.push(lineOf(name, batch, { ours, theirs: theirs[name]![batch]!, better: 'lower' }));
      }
    }
    return [
      `function         at once   ours, median   Optuna, median    p      verdict (${SEEDS} seeds; Mann-Whitney, level ${ALPHA})`,
      ...lines,
    ];
  },
};

/** The same on the churn data, where it is there: parameters of libxgboost on the same folds on either side. */
export const tuningChurn: Section = {
  title: `Tuning by TPE against Optuna: the best of ${TRIALS} candidates for the churn data`,
  run: (_pipeline, folder, tell) => churn(folder, tell),
};

async function optuna(folder: string, what: 'functions' | 'search', settings: object): Promise<unknown> {
  const script = join(packageFolder(), 'bench', 'tuning.py');
  const asked = JSON.stringify({ trials: TRIALS, ...settings });
  const { stdout } = await measure(await referencePython(), [script, what, asked], { cwd: folder });
  return JSON.parse(stdout) as unknown;
}

async function churn(folder: string, tell: (what: string) => void): Promise<string[]> {
  const data = searchData(process.env.PERDURE_BENCH_DATA).find(
    ({ name, rows }) => name.startsWith('churn') && rows === 7_043,
  );
  if (!data) return ['The churn data was left out: PERDURE_BENCH_DATA names no folder that has it.'];
  const resources = { cpus: availableParallelism(), memory: Math.min(totalmem() / 2, 8 * 2 ** 30) };
  const train = await withDuckDb(
    { resources: { cpus: 1, memory: 2 ** 31 }, scratch: folder, signal: new AbortController().signal },
    (database) => data.write(folder, database),
    { threads: 1 },
  );
  const batch = BATCHES.at(-1)!;
  tell('churn, Optuna');
  const theirs = (await optuna(folder, 'search', {
    seeds: SEEDS,
    batch,
    space: BOOSTER,
    file: train.path,
    folds: CV_FOLDS,
    random_state: RANDOM_STATE,
  })) as { best: number[]; params: Params[] };
  const engines = createEnginePool(limitsOf(resources).engines);
  try {
    const ours: number[] = [];
    for (let seed = 0; seed < SEEDS; seed++) {
      tell(`churn, seed ${seed}`);
      ours.push((await bestOfStudy(BOOSTER, batch, seed, (params) => cvScore(engines, train, params))).score);
    }
    const same = await Promise.all(theirs.params.map((params) => cvScore(engines, train, params)));
    const apart = Math.max(...same.map((score, i) => Math.abs(score - theirs.best[i]!)));
    const times = `${SEEDS} seeds, ${CV_FOLDS} folds of ${train.rows} rows`;
    return [
      `churn, xgboost, mean ROC AUC (${times}); the parameters that Optuna found score here what they scored there to ${apart.toExponential(0)}, and a difference below that says nothing`,
      lineOf('churn', batch, { ours, theirs: theirs.best, better: 'higher', apart }),
    ];
  } finally {
    await engines.close();
  }
}

/** @param evaluate the score of parameters, higher is better */
async function bestOfStudy(
  space: SearchSpace,
  batch: number,
  seed: number,
  evaluate: (params: Params) => Promise<number>,
): Promise<{ score: number }> {
  const settings = { sampler: 'tpe', trials: TRIALS, n_startup_trials: 10, batch_size: batch, seed } as const;
  const ended: Ended[] = [];
  for (;;) {
    const candidates = nextCandidates(space, ended, settings);
    if (candidates.length === 0) return { score: Math.max(...ended.map(({ scores }) => scores[0]!)) };
    const scores = await Promise.all(candidates.map(({ params }) => evaluate(params)));
    ended.push(...candidates.map((one, i): Ended => ({ ...one, state: 'complete', scores: [scores[i]!] })));
  }
}

async function cvScore(engines: EnginePool, train: MatrixFile, params: Params): Promise<number> {
  const folds = await engines.evaluate(
    {
      train,
      task: ZERO_OR_ONE,
      estimator: 'xgboost',
      params,
      folds: Array.from({ length: CV_FOLDS }, (_, fold) => fold),
      cvFolds: CV_FOLDS,
      scorings: ['roc_auc'],
      seed: RANDOM_STATE,
    },
    new AbortController().signal,
  );
  return sum(folds, ({ scores }) => scores[0]!.score) / folds.length;
}

interface Bests {
  ours: number[];
  theirs: number[];
  better: 'lower' | 'higher';
  /** How far the two sides' scores of the same parameters lie apart. @default 0 */
  apart?: number;
}

function lineOf(name: string, batch: number, { ours, theirs, better, apart = 0 }: Bests): string {
  const p = mannWhitney(ours, theirs);
  const ahead = better === 'lower' ? median(ours) < median(theirs) : median(ours) > median(theirs);
  const within = p >= ALPHA || Math.abs(median(ours) - median(theirs)) <= apart;
  const verdict = within ? 'no difference beyond noise' : ahead ? 'better' : 'WORSE';
  return [
    name.padEnd(16),
    String(batch).padStart(7),
    median(ours).toFixed(5).padStart(14),
    median(theirs).toFixed(5).padStart(16),
    p.toFixed(3).padStart(8),
    `  ${verdict}`,
  ].join(' ');
}

/** Two-sided p of the Mann-Whitney U test, by the normal approximation with a continuity correction; values are hardly ever equal. */
function mannWhitney(a: number[], b: number[]): number {
  const u = sum(a, (x) => sum(b, (y) => (x > y ? 1 : x === y ? 0.5 : 0)));
  const deviation = Math.sqrt((a.length * b.length * (a.length + b.length + 1)) / 12);
  return twoSidedP(Math.max(0, Math.abs(u - (a.length * b.length) / 2) - 0.5) / deviation);
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}
