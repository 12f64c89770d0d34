import { readFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { directionOf, type MetricName, type Params, type TaskSpec } from '../src/contracts/index.js';
import { createEnginePool } from '../src/ml/engines/hostPool.js';
import type { EnginePool } from '../src/ml/engines/pool.js';
import type { Estimator } from '../src/ml/estimators/estimators.js';
import { taskOf } from '../src/ml/tasks/task.js';
import { packageFolder } from '../src/package.js';
import { limitsOf } from '../src/platform/resources/limits.js';
import { sha256File } from '../src/platform/storage/checksum.js';
import { measure } from './processTree.js';
import { referencePython } from './python.js';
import type { Section } from './section.js';

/** Parameters of both sides, by the estimator. What isn't named is the default of either, which is the same. */
const PARAMETERS: Partial<Record<Estimator, Params>> = {
  logistic_regression: { C: 1 },
  linear_regression: { alpha: 0 },
  random_forest: { n_estimators: 100, min_samples_leaf: 1 },
  xgboost: { n_estimators: 100, learning_rate: 0.1, max_depth: 6 },
  lightgbm: { n_estimators: 100, reg_lambda: 1 },
};

/** By how much the metric may differ; 0 asks for the same outputs, to the last bit. */
const AIMS: Partial<Record<Estimator, number>> = {
  logistic_regression: 0.0005,
  linear_regression: 0.0005,
  random_forest: 0.002,
  xgboost: 0,
  lightgbm: 0,
};

type TaskKind = 'binary' | 'multiclass' | 'squared_error' | 'poisson';
const METRIC: Record<TaskKind, MetricName> = {
  binary: 'roc_auc',
  multiclass: 'roc_auc_ovr',
  squared_error: 'r2',
  poisson: 'mean_poisson_deviance',
};

/** What `quality.py` writes. */
interface Results {
  seeds: number[];
  sets: DataSet[];
}

interface DataSet {
  name: string;
  task: TaskKind;
  classes: number;
  features: number;
  rows: number;
  folds: {
    train: string;
    test: string;
    rows: number;
    labels: number[];
    /** By estimator, a list per seed: what the reference says of each row. */
    outputs: Partial<Record<Estimator, number[][]>>;
  }[];
}

/**
 * The same rows, folds and parameters through our engines and through scikit-learn, xgboost and lightgbm. Small sets are
 * tested on every row, in three folds. A forest is of chance: its metric is the mean of several seeds on either side.
 */
export const quality: Section = {
  title: 'Quality against scikit-learn, xgboost and lightgbm: the same rows, splits and parameters',
  async run(_pipeline, folder, tell) {
    const python = await referencePython();
    const real = process.env.PERDURE_BENCH_DATA;
    tell('the Python packages');
    const script = join(packageFolder(), 'bench', 'quality.py');
    await measure(python, [script, folder, JSON.stringify(PARAMETERS), ...(real === undefined ? [] : [real])], {
      cwd: folder,
    });
    const { seeds, sets } = JSON.parse(await readFile(join(folder, 'results.json'), 'utf8')) as Results;
    const memory = Math.min(totalmem() / 2, 8 * 2 ** 30);
    const engines = createEnginePool(limitsOf({ cpus: availableParallelism(), memory }).engines);
    const compared: Compared[] = [];
    try {
      for (const set of sets) {
        for (const estimator of Object.keys(set.folds[0]!.outputs) as Estimator[]) {
          const one = await compare(set, estimator, seeds, engines, folder);
          compared.push(one);
          tell(lineOf(one));
        }
      }
    } finally {
      await engines.close();
    }
    return [
      `data set            rows  estimator            metric                     ours    theirs  difference  by chance  aim`,
      ...compared.map(lineOf),
      '',
      ...Object.entries(AIMS).map(([estimator, aim]) => {
        const verdicts = compared.filter((one) => one.estimator === estimator).map(verdict);
        const counts = [...new Set(verdicts)].map((of) => `${verdicts.filter((other) => other === of).length} ${of}`);
        return `${estimator.padEnd(20)} ${aim === 0 ? 'identical outputs' : `within ${aim}`}: ${counts.join(', ')}`;
      }),
      ...(real === undefined ? ['Public files were left out: PERDURE_BENCH_DATA names no folder that has them.'] : []),
    ];
  },
};

interface Compared {
  set: string;
  rows: number;
  estimator: Estimator;
  metric: MetricName;
  ours: number;
  theirs: number;
  /** Twice the standard error of the difference by the seeds; 0 without chance. */
  chance: number;
  /** Whether every output is the same. */
  identical: boolean;
}

async function compare(
  set: DataSet,
  estimator: Estimator,
  seeds: number[],
  engines: EnginePool,
  folder: string,
): Promise<Compared> {
  const task = taskSpec(set);
  const features = Array.from({ length: set.features }, (_, i) => `x${i}`);
  const width = taskOf(task).width;
  const outputsOf = async (seed: number) =>
    Promise.all(
      set.folds.map(async ({ train, test, rows }, fold) => {
        const modelPath = join(folder, `${set.name} ${estimator} ${seed} ${fold}.model`);
        const file = { path: train, checksum: await sha256File(train), features, label: 'label', rows };
        const never = new AbortController().signal;
        const params = PARAMETERS[estimator] ?? {};
        await engines.fit({ train: file, task, estimator, params, seed, modelPath }, never);
        const { values } = await engines.predict({ modelPath, task, data: { path: test, features } }, never);
        return Array.from(values);
      }),
    );
  const chosen = seeds.slice(0, set.folds[0]!.outputs[estimator]!.length);
  const ours = await Promise.all(chosen.map(outputsOf));
  const theirs = chosen.map((_, seed) => set.folds.map(({ outputs }) => outputs[estimator]![seed]!));
  const metric = METRIC[set.task];
  const labels = Float64Array.from(set.folds.flatMap((fold) => fold.labels));
  const measured = (outputs: number[][]) =>
    taskOf(task).metrics(labels, { values: Float64Array.from(outputs.flat()), width }, 0.5)[metric]!;
  const [own, reference] = [ours.map(measured), theirs.map(measured)];
  return {
    set: set.name,
    rows: set.rows,
    estimator,
    metric,
    ours: mean(own),
    theirs: mean(reference),
    chance: 2 * Math.sqrt((variance(own) + variance(reference)) / chosen.length),
    identical: JSON.stringify(ours) === JSON.stringify(theirs),
  };
}

function taskSpec({ task, classes }: DataSet): TaskSpec {
  const names = Array.from({ length: classes }, (_, i) => String(i));
  switch (task) {
    case 'binary':
      return { task, classes: [names[0]!, names[1]!] };
    case 'multiclass':
      return { task, classes: names };
    default:
      return { task: 'regression', objective: task };
  }
}

type Verdict = 'identical' | 'within' | 'within, but for chance' | 'better' | 'NOT REACHED';

/** A difference beyond the aim is better or not reached, by the metric's direction. */
function verdict({ estimator, metric, ours, theirs, chance, identical }: Compared): Verdict {
  const aim = AIMS[estimator]!;
  if (aim === 0) return identical ? 'identical' : 'NOT REACHED';
  const difference = Math.abs(ours - theirs);
  if (difference <= aim) return 'within';
  if (difference <= aim + chance) return 'within, but for chance';
  return ours > theirs === (directionOf(metric) === 'higher') ? 'better' : 'NOT REACHED';
}

function lineOf(one: Compared): string {
  return [
    one.set.padEnd(18),
    String(one.rows).padStart(5),
    '',
    one.estimator.padEnd(20),
    one.metric.padEnd(22),
    one.ours.toFixed(5).padStart(8),
    one.theirs.toFixed(5).padStart(9),
    (one.ours - one.theirs).toFixed(5).padStart(11),
    (one.chance === 0 ? '' : one.chance.toFixed(5)).padStart(10),
    ` ${verdict(one)}`,
  ].join(' ');
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of a sample; 0 of a single value. */
function variance(values: number[]): number {
  const centre = mean(values);
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / Math.max(1, values.length - 1);
}
