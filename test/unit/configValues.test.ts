import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import {
  algorithmConfig,
  algorithmsToTrain,
  confFolder,
  environment,
  listPipelines,
  loadPipeline,
} from '../../src/config/load.js';
import { packageFolder } from '../../src/package.js';
import { Schedules } from '../../src/config/schedules.js';
import { Expectations } from '../../src/config/expectations.js';
import { ModelConfig, PipelineDefinition } from '../../src/config/schema.js';
import { CONF, createMedallion } from '../support/medallion.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const SCHEDULE = {
  at: '02:00',
  time_zone: 'UTC',
  overlap: 'skip',
  catchup_window_minutes: 60,
  jitter_seconds: 0,
  pause_on_failure: false,
};
const CONFIG = {
  ...CONF['model_config.dev.json'],
  promotion_gate: {},
  steward: { new_data: {} },
  schedules: { training: { ...SCHEDULE, days_of_month: { from: 1, to: 31 } } },
  prices: { currency: 'USD', per_vcpu_hour: 0, per_gb_hour: 0 },
  compute: {
    ecs: { tasks: { training: { task_definition: 't', larger: { cpus: 1, memory_gib: 1 } } }, no_capacity: {} },
  },
};
const DEFINITION = {
  ...CONF['pipeline.json'],
  source: {
    ...CONF['pipeline.json'].source,
    synthetic: { calibration: 'c.json', rows: 1 },
    download: { url: 'https://example.org/a.csv', sha256: 'a'.repeat(64), licence: 'CC0' },
  },
};

/** A copy in which the value at a path is another. */
function withValue(base: object, path: string, value: unknown): unknown {
  const copy = structuredClone(base);
  const steps = path.split('.');
  const last = steps.pop()!;
  const parent = steps.reduce((inner, step) => inner[step] as Record<string, unknown>, copy as Record<string, unknown>);
  parent[last] = value;
  return copy;
}

/** The paths and messages of what is wrong with a config that has a value at a path. */
function faults(schema: z.ZodType, base: object, path: string, value: unknown): string[] {
  return (
    schema
      .safeParse(withValue(base, path, value))
      .error?.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) ?? []
  );
}
const inConfig = (path: string, value: unknown) => faults(ModelConfig, CONFIG, path, value);
const inDefinition = (path: string, value: unknown) => faults(PipelineDefinition, DEFINITION, path, value);

test('the configs that the tests below change are good', () => {
  expect(ModelConfig.safeParse(CONFIG).error).toBeUndefined();
  expect(PipelineDefinition.safeParse(DEFINITION).error).toBeUndefined();
});

/** Of each number the smallest and the largest that are allowed. */
const NUMBERS: [path: string, smallest: number, largest: number][] = [
  ['model_config.random_state', 0, 4_294_967_295],
  ['model_config.cv_folds', 2, 100],
  ['model_config.n_iter_search', 1, 8_000],
  ['promotion_gate.min_samples', 1, 1e9],
  ['promotion_gate.max_auc_loss', 0, 1],
  ['promotion_gate.alpha', 1e-12, 0.999999],
  ['steward.cooldown_hours', 0, 8_784],
  ['steward.severe_drift_psi', 0.0001, 100],
  ['steward.new_data.min_partitions', 1, 1e9],
  ['training_config.min_partitions', 1, 1e9],
  ['algorithms.xgboost.timeout_hours', 0.001, 8_784],
  ['inference_config.batch_size', 1, 1_000_000],
  ['inference_config.prediction_threshold', 0, 1],
  ['monitoring_config.drift_threshold_psi', 0.0001, 100],
  ['monitoring_config.performance_threshold_drop', 0, 1],
  ['monitoring_config.missing_rate_threshold', 0, 1],
  ['monitoring_config.min_samples_for_metrics', 1, 1e9],
  ['monitoring_config.alpha', 1e-9, 0.999999999],
  ['monitoring_config.label_maturity_days', 0, 36_525],
  ['monitoring_config.window_days', 1, 36_525],
  ['prices.per_vcpu_hour', 0, 1e9],
  ['prices.per_gb_hour', 0, 1e9],
  ['schedules.training.catchup_window_minutes', 1, 527_040],
  ['schedules.training.jitter_seconds', 0, 86_400],
  ['compute.ecs.tasks.training.larger.cpus', 0.25, 16],
  ['compute.ecs.tasks.training.larger.memory_gib', 0.5, 120],
  ['compute.ecs.start_deadline_minutes', 0.1, 60],
  ['compute.ecs.attempts', 1, 10],
  ['compute.ecs.no_capacity.attempts', 1, 1_000],
  ['compute.ecs.no_capacity.minutes', 0.01, 1_440],
];

test.each(NUMBERS)('%s lies from %d to %d', (path, smallest, largest) => {
  for (const value of [smallest, largest]) expect(inConfig(path, value)).toEqual([]);
  for (const value of [
    smallest - Math.max(1e-9, Math.abs(smallest) * 1e-3),
    largest + Math.max(1e-9, largest * 1e-3),
    null,
    String(smallest),
  ]) {
    expect(inConfig(path, value)).toEqual([expect.stringMatching(new RegExp(`^${path}: `))]);
  }
});

test('numbers of rows in the definition are whole and have bounds', () => {
  expect([inDefinition('source.synthetic.rows', 1), inDefinition('source.synthetic.rows', 1e9)]).toEqual([[], []]);
  for (const rows of [0, 1.5, 1e9 + 1]) expect(inDefinition('source.synthetic.rows', rows)).toHaveLength(1);
});

/** Of each text what is good, what is not, and what is told. */
const TEXTS: [where: 'config' | 'definition', path: string, good: string[], bad: string[], told: string][] = [
  [
    'config',
    'schedules.training.at',
    ['00:00', '09:59', '19:00', '23:59'],
    ['24:00', '2:00', '12:60', '012:00', '12:000', '12.00', 'noon'],
    'a time of day such as "02:00"',
  ],
  [
    'config',
    'schedules.training.time_zone',
    ['UTC', 'Europe/London', 'US/Pacific'],
    ['Europe/london', 'Mars/Base', '', 'constructor', '+02:00'],
    'an IANA time zone in its own capitals, such as "UTC" or "Europe/London"',
  ],
  [
    'config',
    'storage.datamart_bucket',
    ['abc', 'a.b-c9', 'x'.repeat(63), '1.2.3', '1.2.3.4.5', '1.2.3.4a', 'axn--b', 'point-s3alias', 'a--use1-az4--x-s3'],
    [
      ...['ab', 'x'.repeat(64), '-ab', 'ab-', 'aBc', 'a_b', ' abc', '.ab', 'ab.', 'a..b', 'abc.d..e'],
      ...['192.168.1.1', '1.2.3.4', 'xn--abc', 'sthree-abc', 'amzn-s3-demo-abc'],
    ],
    'a bucket name as S3 takes it: 3 to 63 lower-case letters, digits, "-" and single ".", no IP address, and not beginning with "xn--", "sthree-" or "amzn-s3-demo-"',
  ],
  [
    'config',
    'model_config.champion_metric',
    ['test.f1', 'oot.roc_auc', 'oot.average_precision'],
    ['train.f1', 'oot.rocauc', 'oot.f1 ', 'xoot.f1', 'oot.f1x', 'oot'],
    'a split and a metric such as "oot.roc_auc"',
  ],
  [
    'config',
    'prices.currency',
    ['USD', '€', 'x'.repeat(10)],
    ['', 'US D', 'x'.repeat(11), 'USD '],
    'a currency such as "USD"',
  ],
  [
    'config',
    'inference_config.start_date',
    ['2020-02-29'],
    ['2021-02-29', '2020-2-1', 'today'],
    'a date such as 2005-12-31',
  ],
  [
    'config',
    'compute.ecs.container',
    ['perdure', 'arn:aws:ecs:eu/x.y_z-1'],
    ['', '-x', 'two words', 'x '.repeat(2), 'x'.repeat(256)],
    'expected a name, id or ARN of AWS',
  ],
  [
    'definition',
    'layers.silver.path',
    ['s/{partition}.parquet', '{partition}.parquet', 'a/b_{partition}_c.parquet'],
    [
      '/s/{partition}.parquet',
      'a/../{partition}.parquet',
      '../{partition}.parquet',
      's/partition.parquet',
      's/{partition}.csv',
      's/{partition}.parquet.tmp',
      's/{partition}/x.parquet',
      'a b/{partition}.parquet',
      's/{partition}xparquet',
    ],
    'a key without ".." that holds "{partition}" and ends in ".parquet"',
  ],
  [
    'definition',
    'source.download.sha256',
    ['0123456789abcdef'.repeat(4)],
    ['a'.repeat(63), 'a'.repeat(65), 'A'.repeat(64), 'g'.repeat(64)],
    '',
  ],
  ['definition', 'source.download.url', ['https://example.org/a.zip'], ['example.org', ''], ''],
  [
    'definition',
    'name',
    ['a', 'A-1_b', 'x'.repeat(100)],
    ['', '1a', 'a b', 'x'.repeat(101), 'a/b', '-a'],
    'a name of at most 100 letters, digits, "_" and "-" that begins with a letter',
  ],
  [
    'definition',
    'name',
    ['valueof'],
    ['constructor', 'valueOf'],
    'another name: this one is a property of every JavaScript object',
  ],
  ['definition', 'title', ['T'], [''], ''],
];

test.each(TEXTS)('%s: %s', (where, path, good, bad, told) => {
  const faultsAt = where === 'config' ? inConfig : inDefinition;
  for (const text of good) expect([text, faultsAt(path, text)]).toEqual([text, []]);
  for (const text of bad)
    expect([text, faultsAt(path, text)]).toEqual([text, [expect.stringContaining(`${path}: ${told}`)]]);
});

describe('tables that SQL may read', () => {
  const takes = (tables: Record<string, unknown>) => inDefinition('tables', tables);
  test.each(['codes', '_a1', 'Source2', 'bronzed'])('may be called %s', (table) =>
    expect(takes({ [table]: 'codes.csv' })).toEqual([]),
  );
  test.each(['source', 'BRONZE', 'silver', '1a', 'a b', 'a-b', '', '__perdure_rows', 'filename'])(
    'may not be called %j',
    (table) => expect(takes({ [table]: 'codes.csv' })).toHaveLength(1),
  );
  test('are CSV or Parquet files of the folder', () => {
    for (const file of ['a.csv', 'a.b.parquet', '0.csv']) expect(takes({ codes: file })).toEqual([]);
    for (const file of ['a.json', '../a.csv', 'x/a.csv', '.csv', 'a.csv.gz', 'acsv', ' a.csv']) {
      expect(takes({ codes: file })).toEqual(["tables.codes: a .csv or .parquet file in the pipeline's folder"]);
    }
  });
});

describe('what is left out', () => {
  test('of a model config has the defaults that the documents say', () => {
    const config = ModelConfig.parse(CONF['model_config.dev.json']);
    expect(config).toMatchObject({
      search: { racing: false },
      promotion_gate: { min_samples: 100, minimums: {}, max_auc_loss: 0.01, alpha: 0.05, require: 'not_worse' },
      steward: {
        retrain: {
          drift: 'approve',
          severe_drift: 'auto',
          performance_drop: 'auto',
          new_data: 'auto',
          schedule: 'auto',
        },
        cooldown_hours: 24,
        severe_drift_psi: 0.5,
        new_data: { min_partitions: 1 },
      },
      monitoring_config: { alpha: 0.01 },
      compute: { processing: 'local', training: 'local', inference: 'local', monitoring: 'local' },
      alerts: { processing_failures: 3 },
    });
    expect(config.schedules).toEqual({});
    expect(config.prices).toBeUndefined();
    const { ecs } = ModelConfig.parse({ ...CONFIG, compute: { ecs: { tasks: {} } } }).compute;
    expect(ecs).toEqual({
      container: 'perdure',
      tasks: {},
      assign_public_ip: false,
      capacity_providers: ['FARGATE'],
      start_deadline_minutes: 10,
      attempts: 3,
      no_capacity: { attempts: 20, minutes: 30 },
    });
  });

  test('of a definition: no text stands for a missing value, no tables, nothing is scaled', () => {
    const definition = PipelineDefinition.parse(CONF['pipeline.json']);
    expect(definition.source.null_values).toEqual([]);
    expect(definition.tables).toEqual({});
    expect(definition.features.map(({ scale }) => scale)).toEqual([false, true, false]);
  });
});

test.each([
  ['search.scoring', ['roc_auc', 'balanced_accuracy', 'average_precision', 'accuracy', 'f1']],
  ['promotion_gate.require', ['not_worse', 'better']],
  ['steward.retrain', [{ drift: 'auto' }, { schedule: 'approve' }, { new_data: 'off' }]],
  ['training_config.class_weight', ['balanced', null]],
  ['monitoring_config.performance_metric', ['accuracy', 'precision', 'recall', 'f1', 'roc_auc', 'average_precision']],
  ['promotion_gate.minimums', [{ accuracy: 0 }, { precision: 1, recall: 0.5 }]],
  ['schedules.training.overlap', ['skip', 'buffer_one']],
  [
    'schedules.training.day_of_week',
    ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', undefined],
  ],
  ['compute.ecs.launch_type', ['EC2', 'FARGATE', 'EXTERNAL', 'MANAGED_INSTANCES', undefined]],
  ['compute.ecs.subnets', [['subnet-1'], Array.from({ length: 16 }, (_, i) => `subnet-${i}`), undefined]],
  ['compute.ecs.security_groups', [[], ['a', 'b', 'c', 'd', 'e'], undefined]],
  [
    'compute.ecs.capacity_providers',
    [
      ['FARGATE_SPOT', 'FARGATE'],
      ['a', 'b', 'c', 'd', 'e', 'f'],
    ],
  ],
])('%s may be one of what is known, and nothing else', (path, values) => {
  for (const value of values) expect([value, inConfig(path, value)]).toEqual([value, []]);
  for (const value of ['', 'anything', { anything: 0.5 }, 7]) expect(inConfig(path, value)).not.toEqual([]);
});

test('lists of networks are no longer than AWS takes', () => {
  const names = (length: number) => Array.from({ length }, (_, i) => `n${i}`);
  for (const [path, most] of [
    ['subnets', 16],
    ['security_groups', 5],
    ['capacity_providers', 6],
  ] as const)
    expect(inConfig(`compute.ecs.${path}`, names(most + 1))).toHaveLength(1);
});

test.each([
  ['definition', 'keys', []],
  ['definition', 'features', []],
  ['definition', 'source.columns', {}],
  ['definition', 'source.null_values', ['']],
  ['definition', 'source.columns', { a: 'TEXT' }],
  ['definition', 'partition.by', 'hour'],
  ['config', 'training_config.algorithms', []],
  ['config', 'algorithms.xgboost.param_distributions', { max_depth: [] }],
  ['config', 'algorithms.xgboost.estimator', 'catboost'],
] as const)('%s: %s may not be %j', (where, path, value) => {
  expect((where === 'config' ? inConfig : inDefinition)(path, value).length).toBeGreaterThan(0);
});

test('names that nobody reads are refused everywhere', () => {
  const objectsOf = (value: unknown, path = ''): string[] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? [path, ...Object.entries(value).flatMap(([key, inner]) => objectsOf(inner, path ? `${path}.${key}` : key))]
      : [];
  // Of these the names are a pipeline's own.
  const free = [
    'training_config.enabled_algorithms',
    'algorithms',
    'algorithms.xgboost.param_distributions',
    'algorithms.xgboost.params',
  ];
  for (const path of objectsOf(CONFIG).filter((name) => !free.includes(name)))
    expect([path, inConfig(path ? `${path}.unheard` : 'unheard', 1).length]).toEqual([path, 1]);
  for (const path of objectsOf(DEFINITION).filter((name) => name !== 'source.columns'))
    expect([path, inDefinition(path ? `${path}.unheard` : 'unheard', 1).length]).toEqual([path, 1]);
  expect(Expectations.safeParse({ silver: [], gold: [] }).success).toBe(false);
});

describe('temporal windows', () => {
  const split = (train: object, testing: object, oot: object) =>
    inConfig('temporal_splits', { train, test: testing, oot });
  const days = (start_date: string, end_date: string) => ({ start_date, end_date });
  const [first, second, third] = [
    days('2020-01-01', '2020-01-31'),
    days('2020-02-01', '2020-02-01'),
    days('2020-02-02', '2020-03-01'),
  ];

  test('follow one another without overlap, each of one day at least', () => {
    expect(split(first, second, third)).toEqual([]);
    const apart = 'temporal_splits: expected train before test before oot, without overlap';
    expect(split(days('2020-01-01', '2020-02-01'), second, third)).toEqual([apart]);
    expect(split(first, second, days('2020-02-01', '2020-03-01'))).toEqual([apart]);
    expect(split(third, second, first)).toEqual([apart]);
    expect(split(days('2020-01-31', '2020-01-01'), second, third)).toEqual([
      'temporal_splits.train: expected start_date on or before end_date',
    ]);
    expect(split(first, second, days('2020-03-02', '2020-03-01'))).toEqual([
      'temporal_splits.oot: expected start_date on or before end_date',
    ]);
  });

  test('may be whole years, from 1 to 9999', () => {
    const years = (start_year: number, end_year: number) => ({ start_year, end_year });
    expect(split(years(1, 999), years(1_000, 1_000), years(1_001, 9_999))).toEqual([]);
    const config = ModelConfig.parse(
      withValue(CONFIG, 'temporal_splits', {
        train: years(1, 999),
        test: years(1_000, 1_000),
        oot: years(1_001, 9_999),
      }),
    );
    expect(config.temporal_splits).toEqual({
      train: days('0001-01-01', '0999-12-31'),
      test: days('1000-01-01', '1000-12-31'),
      oot: days('1001-01-01', '9999-12-31'),
    });
    for (const bad of [years(0, 5), years(1, 10_000), years(1.5, 2)]) expect(split(bad, second, third)).not.toEqual([]);
  });
});

describe('algorithms', () => {
  test('that train are described, those that are switched on or off train', () => {
    expect(inConfig('training_config.algorithms', ['xgboost', 'mine'])).toEqual([
      'training_config.algorithms.1: expected a name that "algorithms" describes, got "mine"; there is xgboost',
    ]);
    expect(inConfig('training_config.enabled_algorithms', { xgboost: false })).toEqual([]);
    expect(inConfig('training_config.enabled_algorithms', { mine: true })).toEqual([
      'training_config.enabled_algorithms.mine: expected a name that "training_config.algorithms" lists; there is xgboost',
    ]);
  });

  test('have grids of bounded size', () => {
    const choices = (parameters: number) =>
      Object.fromEntries(Array.from({ length: parameters }, (_, i) => [`p${i}`, [0, 1]]));
    const tooMany = 'algorithms.xgboost.param_distributions: expected values that make fewer than 2^53 combinations';
    expect(inConfig('algorithms.xgboost.param_distributions', choices(52))).not.toContain(tooMany);
    expect(inConfig('algorithms.xgboost.param_distributions', choices(53))).toContain(tooMany);
    const bytes = (length: number) => ({ n: ['x'.repeat(length - '{"n":[""]}'.length)] });
    const tooLong = 'algorithms.xgboost.param_distributions: expected at most 128 KiB of values';
    expect(inConfig('algorithms.xgboost.param_distributions', bytes(128 * 1024))).not.toContain(tooLong);
    expect(inConfig('algorithms.xgboost.param_distributions', bytes(128 * 1024 + 1))).toContain(tooLong);
  });

  const config = ModelConfig.parse({
    ...CONFIG,
    algorithms: {
      a: { ...CONFIG.algorithms.xgboost },
      b: { ...CONFIG.algorithms.xgboost },
      c: { ...CONFIG.algorithms.xgboost, timeout_hours: 7 },
    },
    training_config: {
      ...CONFIG.training_config,
      algorithms: ['a', 'b', 'c'],
      enabled_algorithms: { b: false, c: true },
    },
  });

  test('train unless they are switched off; those asked for train anyway, in the order of the config', () => {
    expect(algorithmsToTrain(config)).toEqual(['a', 'c']);
    expect(algorithmsToTrain(config, [])).toEqual(['a', 'c']);
    expect(algorithmsToTrain(config, ['b', 'a'])).toEqual(['a', 'b']);
    expect(() => algorithmsToTrain(config, ['x', 'a', 'y'])).toThrow(
      'There is no algorithm "x", "y"; this pipeline has a, b, c.',
    );
  });

  test('are found by name', () => {
    expect(algorithmConfig(config, 'c').timeout_hours).toBe(7);
    for (const name of ['x', 'constructor'])
      expect(() => algorithmConfig(config, name)).toThrow(
        `There is no algorithm "${name}"; this pipeline has a, b, c.`,
      );
  });
});

describe('schedules', () => {
  test('are of the four phases, and need everything but the days', () => {
    for (const phase of ['processing', 'training', 'inference', 'monitoring'])
      expect(Schedules.safeParse({ [phase]: SCHEDULE }).success).toBe(true);
    expect(Schedules.safeParse({ cleaning: SCHEDULE }).success).toBe(false);
    for (const field of Object.keys(SCHEDULE))
      expect(inConfig(`schedules.training.${field}`, undefined)).toHaveLength(1);
  });

  test('run on days of the month from 1 to 31, the first not after the last', () => {
    const days = (from: number, to: number) => inConfig('schedules.training.days_of_month', { from, to });
    expect([days(1, 1), days(31, 31), days(1, 31)]).toEqual([[], [], []]);
    expect(days(8, 7)).toEqual(['schedules.training.days_of_month: expected "from" on or before "to"']);
    for (const [from, to] of [
      [0, 7],
      [1, 32],
      [1.5, 7],
    ] as const)
      expect(days(from, to)).toHaveLength(1);
  });
});

describe('tasks on ECS', () => {
  test.each(['processing', 'training', 'inference', 'monitoring'])(
    '%s needs a task definition there, which is told beside other faults',
    (phase) => {
      const fault = `compute.ecs.tasks.${phase}: expected a task definition, as ${phase} runs on ecs`;
      expect(inConfig('compute', { [phase]: 'ecs' })).toEqual([fault]);
      expect(inConfig('compute', { [phase]: 'ecs', ecs: { tasks: {} }, unheard: 1 })).toContain(fault);
      expect(inConfig('compute', { [phase]: 'ecs', ecs: { tasks: { [phase]: { task_definition: 't' } } } })).toEqual(
        [],
      );
      expect(inConfig('compute', null)).toHaveLength(1);
      expect(inConfig('compute', 'ecs')).toHaveLength(1);
    },
  );

  test('log groups and prefixes are names', () => {
    const logs = (group: string, stream_prefix?: string) =>
      inConfig('compute.ecs.tasks.training.logs', { group, ...(stream_prefix === undefined ? {} : { stream_prefix }) });
    for (const group of ['/a/b', 'a.b_c-d#1', 'x'.repeat(512)]) expect(logs(group)).toEqual([]);
    for (const group of ['', 'a b', 'x'.repeat(513), 'a b/c', '/a b'])
      expect(logs(group)).toEqual(['compute.ecs.tasks.training.logs.group: expected a log group of CloudWatch']);
    expect(logs('a', '')).toHaveLength(1);
  });
});

describe("a pipeline's folder", () => {
  const read = async (change: (world: Awaited<ReturnType<typeof createMedallion>>) => unknown) => {
    const world = await createMedallion();
    await change(world);
    const path = (file: string) => join(world.root, 'conf', 'pipelines', 'visits', file);
    return { world, path, loaded: loadPipeline('visits', world.env) };
  };

  test('is read whole; its hash is of what stands in it', async () => {
    const { loaded, path, world } = await read(() => undefined);
    const first = await loaded;
    expect(first).toMatchObject({
      environment: 'dev',
      folder: path('').replace(/\/$/, ''),
      definition: { name: 'visits' },
      config: { search: { racing: false } },
      expectations: { silver: [{}, {}, {}] },
    });
    expect(first.configHash).toMatch(/^[0-9a-f]{64}$/);
    writeFileSync(path('model_config.dev.json'), `${JSON.stringify(CONF['model_config.dev.json'])}\n`);
    expect((await loadPipeline('visits', world.env)).configHash).not.toBe(first.configHash);
  });

  test('a mark of the byte order is no fault', async () => {
    await expect(
      (await read((world) => world.writeConf('expectations.json', '\uFEFF{"silver": []}'))).loaded,
    ).resolves.toMatchObject({ expectations: { silver: [] } });
  });

  test('each of what is wrong is told in words, by its file', async () => {
    const { loaded, path } = await read((world) =>
      world.writeConf('pipeline.json', { ...CONF['pipeline.json'], title: '', keys: [] }),
    );
    await expect(loaded).rejects.toThrow(
      new RegExp(`^${path('pipeline.json')} has 2 faults; correct and run again:\n  title: .*\n  keys: `),
    );
    const one = await read((world) => world.writeConf('pipeline.json', { ...CONF['pipeline.json'], title: '' }));
    await expect(one.loaded).rejects.toThrow(/ has 1 fault; correct and run again:\n {2}title: [^\n]*$/);
    const none = await read((world) => world.writeConf('pipeline.json', '[]'));
    await expect(none.loaded).rejects.toThrow(/ has 1 fault; correct and run again:\n {2}\(top level\): /);
    const key = await read((world) => world.writeConf('pipeline.json', '{"__proto__": 1}'));
    await expect(key.loaded).rejects.toThrow('  (anywhere): expected another name than "__proto__"');
    const broken = await read((world) => world.writeConf('pipeline.json', '{"name":'));
    await expect(broken.loaded).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringContaining(`${broken.path('pipeline.json')} is not valid JSON: `),
    });
  });

  test('a folder in place of a file, and an environment without a config, are told with what to do', async () => {
    const folder = await read((world) => world.env);
    mkdirSync(folder.path('model_config.prod.json'));
    await folder.loaded;
    await expect(loadPipeline('visits', { ...folder.world.env, ENVIRONMENT: 'prod' })).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: `${folder.path('model_config.prod.json')} is a folder, where a regular file is expected; give a file, or write what is read from there into one.`,
    });
    await expect(loadPipeline('visits', { ...folder.world.env, ENVIRONMENT: 'staging' })).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: `${folder.path('model_config.staging.json')} is not there; restore it, or set ENVIRONMENT to one that has it.`,
    });
    await expect(loadPipeline('visits', { ...folder.world.env, ENVIRONMENT: 'production' })).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: 'ENVIRONMENT is "production"; expected one of dev, staging, prod.',
    });
    expect([environment({}), environment({ ENVIRONMENT: '' }), environment({ ENVIRONMENT: 'prod' })]).toEqual([
      'dev',
      'dev',
      'prod',
    ]);
  });

  test('a name without a folder is told with those that there are', async () => {
    const root = temporaryFolder();
    const message = (known: string) => ({
      type: 'NotFound',
      message: `There is no pipeline "a" in ${root}/pipelines; there ${known}.`,
    });
    const env = { PERDURE_CONF: root };
    expect([confFolder(env), confFolder({})]).toEqual([root, join(packageFolder(), 'conf')]);
    expect(confFolder({ PERDURE_CONF: 'file:///srv/conf%20of%20us' })).toBe('/srv/conf of us');
    for (const [address, told] of [
      ['s3://bucket/of/us//', 's3://bucket/of/us'],
      ['s3://bucket', 's3://bucket'],
    ])
      expect(confFolder({ PERDURE_CONF: address })).toBe(told);
    for (const address of ['s3://', 's3:///conf'])
      expect(() => confFolder({ PERDURE_CONF: address })).toThrow(
        `PERDURE_CONF is "${address}"; give a folder, or an address such as s3://bucket/prefix.`,
      );
    for (const address of ['file://host/conf', 'file:///srv/100%'])
      expect(() => confFolder({ PERDURE_CONF: address })).toThrow(
        `"${address}" is no address of a file on this machine`,
      );
    await expect(loadPipeline('a', env)).rejects.toMatchObject(message('are none'));
    mkdirSync(join(root, 'pipelines', 'c'), { recursive: true });
    writeFileSync(join(root, 'pipelines', 'README'), '');
    await expect(loadPipeline('a', env)).rejects.toMatchObject(message('is c'));
    mkdirSync(join(root, 'pipelines', 'b'));
    await expect(loadPipeline('a', env)).rejects.toMatchObject(message('are b, c'));
    expect(await listPipelines(root)).toEqual(['b', 'c']);
    mkdirSync(join(root, 'pipelines', 'loans'));
    await expect(loadPipeline('laons', env)).rejects.toMatchObject({
      message: `There is no pipeline "laons" in ${root}/pipelines; did you mean "loans"?`,
    });
    for (let i = 10; i < 20; i++) mkdirSync(join(root, 'pipelines', `p${i}`));
    await expect(loadPipeline('a', env)).rejects.toMatchObject(
      message('are b, c, loans, p10, p11, p12, p13, p14, and 5 more'),
    );
  });
});
