import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ModelTrainingCompleted } from '../../src/contracts/index.js';
import { mlflow } from '../../src/platform/setup/mlflow.js';
import { requireVersion } from '../../src/registry/versions.js';
import { askMlflow, startMlflow } from '../support/mlflowServer.js';
import { perdure } from '../support/perdure.js';
import { createShortPipeline, type ShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

const folder = temporaryFolder(afterAll);
const engines = tinyEngines();
afterAll(() => engines.close());
const tool = await mlflow.find();
if (!tool)
  test('trainings in MLflow: there is no server', () => {
    console.warn(`Nothing is tested in MLflow: ${mlflow.name} is not there; ${mlflow.remedy}.`);
  });

/** What MLflow's own client finds. */
interface Found {
  runs: {
    id: string;
    name: string;
    status: string;
    params: Record<string, string>;
    tags: Record<string, string>;
    metrics: Record<string, number>;
    search: [step: number, value: number][];
    datasets: [name: string, digest: string][];
    artifacts: string[];
  }[];
  versions: { version: number; run: string; tags: Record<string, string>; aliases: string[] }[];
  predictions: Record<string, Record<string, number | string>[]>;
}

/** Every transform, on customers who may leave; rows of the fold "later" have values that no other has. */
const DEFINITION = {
  source: 'table.csv',
  key: 'id',
  label: 'label',
  drop: ['fold'],
  split: { by: 'column', column: 'fold', train: 'train', test: 'test' },
  tracking: { mlflow: {} },
};
const TRANSFORMS = [
  {
    columns: ['tenure'],
    steps: [{ impute: { by: 'mean', indicator: true } }, { clip: { iqr: 1.5 } }, { scale: 'robust' }],
  },
  { columns: ['charges'], steps: [{ log: true }, { impute: 'median' }, { scale: 'standard' }] },
  { columns: ['balance'], steps: [{ clip: { quantiles: [0.05, 0.95] } }, { scale: 'minmax' }] },
  { columns: ['visits'], steps: [{ one_hot: { max_categories: 4 } }] },
  { columns: ['contract'], steps: [{ impute: 'mode' }, { ordinal: { categories: ['month', 'year', 'two years'] } }] },
  { columns: ['paperless'], steps: [{ one_hot: { drop: 'if_binary' } }] },
  { columns: ['payment'], steps: [{ one_hot: { min_frequency: 10 } }] },
  { columns: ['city'], steps: [{ target: {} }] },
  {
    columns: ['since'],
    steps: [
      { date_parts: ['days', 'year', 'quarter', 'month', 'week', 'day', 'weekday', 'day_of_year', 'hour', 'minute'] },
      { scale: 'standard' },
    ],
  },
];

function customers(label: (signal: number, noise: number) => number | string): string {
  let state = 7;
  const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const pick = <T>(of: readonly T[]) => of[Math.floor(random() * of.length)]!;
  const maybe = (value: unknown) => (random() < 0.08 ? '' : value);
  const rows = Array.from({ length: 360 }, (_, i) => {
    const fold = i < 200 ? 'train' : i < 320 ? 'test' : 'later';
    const later = fold === 'later';
    const tenure = Math.floor(random() * 72);
    const charges = Math.exp(random() * 8) - 20;
    const contract = pick(['month', 'year', 'two years']);
    const city = `city ${Math.floor(random() ** 2 * 40)}`;
    const since = new Date(Date.UTC(2019, 0, 1) + Math.floor(random() * 4e6) * 60_000).toISOString();
    const signal = (contract === 'month' ? 1.5 : 0) - tenure / 40 + Math.log1p(Math.abs(charges)) / 8;
    return [
      `k${i}`,
      maybe(later && i % 7 === 0 ? 1e39 : tenure),
      maybe(charges),
      later ? 1e6 * (random() - 0.5) : random() * 100,
      maybe(later && i % 5 === 0 ? 12.5 : Math.floor(random() ** 2 * 6)),
      maybe(later && i % 5 === 1 ? 'for ever' : contract),
      maybe(later && i % 5 === 2 ? 'perhaps' : pick(['yes', 'no'])),
      maybe(
        later && i % 5 === 3
          ? 'barter'
          : pick(['card', 'card', 'bank', 'bank', 'bank', 'check', 'cash', 'wire', 'coin']),
      ),
      maybe(later && i % 5 === 4 ? 'Ürümqi, "west"'.replaceAll('"', '""') : city),
      maybe(since.slice(0, 19).replace('T', ' ')),
      label(signal, random()),
      fold,
    ].map((value) => (typeof value === 'string' && value.includes(',') ? `"${value}"` : String(value)));
  });
  return `id,tenure,charges,balance,visits,contract,paperless,payment,city,since,label,fold\n${rows.map((row) => row.join(',')).join('\n')}\n`;
}

const churned = customers((signal, noise) => (signal + noise > 1 ? 'yes' : 'no'));
const ALL = ['logistic_regression', 'random_forest', 'xgboost', 'lightgbm', 'mlp'] as const;
const TASKS = {
  binary: { csv: churned, definition: { transforms: TRANSFORMS }, algorithms: ALL },
  multiclass: {
    csv: customers((signal, noise) => (signal + noise > 1.4 ? 'gone' : signal + noise > 0.6 ? 'moved' : 'stays')),
    definition: { transforms: TRANSFORMS },
    algorithms: ALL,
  },
  /** These two alone take categories as they are. */
  regression: {
    csv: customers((signal, noise) => (signal + noise) * 10),
    definition: {
      transforms: TRANSFORMS.map((rule) =>
        rule.columns[0] === 'payment' ? { ...rule, steps: [{ categorical: {} }] } : rule,
      ),
    },
    algorithms: ['xgboost', 'lightgbm'],
  },
} as const;

type Task = keyof typeof TASKS;

describe.runIf(tool)('trainings in MLflow', async () => {
  const server = await startMlflow(tool!, folder);
  afterAll(() => server.stop());
  vi.stubEnv('MLFLOW_TRACKING_URI', `${server.url}/`);

  async function create(task: Task): Promise<ShortPipeline> {
    const tracking = { mlflow: { experiment: task, registered_model: task } };
    const trees = { param_distributions: { n_estimators: [5, 10, 20] } };
    const config = {
      model_config: { n_iter_search: 3, cv_folds: 2 },
      training_config: { hyperparameter_tuning: true, algorithms: TASKS[task].algorithms },
      ...(task !== 'regression' && { evaluation: { calibration: task === 'binary' ? 'isotonic' : 'sigmoid' } }),
      algorithms: {
        random_forest: trees,
        xgboost: trees,
        lightgbm: trees,
        mlp: { params: { hidden_layer_sizes: '16,8', max_iter: 5 } },
      },
    };
    const pipeline = await createShortPipeline(
      engines,
      folder,
      { ...DEFINITION, ...TASKS[task].definition, tracking },
      config,
    );
    await pipeline.process(TASKS[task].csv);
    return pipeline;
  }

  const pipelines = {} as Record<Task, ShortPipeline>;
  const trainings = {} as Record<Task, ModelTrainingCompleted>;
  let found: Record<Task, Found>;
  beforeAll(async () => {
    for (const task of Object.keys(TASKS) as Task[]) {
      pipelines[task] = await create(task);
      trainings[task] = await pipelines[task].train([...TASKS[task].algorithms]);
      expect(trainings[task].tracking).toEqual({
        status: 'written',
        uri: expect.stringContaining(`${server.url}/#/experiments/`),
      });
    }
    const asked = Object.fromEntries(Object.entries(pipelines).map(([task, { csv }]) => [task, csv]));
    found = await askMlflow(tool!, { uri: server.url, pipelines: asked });
  }, 480_000);

  test('a training is there with its runs, figures, files and registered versions, named as here', async () => {
    const training = trainings.binary;
    const { runs, versions } = found.binary;
    const parent = runs.find(({ tags }) => tags['perdure.kind'] === 'training')!;
    expect(training.tracking).toMatchObject({ uri: expect.stringContaining(parent.id) });
    expect(parent).toMatchObject({
      status: 'FINISHED',
      tags: { 'perdure.run_id': expect.any(String), 'perdure.promotion': training.promotion.decision },
      artifacts: ['promotion.json', 'report.html'],
    });
    const children = runs.filter(({ tags }) => tags['mlflow.parentRunId'] === parent.id);
    expect(children.map(({ name }) => name).sort()).toEqual([...TASKS.binary.algorithms].sort());
    for (const run of children) {
      const { version } = training.challenger;
      const registry = pipelines.binary.stores.modelRegistry;
      const metadata = await requireVersion(registry, { algorithm: run.name, version });
      const { performance, best_params, candidates, lineage, cv_score } = metadata;
      expect(run).toMatchObject({
        status: 'FINISHED',
        params: Object.fromEntries(Object.entries(best_params).map(([name, value]) => [name, String(value)])),
        tags: {
          'perdure.pipeline': 'table',
          'perdure.version': version,
          'perdure.dataset_checksum': lineage.dataset.checksum,
          'mlflow.source.git.commit': lineage.code_commit,
        },
        datasets: [[lineage.dataset.id, lineage.dataset.checksum.slice(0, 36)]],
        artifacts: ['card.md', 'importance.json', 'metadata.json', 'signature.json'],
      });
      expect(run.metrics).toMatchObject({
        'test.roc_auc': performance.test!.roc_auc,
        'test.roc_auc.lower': performance.test!.intervals!.roc_auc![0],
        cv_score,
        'search.best_score': cv_score,
      });
      // A step is a candidate of the search.
      expect(run.search).toEqual(
        candidates.map(({ index, scores }) => [
          index,
          expect.closeTo(scores.reduce((a, b) => a + b) / scores.length, 12) as number,
        ]),
      );
    }
    expect(versions.map(({ tags }) => tags['perdure.algorithm']).sort()).toEqual([...TASKS.binary.algorithms].sort());
    const champions = versions.filter(({ aliases }) => aliases.includes('champion'));
    expect(champions).toMatchObject([
      {
        tags: { 'perdure.algorithm': training.champion!.algorithm, stage: 'Production' },
        aliases: ['challenger', 'champion', 'staging'],
      },
    ]);
    expect(children.find(({ id }) => id === champions[0]!.run)!.name).toBe(training.champion!.algorithm);
  });

  test.each(Object.keys(TASKS) as Task[])(
    'models of the task %s predict there what they predict here, from raw rows',
    async (task) => {
      const lines = readFileSync(pipelines[task].csv, 'utf8').split('\n').slice(1, -1);
      const ids = lines.map((line) => line.split(',')[0]!);
      const { predictions } = found[task];
      expect(Object.keys(predictions).sort()).toEqual([...TASKS[task].algorithms].sort());
      for (const [algorithm, there] of Object.entries(predictions)) {
        const rows = await pipelines[task].predict(algorithm, undefined, { again: true });
        const here = new Map(rows.map((row) => [row.id, row]));
        expect(there.length).toBe(ids.length);
        let furthest = 0;
        there.forEach((row, i) => {
          for (const [name, value] of Object.entries(row)) {
            const expected = here.get(ids[i])![name];
            if (typeof value === 'number') furthest = Math.max(furthest, Math.abs(value - Number(expected)));
            else expect(value, `${algorithm} of ${ids[i]}`).toBe(expected);
          }
        });
        expect(furthest, algorithm).toBeLessThan(1e-6);
      }
    },
    240_000,
  );

  test('a server that is away changes nothing but that the training waits, and is written once when it is back', async () => {
    const pipeline = await create('binary');
    await server.stop();
    const training = await pipeline.train(['xgboost']);
    expect(training).toMatchObject({
      status: 'completed',
      champion: training.challenger,
      tracking: {
        status: 'waits',
        reason: expect.stringMatching(/^MLflow at http:\/\/127.0.0.1:\d+: it does not answer \(.*ECONNREFUSED.*\)$/),
      },
    });

    await server.start();
    const write = () =>
      perdure(folder, ['track', 'table', '--json'], {
        PERDURE_CONF: join(pipeline.folder, '..', '..'),
        PERDURE_STORE: pipeline.store,
      });
    const written = await write();
    expect(written.stderr).toBe('');
    const { version } = training.challenger;
    expect(JSON.parse(written.stdout)).toMatchObject({ trainings: [{ training: version, status: 'written' }] });
    // Nothing is left, and nothing is written twice.
    expect(JSON.parse((await write()).stdout)).toEqual({ trainings: [] });
    const get = async (path: string, query: Record<string, string>): Promise<unknown> =>
      (await fetch(`${server.url}/api/2.0/mlflow/${path}?${new URLSearchParams(query).toString()}`)).json();
    const filter = `name = 'binary' and tags.\`perdure.version\` = '${version}'`;
    const { model_versions } = (await get('model-versions/search', { filter })) as {
      model_versions: { version: string }[];
    };
    expect(model_versions).toHaveLength(1);
    expect(await get('registered-models/get', { name: 'binary' })).toMatchObject({
      registered_model: {
        aliases: expect.arrayContaining([{ alias: 'champion', version: model_versions[0]!.version }]) as object,
      },
    });
  }, 240_000);
});
