import { beforeAll, describe, expect, test } from 'vitest';
import { loadPipeline } from '../../src/config/load.js';
import { datasetKey } from '../../src/data/dataset.js';
import { historyKey } from '../../src/data/goldHistory.js';
import { manifestKey } from '../../src/data/layers.js';
import { aliasKey, latestKey } from '../../src/registry/pointers.js';
import { versionKey } from '../../src/registry/versions.js';
import { Policies } from './policies.js';
import { synthesize } from './template.js';

let policies: Policies;
let buckets: Record<'datamart' | 'modelRegistry' | 'predictions' | 'monitoring', string>;

beforeAll(async () => {
  policies = new Policies((await synthesize()).perdure);
  const { storage, model_config } = (await loadPipeline('readmission', { ...process.env, ENVIRONMENT: 'prod' })).config;
  buckets = {
    datamart: storage.datamart_bucket,
    modelRegistry: model_config.model_registry_bucket,
    predictions: storage.predictions_bucket,
    monitoring: storage.monitoring_bucket,
  };
});

const ORCHESTRATOR = 'diab-readmit-demo-worker-orchestrator';
/** It launches the stages that run as tasks of their own. */
const DISPATCHER = 'diab-readmit-demo-worker-data-processing';
const PIPELINE_TASK = 'diab-readmit-demo-pipeline';
/** Each stage may run in the worker or as a task of its own, so both may do what stages do. */
const DATA_PROCESSING = [DISPATCHER, PIPELINE_TASK];
const MODEL_TRAINING = ['diab-readmit-demo-worker-model-training', 'diab-readmit-demo-model-training'];

type Verb = 'GetObject' | 'PutObject' | 'DeleteObject';
type Wish = [Verb, keyof typeof buckets, string];

const VERSION = { algorithm: 'xgboost', version: 'v20261121_134529_2722c3c3' };
const DATASET = 'train_data_20261121_134529_2722c3c3';

const TASK_INPUT = 'tasks/0123abcd/input.json';
const TASK_CHECKPOINT = 'tasks/0123abcd/input.checkpoint.json';
const TASK_RESULT = 'tasks/0123abcd/launch-1/result.json';
const BRONZE = 'bronze/diabetes/bronze_diabetes_monthly_2005_03.parquet';
const SILVER = 'silver/diabetes/silver_diabetes_monthly_2005_03.parquet';
const FEATURES = 'gold/feature_store/gold_feature_store_2005_03.parquet';
const LABELS = 'gold/label_store/gold_label_store_2005_03.parquet';

/** What they were before. */
const HISTORIES = [
  'gold/feature_store/gold_feature_store_{partition}.parquet',
  'gold/label_store/gold_label_store_{partition}.parquet',
].map((path) => historyKey(path, '2005_03', 'b'));

function may(family: string, [verb, bucket, key]: Wish): boolean {
  return policies.allows(family, { action: `s3:${verb}`, resource: `arn:aws:s3:::${buckets[bucket]}/${key}` });
}

function refused(families: string[], wishes: Wish[]): Wish[] {
  return wishes.filter((wish) => !families.every((family) => may(family, wish)));
}

function granted(families: string[], wishes: Wish[]): Wish[] {
  return wishes.filter((wish) => families.some((family) => may(family, wish)));
}

describe('model training', () => {
  test('may do what its activities do', () => {
    const wishes: Wish[] = [
      ...[manifestKey('gold'), FEATURES, LABELS, ...HISTORIES].map((key): Wish => ['GetObject', 'datamart', key]),
      ...(
        ['train_processed.parquet', 'transforms.json', 'profile.json', 'trained_rows.parquet', 'metadata.json'] as const
      ).flatMap((file): Wish[] => [
        ['GetObject', 'datamart', datasetKey(DATASET, file)],
        ['PutObject', 'datamart', datasetKey(DATASET, file)],
      ]),
      ['PutObject', 'datamart', 'gold/preprocessed/latest.json'],
      ...(
        [
          'model.ubj',
          'metadata.json',
          'performance.json',
          'preprocessing.json',
          'profile.json',
          'reference_scores.parquet',
          'background.json',
          'calibrator.json',
          'card.md',
          'importance.json',
          'signature.json',
          'slices.json',
          'threshold.json',
          'trained_rows.parquet',
        ] as const
      ).flatMap((file): Wish[] => [
        ['GetObject', 'modelRegistry', versionKey(VERSION, file)],
        ['PutObject', 'modelRegistry', versionKey(VERSION, file)],
      ]),
      ['PutObject', 'modelRegistry', latestKey('xgboost')],
      ['PutObject', 'modelRegistry', 'model_registry/random_forest/versions.json'],
    ];
    expect(refused(MODEL_TRAINING, wishes)).toEqual([]);
  });

  test('is told and answers by documents of the store as a task alone', () => {
    const documents: Wish[] = [
      ['GetObject', 'datamart', TASK_INPUT],
      ['GetObject', 'datamart', TASK_CHECKPOINT],
      ['PutObject', 'datamart', TASK_CHECKPOINT],
      ['PutObject', 'datamart', TASK_RESULT],
    ];
    const [worker, task] = MODEL_TRAINING as [string, string];
    expect(refused([task], documents)).toEqual([]);
    expect(granted([worker], documents)).toEqual([]);
  });

  test('reads no raw data', () => {
    const wishes = [BRONZE, SILVER, manifestKey('bronze'), manifestKey('silver'), 'raw/diabetic_data.csv'].map(
      (key): Wish => ['GetObject', 'datamart', key],
    );
    expect(granted(MODEL_TRAINING, wishes)).toEqual([]);
  });

  test('moves no alias, and reads none', () => {
    const wishes = ['champion', 'challenger', 'production'].flatMap((alias) =>
      (['GetObject', 'PutObject', 'DeleteObject'] as const).map((verb): Wish => [
        verb,
        'modelRegistry',
        aliasKey(alias),
      ]),
    );
    expect(granted(MODEL_TRAINING, wishes)).toEqual([]);
  });

  test('neither changes gold nor deletes anything, and touches neither predictions nor reports', () => {
    expect(
      granted(MODEL_TRAINING, [
        ['PutObject', 'datamart', FEATURES],
        ['PutObject', 'datamart', HISTORIES[0]!],
        ['PutObject', 'datamart', manifestKey('gold')],
        ['DeleteObject', 'datamart', FEATURES],
        ['DeleteObject', 'modelRegistry', versionKey(VERSION, 'model.ubj')],
        ['GetObject', 'predictions', 'index.json'],
        ['PutObject', 'predictions', 'predictions_2026-11-21.parquet'],
        ['PutObject', 'monitoring', 'reports/latest.json'],
      ]),
    ).toEqual([]);
  });
});

describe('data processing', () => {
  test('may do what its activities do', () => {
    const wishes: Wish[] = [
      ['GetObject', 'datamart', 'raw/diabetic_data.csv'],
      ['PutObject', 'datamart', TASK_INPUT],
      ['GetObject', 'datamart', TASK_RESULT],
      ...[
        BRONZE,
        SILVER,
        FEATURES,
        LABELS,
        ...HISTORIES,
        'silver/duplicates.parquet',
        ...(['bronze', 'silver', 'gold'] as const).map(manifestKey),
      ].flatMap((key): Wish[] => [
        ['GetObject', 'datamart', key],
        ['PutObject', 'datamart', key],
      ]),
      ['GetObject', 'modelRegistry', versionKey(VERSION, 'model.ubj')],
      ['GetObject', 'modelRegistry', aliasKey('champion')],
      ...(['GetObject', 'PutObject'] as const).flatMap((verb): Wish[] => [
        [verb, 'predictions', 'index.json'],
        [verb, 'predictions', 'predictions_2026-11-21.parquet'],
      ]),
    ];
    expect(refused(DATA_PROCESSING, wishes)).toEqual([]);
  });

  const operations: Wish[] = [
    // The gate leaves its working with the challenger.
    ['PutObject', 'modelRegistry', versionKey(VERSION, 'promotion.json')],
    // So do the model tests with what they measured.
    ['PutObject', 'modelRegistry', versionKey(VERSION, 'readiness.json')],
    ['PutObject', 'modelRegistry', aliasKey('staging')],
    ['PutObject', 'modelRegistry', aliasKey('champion')],
    // A failed run's version is discarded.
    ['DeleteObject', 'modelRegistry', versionKey(VERSION, 'model.ubj')],
    ...(['GetObject', 'PutObject'] as const).flatMap((verb): Wish[] => [
      [verb, 'monitoring', 'reports/report_2026-11-21_20261121_134529_2722c3c3.json'],
      [verb, 'monitoring', 'reports/latest.json'],
      [verb, 'monitoring', 'alerts/readmission/drift/xgboost.json'],
    ]),
  ];

  test('decides, tells and clears up in the worker alone', () => {
    // The gate looks up the dataset that the challenger was trained on.
    expect(
      refused([DISPATCHER], [...operations, ['GetObject', 'datamart', datasetKey(DATASET, 'metadata.json')]]),
    ).toEqual([]);
    expect(granted([PIPELINE_TASK], operations)).toEqual([]);
  });

  test('neither forges a model nor deletes data, registered indexes or aliases', () => {
    expect(
      granted(DATA_PROCESSING, [
        ['PutObject', 'modelRegistry', versionKey(VERSION, 'model.ubj')],
        ['PutObject', 'modelRegistry', latestKey('xgboost')],
        ['PutObject', 'datamart', 'raw/diabetic_data.csv'],
        ['PutObject', 'datamart', datasetKey(DATASET, 'train_processed.parquet')],
        ['DeleteObject', 'datamart', BRONZE],
        ['DeleteObject', 'modelRegistry', 'model_registry/xgboost/versions.json'],
        ['DeleteObject', 'modelRegistry', aliasKey('champion')],
        ['DeleteObject', 'predictions', 'index.json'],
      ]),
    ).toEqual([]);
  });
});

test('the orchestrator may do nothing: its work is with Temporal alone', () => {
  expect(policies.actionsOf(ORCHESTRATOR)).toEqual([]);
});

describe('the one that dispatches tasks', () => {
  const cluster = 'arn:aws:ecs:eu-west-1:123456789012:cluster/diab-readmit-demo';
  const context = { 'ecs:cluster': cluster };
  const definition = (family: string) => `arn:aws:ecs:eu-west-1:123456789012:task-definition/${family}:7`;
  const task = (name: string) => `arn:aws:ecs:eu-west-1:123456789012:task/${name}/0123456789abcdef`;
  const passing = { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' };

  test('runs the two definitions in its cluster, looks at their tasks, stops them and reads their logs', () => {
    for (const family of ['diab-readmit-demo-pipeline', 'diab-readmit-demo-model-training']) {
      expect(policies.allows(DISPATCHER, { action: 'ecs:RunTask', resource: definition(family), context })).toBe(true);
      for (const which of ['TaskRoleArn', 'ExecutionRoleArn'] as const) {
        expect(
          policies.allows(DISPATCHER, {
            action: 'iam:PassRole',
            resource: policies.roleArn(family, which),
            context: passing,
          }),
        ).toBe(true);
      }
      const stream = `arn:aws:logs:eu-west-1:123456789012:log-group:/perdure/${family}:log-stream:perdure/perdure/0123456789abcdef`;
      expect(policies.allows(DISPATCHER, { action: 'logs:GetLogEvents', resource: stream })).toBe(true);
    }
    for (const action of ['ecs:DescribeTasks', 'ecs:StopTask', 'ecs:ListTasks']) {
      expect(policies.allows(DISPATCHER, { action, resource: task('diab-readmit-demo'), context })).toBe(true);
    }
  });

  test('runs nothing else and passes no other role', () => {
    expect(
      policies.allows(DISPATCHER, { action: 'ecs:RunTask', resource: definition('something-else'), context }),
    ).toBe(false);
    expect(
      policies.allows(DISPATCHER, {
        action: 'ecs:RunTask',
        resource: definition('diab-readmit-demo-pipeline'),
        context: { 'ecs:cluster': `${cluster}-other` },
      }),
    ).toBe(false);
    expect(policies.allows(DISPATCHER, { action: 'ecs:StopTask', resource: task('other'), context })).toBe(false);
    for (const family of [ORCHESTRATOR, DISPATCHER, MODEL_TRAINING[0]!]) {
      expect(
        policies.allows(DISPATCHER, { action: 'iam:PassRole', resource: policies.roleArn(family), context: passing }),
      ).toBe(false);
    }
  });

  test('is the data-processing worker alone', () => {
    for (const family of [...DATA_PROCESSING, ...MODEL_TRAINING].filter((name) => name !== DISPATCHER)) {
      expect(policies.actionsOf(family).filter((action) => !/^(s3|kms):/.test(action))).toEqual([]);
    }
  });
});

test('no role has a wildcard for an action', () => {
  for (const family of [...DATA_PROCESSING, ...MODEL_TRAINING]) {
    expect(policies.actionsOf(family).filter((action) => action.includes('*'))).toEqual([]);
  }
});
