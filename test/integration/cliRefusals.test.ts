import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadPipeline } from '../../src/config/load.js';
import { packageFolder } from '../../src/package.js';
import { perdure } from '../support/perdure.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const PIPELINE = 'readmission';

interface Refusal {
  args: string[];
  env?: NodeJS.ProcessEnv;
  /** Puts what the case needs into the folder. */
  given?: (folder: string) => void | Promise<void>;
  type: string;
  says: RegExp;
}

/** Nobody listens there. */
const STORE_AWAY = {
  PERDURE_STORE: 's3://',
  AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1',
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
};

const REFUSALS: Record<string, Refusal> = {
  'a missing file': {
    args: ['run', PIPELINE, '--csv', 'nowhere.csv'],
    type: 'InputInvalid',
    says: /^There is no file \S+nowhere\.csv; .+$/,
  },
  'a CSV short of a column': {
    args: ['process', PIPELINE, '--csv', 'short.csv'],
    given: async (folder) => {
      const columns = Object.keys((await loadPipeline(PIPELINE)).definition.source.columns);
      writeFileSync(join(folder, 'short.csv'), `${columns.filter((column) => column !== 'insulin').join(',')}\n`);
    },
    type: 'InputInvalid',
    says: /^\S+short\.csv lacks the column insulin; .+$/,
  },
  'a missing file of labels': {
    args: ['run', 'late', '--labels', 'nowhere.csv'],
    env: { PERDURE_CONF: 'conf' },
    given: (folder) => {
      mkdirSync(join(folder, 'conf', 'pipelines', 'late'), { recursive: true });
      const definition = { source: 'table.csv', key: 'id', label: 'gone', labels: { file: 'labels.csv' } };
      writeFileSync(join(folder, 'conf', 'pipelines', 'late', 'pipeline.json'), JSON.stringify(definition));
    },
    type: 'InputInvalid',
    says: /^There is no file \S+nowhere\.csv; .+$/,
  },
  'labels of a pipeline that has them in its source': {
    args: ['run', PIPELINE, '--labels', 'labels.csv'],
    type: 'InputInvalid',
    says: /^The labels of readmission are in its source; leave --labels out, or .+$/,
  },
  'a CSV on the web': {
    args: ['run', PIPELINE, '--csv', 'https://example.org/a.csv'],
    type: 'InputInvalid',
    says: /^https:\/\/example\.org\/a\.csv is neither a path nor an address that begins with s3:\/\/ or file:\/\/; download .+$/,
  },
  'a CSV on the web, to become a pipeline': {
    args: ['init', 'web', '--csv', 'https://example.org/a.csv', '--label', 'y'],
    type: 'InputInvalid',
    says: /^https:\/\/example\.org\/a\.csv is neither a path nor an address .+; download the file and name its path\.$/,
  },
  'a CSV in a bucket, to become a pipeline': {
    args: ['init', 'bucket', '--csv', 's3://bucket/a.csv', '--label', 'y'],
    type: 'InputInvalid',
    says: /^s3:\/\/bucket\/a\.csv is an address, and init looks at a file of this machine; download it .+$/,
  },
  'an unknown pipeline': {
    args: ['run', 'nothing'],
    type: 'NotFound',
    says: /^There is no pipeline "nothing" in .+$/,
  },
  'an unknown algorithm': {
    args: ['train', PIPELINE, '--algorithm', 'oracle'],
    type: 'NotFound',
    says: /^There is no algorithm "oracle"; this pipeline has logistic_regression, random_forest, xgboost\.$/,
  },
  'an unknown algorithm in the environment': {
    args: ['train', PIPELINE, '--local'],
    env: { ALGORITHM: 'oracle' },
    type: 'NotFound',
    says: /^There is no algorithm "oracle"; .+$/,
  },
  'an unknown environment': {
    args: ['status', PIPELINE],
    env: { ENVIRONMENT: 'moon' },
    type: 'ConfigInvalid',
    says: /^ENVIRONMENT is "moon"; expected one of dev, staging, prod\.$/,
  },
  'a Temporal server that does not answer': {
    args: ['run', PIPELINE],
    env: { TEMPORAL_ADDRESS: '127.0.0.1:1' },
    type: 'TemporalUnavailable',
    says: /^No Temporal server answers for namespace "default" at 127\.0\.0\.1:1 .+$/,
  },
  'a store that does not answer': {
    args: ['run', PIPELINE],
    env: STORE_AWAY,
    type: 'StoreUnavailable',
    says: /^s3:\/\/\S+ can't be reached \(connect ECONNREFUSED 127\.0\.0\.1:1\); see that the store is up, and that .+$/,
  },
  'a store that does not answer, to a training here': {
    args: ['train', PIPELINE, '--local'],
    env: STORE_AWAY,
    type: 'StoreUnavailable',
    says: /ECONNREFUSED/,
  },
  'a store that is a file': {
    args: ['process', PIPELINE, '--store', 'store'],
    given: (folder) => writeFileSync(join(folder, 'store'), ''),
    type: 'StoreRefused',
    says: /^The store's folder \S+store can't be written \(it is not a folder\); .+$/,
  },
  'a model that is not there': {
    args: ['models', 'show', PIPELINE],
    type: 'NotFound',
    says: /^No model is registered yet: train one first\.$/,
  },
  'a name that is neither algorithm nor alias': {
    args: ['models', 'show', PIPELINE, 'oracle'],
    type: 'NotFound',
    says: /^There is no algorithm or alias "oracle"; .+$/,
  },
};

describe('is one plain sentence, a code of 1 and nothing written:', () => {
  test.for(Object.entries(REFUSALS))('%s', async ([, { args, env, given, type, says }]) => {
    const folder = temporaryFolder();
    await given?.(folder);
    const before = readdirSync(folder);

    const { code, stdout, stderr } = await perdure(folder, [...args, '--json'], env);

    expect(code).toBe(1);
    const { error } = JSON.parse(stdout) as { error: { type: string; message: string } };
    expect(error.type).toBe(type);
    expect(error.message).toMatch(says);
    expect(stderr).toBe(`perdure: ${error.message}\n`);
    expect(readdirSync(folder)).toEqual(before);
  });
});

test('workers are not started beside a store that does not answer', async () => {
  const folder = temporaryFolder();
  const { code, stderr } = await perdure(folder, ['up'], STORE_AWAY);

  expect({ code, lines: stderr.trimEnd().split('\n').length }, stderr).toEqual({ code: 1, lines: 1 });
  expect(stderr).toContain('ECONNREFUSED');
  expect(readdirSync(folder)).toEqual([]);
});

describe('a name that could lead elsewhere is refused in one line, before anything is started:', () => {
  const pipelines = ['run', 'steward state', 'schedules diff'].map((command) => [
    `a pipeline of "${command}"`,
    [...command.split(' '), '../other'],
  ]);
  const names: [string, string[]][] = [
    ['an algorithm', ['train', PIPELINE, '--algorithm', '../other']],
    ['an alias', ['models', 'show', PIPELINE, '../other']],
    ['a version', ['models', 'show', PIPELINE, 'xgboost', '../other']],
    ['a version behind its algorithm', ['models', 'promote', PIPELINE, 'xgboost/../other', '--reason', 'none']],
  ];
  test.for([...pipelines, ...names] as [string, string[]][])('%s', ([, args]) => expectRefusal(args, '../other'));

  test.for(["o'hara", 'two\nlines'])('a pipeline called %j', (name) => expectRefusal(['status', name], name));

  async function expectRefusal(args: string[], name: string): Promise<void> {
    const folder = temporaryFolder();
    const { code, stdout, stderr } = await perdure(folder, args);
    expect({ code, stdout, lines: stderr.trimEnd().split('\n').length }, stderr).toEqual({
      code: 1,
      stdout: '',
      lines: 1,
    });
    expect(stderr).toContain(JSON.stringify(name));
    expect(readdirSync(folder)).toEqual([]);
  }
});

describe('wrong usage', () => {
  test.for([
    ['no command', []],
    ['an unknown command', ['frobnicate']],
    ['a missing pipeline', ['run']],
    ['a date that is none', ['run', PIPELINE, '--as-of', 'yesterday']],
  ] as [string, string[]][])('%s exits with 2, tells on stderr, and prints nothing', async ([, args]) => {
    const { code, stdout, stderr } = await perdure(temporaryFolder(), args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/--help|Usage:/);
  });
});

describe('doctor', () => {
  test('finds all that is needed where it is, and writes nothing', async () => {
    const folder = temporaryFolder();
    const { code, stdout } = await perdure(folder, ['doctor', '--json']);
    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: { name: string; status: string }[] };
    expect({ code, ok }).toEqual({ code: 0, ok: true });
    expect(findings.filter(({ status }) => status === 'ok').map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'Node.js',
        'temporal',
        'libxgboost',
        `config of ${PIPELINE}`,
        'object store',
        'Temporal',
      ]),
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  test('tells every fault of a config, a store that is a file, and an unreachable Temporal at once', async () => {
    const folder = temporaryFolder();
    cpSync(join(packageFolder(), 'conf'), join(folder, 'conf'), { recursive: true });
    const path = join(folder, 'conf/pipelines', PIPELINE, 'model_config.dev.json');
    writeFileSync(
      path,
      readFileSync(path, 'utf8')
        .replace(/"cv_folds": \d+/, '"cv_folds": 1')
        .replace(/"n_iter_search": \d+/, '"n_iter_search": "many"'),
    );
    writeFileSync(join(folder, 'store'), '');

    const env = { PERDURE_CONF: 'conf', TEMPORAL_ADDRESS: '127.0.0.1:1' };
    const { code, stdout } = await perdure(folder, ['doctor', '--store', 'store'], env);

    expect(code).toBe(1);
    expect(stdout).toMatch(/✖ config of readmission .+ has 2 faults/);
    expect(stdout).toContain('model_config.cv_folds: ');
    expect(stdout).toContain('model_config.n_iter_search: ');
    expect(stdout).toMatch(/✖ object store .+ \(it is not a folder\)/);
    expect(stdout).toMatch(/✖ Temporal .+ 127\.0\.0\.1:1/);
  });
});

test('help comes for the program and for every command, with examples for a pipeline that is there', async () => {
  const folder = temporaryFolder();
  const program = await perdure(folder, ['--help']);
  expect(program).toMatchObject({ code: 0, stderr: '' });
  // The first of those in conf.
  expect(program.stdout).toContain('perdure run churn');
  for (const command of [
    'run',
    'process',
    'train',
    'predict',
    'monitor',
    'up',
    'status',
    'models',
    'data',
    'setup',
    'doctor',
  ]) {
    expect(program.stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
  }
  const run = await perdure(folder, ['run', '--help']);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  for (const option of ['--csv', '--as-of', '--algorithm', '--reason', '--json', '--store'])
    expect(run.stdout).toContain(option);
});
