import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseHTML } from 'linkedom';
import type { ModelTrainingCompleted, WrittenPage } from '../../src/contracts/index.js';
import type { EnginePool } from '../../src/ml/engines/pool.js';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { createShortPipeline, DATED_FOLDS, type ShortPipeline } from './shortPipeline.js';

/** Names and values that would be markup where they weren't escaped. */
export const COLUMN = '<script>alert(1)</script>';
export const CATEGORY = '"><img src=x onerror=alert(2)>';
export const CLASSES = ['</table><script>alert(3)</script>', "plain & 'quoted'", '<b>third</b>'];

const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;

/** 300 rows whose class, and value, follow a number and a category. */
export function csv(classes: number): string {
  const random = new Mt19937(3);
  const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
  const rows = Array.from({ length: 300 }, (_, i) => {
    const of = i % classes;
    const number = of + 2 * uniform();
    return [
      `r${i}`,
      number.toFixed(3),
      quoted(uniform() < 0.6 ? CATEGORY : 'other'),
      quoted(CLASSES[of]!),
      (3 * number + uniform()).toFixed(3),
    ];
  });
  const head = ['id', quoted(COLUMN), 'category', 'kind', 'amount'];
  return [head, ...rows].map((row) => row.join(',')).join('\n');
}

const SEARCHED = { param_distributions: { max_depth: [2, 3], n_estimators: [20, 40] } };
const CONFIG = {
  algorithms: { xgboost: SEARCHED, lightgbm: SEARCHED },
  training_config: { algorithms: ['xgboost', 'lightgbm'], hyperparameter_tuning: true },
  model_config: { n_iter_search: 3, cv_folds: 3 },
};

/** What is predicted of {@link csv}, by task. */
export const TASKS = {
  binary: { definition: { label: { column: 'kind', positive: CLASSES[0] }, drop: ['amount'] }, classes: 2 },
  multiclass: { definition: { label: 'kind', drop: ['amount'] }, classes: 3 },
  regression: { definition: { label: 'amount', drop: ['kind'] }, classes: 3 },
};

/** A pipeline of one of the tasks, with its data processed. */
export async function createPagePipeline(
  engines: EnginePool,
  folder: string,
  task: keyof typeof TASKS,
  config: object = CONFIG,
  more: object = {},
): Promise<ShortPipeline> {
  const { definition, classes } = TASKS[task];
  const split = { by: 'random', validation: 0.2, test: 0.2, seed: 1 };
  const whole = { source: { file: 'table.csv' }, key: 'id', split, ...definition, ...more };
  const pipeline = await createShortPipeline(engines, folder, whole, config);
  await pipeline.process(csv(classes));
  return pipeline;
}

/** Trains two algorithms with a search each. */
export async function trainedPage(
  engines: EnginePool,
  folder: string,
  task: keyof typeof TASKS,
): Promise<ModelTrainingCompleted> {
  return (await createPagePipeline(engines, folder, task)).train(['xgboost', 'lightgbm']);
}

/** A monitoring run over days of which the last have another number, another category and turned labels. */
export async function monitoredPage(engines: EnginePool, folder: string): Promise<WrittenPage | undefined> {
  const random = new Mt19937(4);
  const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
  const rowsOf = (fold: string, day: string, rows: number, isOtherwise: boolean) =>
    Array.from({ length: rows }, (_, i) => {
      const x = uniform();
      const label = Number(x > 0.5 !== uniform() < 0.1) ^ Number(isOtherwise);
      const category = uniform() < (isOtherwise ? 0.2 : 0.7) ? CATEGORY : 'other';
      return [`${fold}-${day}-${i}`, fold, day, (isOtherwise ? x * x : x).toFixed(5), quoted(category), label].join(
        ',',
      );
    });
  const pipeline = await createShortPipeline(engines, folder, DATED_FOLDS, {
    monitoring_config: {
      min_samples_for_metrics: 100,
      window_days: 30,
      label_maturity_days: 2,
      drift_warnings: { psi: 0.2, kolmogorov_smirnov: 0.1, wasserstein: 0.1 },
    },
  });
  const days = Array.from({ length: 22 }, (_, i) => `2029-12-${String(i + 1).padStart(2, '0')}`);
  const rows = [
    ...rowsOf('train', '2029-10-15', 400, false),
    ...rowsOf('test', '2029-11-15', 200, false),
    ...days.flatMap((day, i) => rowsOf('new', day, 40, i >= 10)),
  ];
  const asOf = '2029-12-22';
  await pipeline.process(`id,fold,seen,${quoted(COLUMN)},category,label\n${rows.join('\n')}\n`, { asOf });
  const { algorithms } = await pipeline.train(['logistic_regression'], '2029-11-30');
  await pipeline.predict('logistic_regression', asOf);
  const { version } = algorithms.logistic_regression as { version: string };
  return (await pipeline.report({ algorithm: 'logistic_regression', version }, asOf)).page;
}

/** A page where it was written, with its text and what is in it. */
export function openPage(page: WrittenPage | undefined): { path: string; html: string; document: Document } {
  if (!page || !('uri' in page)) throw new Error(page?.not_written ?? 'there is no page');
  const path = fileURLToPath(page.uri);
  const html = readFileSync(path, 'utf8');
  return { path, html, document: parseHTML(html).document };
}
