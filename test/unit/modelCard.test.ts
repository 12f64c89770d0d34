import { expect, test } from 'vitest';
import type { TaskSpec } from '../../src/contracts/index.js';
import { modelCard, testsSection, type CardFacts } from '../../src/registry/modelCard.js';
import { signatureOf } from '../../src/registry/signature.js';
import { datasetMetadataOf, versionMetadataOf } from '../support/wholeDocuments.js';

const ref = { algorithm: 'xgboost', version: 'v20260102_030405_abc' };
const binary: TaskSpec = { task: 'binary', classes: ['stays', 'leaves'] };
const files = { feature_store: '', label_store: '' };
const split = { unlabelled: 0, checksum: '' };

/** A card whose every section has something to tell. */
const facts: CardFacts = {
  title: 'Churn *2026*',
  source: 'rows.csv',
  label: 'left',
  metadata: versionMetadataOf(ref, {
    training_date: '2026-01-02T03:04:05.000Z',
    task: binary,
    feature_count: 3,
    performance: {
      validation: {
        n: 40,
        roc_auc: 0.81236,
        accuracy: 0.9,
        confusion_matrix: [
          [30, 1],
          [3, 6],
        ],
        intervals: { roc_auc: [0.7, 0.91239] },
      },
      test: {
        n: 1,
        roc_auc: null,
        accuracy: 1,
        confusion_matrix: [
          [1, 0],
          [0, 0],
        ],
      },
    },
    best_params: { max_depth: 3, eta: 0.1 },
    cv_score: 0.71239,
    candidates: [{}, {}] as never,
    lineage: {
      config_version: 'f00d',
      config_hash: 'cafe',
      code_commit: 'abcdef',
      inputs_digest: 'd1ce',
      dataset: { id: 'train_data_1', uri: '', checksum: 'beef' },
    },
  }),
  dataset: datasetMetadataOf('train_data_1', {
    as_of: '2026-01-02',
    task: binary,
    splits: {
      train: { ...split, rows: 100, classes: [70, 30], end_date: '2025-06-30', unlabelled: 2 },
      validation: { ...split, rows: 40, classes: [31, 9], start_date: '2025-07-01', end_date: '2025-09-30' },
      test: { ...split, rows: 1, classes: [1, 0] },
    },
    partitions: { '2025_01_01': files, '2025_02_01': files },
    warnings: ['The column tenure_ is constant.'],
  }),
  signature: signatureOf({
    task: binary,
    inputs: [
      { name: 'age', kind: 'number', type: 'numeric' },
      { name: 'place', kind: 'category', type: 'categorical' },
      { name: 'since', kind: 'date', type: 'numeric' },
    ],
    transforms: {
      columns: [
        {
          column: 'age',
          kind: 'number',
          steps: [{ impute: [{ value: 41, indicator: false }] }, { clip: [[18, 90.12345]] }],
          outputs: ['age'],
        },
        {
          column: 'place',
          kind: 'category',
          steps: [{ categorical: { categories: Array.from({ length: 13 }, (_, i) => `p${i}`) } }],
          outputs: ['place'],
        },
      ],
    },
  }),
  threshold: { value: 0.41239, rule: 'best f1', split: 'validation', met: false },
  calibrator: {
    curves: [{ method: 'sigmoid', a: -1, b: 0 }],
    rows: 100,
    brier_score: { before: 0.21239, after: 0.18 },
  },
  slices: {
    min_rows: 20,
    splits: {
      validation: [
        { column: 'place', value: 'p0', rows: 30, metrics: { n: 30, roc_auc: 0.8, accuracy: 0.9 } },
        { column: 'place', value: 'p1', rows: 5, metrics: null },
      ],
      test: [{ column: 'place', value: 'p0', rows: 1, metrics: null }],
    },
  },
  importance: {
    features: Array.from({ length: 11 }, (_, i) => ({
      feature: `f${i}`,
      shap: i === 1 ? null : 11 - i,
      permutation: { mean: 0.01, std: 0.00239 },
      gain: null,
    })),
    shap: { split: 'validation', rows: 40 },
    permutation: { split: 'validation', rows: 40, metric: 'roc_auc', baseline: 0.81, repeats: 5 },
    gain: { not_measured: 'The engine has none.' },
  },
  importanceChange: {
    before: { algorithm: 'xgboost', version: 'v1' },
    kind: 'shap',
    rank_correlation: 0.5,
    features: [
      { feature: 'f0', before: 0.2, after: 0.3, change: 0.1 },
      { feature: 'f1', before: null, after: 0.05, change: 0.05 },
      { feature: 'f2', before: 0.1, after: 0.1, change: 0 },
    ],
  },
};
/** The text of one section, without its title. */
function sectionOf(card: string, title: string): string {
  const [, text] = card.split(`\n## ${title}\n\n`);
  return text!.split('\n\n## ')[0]!.trimEnd();
}

test('a card begins with its title, and has its sections in order', () => {
  const card = modelCard(facts);
  expect(card.split('\n')[0]).toBe('# Churn \\*2026\\*: xgboost v20260102_030405_abc');
  expect([...card.matchAll(/^## (.*)$/gm)].map(([, title]) => title)).toEqual([
    'Purpose',
    'Data',
    'Model',
    'Metrics',
    'Slices',
    'Importance',
    'Inputs',
    'Limits',
    'Lineage',
  ]);
  expect(card).toMatch(/[^\n]\n$/);
  // Without some of them it is the same text without these.
  const of = (title: string) => `\n## ${title}\n\n${sectionOf(card, title)}\n`;
  expect(modelCard({ ...facts, slices: undefined, importance: undefined })).toBe(
    card.replace(of('Slices'), '').replace(of('Importance'), ''),
  );
});

test('says what it predicts, of every task', () => {
  const of = (task: TaskSpec) => sectionOf(modelCard({ ...facts, metadata: { ...facts.metadata, task } }), 'Purpose');
  const predicts = (what: string) =>
    `Predicts \`left\` of each row of "Churn \\*2026\\*", which is ${what}. It is meant for rows of the same source, and says nothing of what causes what.`;
  expect(of(binary)).toBe(predicts('yes or no: the probability that it is `leaves` rather than `stays`'));
  expect(of({ task: 'multiclass', classes: ['red', 'b`ue', 'green'] })).toBe(
    predicts("one of several classes: `red`, `b'ue`, `green`"),
  );
  expect(of({ task: 'regression', objective: 'squared_error' })).toBe(predicts('a number'));
});

test('says which rows each split has', () => {
  expect(sectionOf(modelCard(facts), 'Data')).toBe(`Rows of \`rows.csv\` as they stood at 2026-01-02, in 2 partitions.

| split | rows | rows by class | days | left out without a label |
|---|---|---|---|---|
| train | 100 | 70 / 30 | the beginning to 2025-06-30 | 2 |
| validation | 40 | 31 / 9 | 2025-07-01 to 2025-09-30 |  |
| test | 1 | 1 / 0 |  |  |`);
  const regression = { ...facts.dataset, task: { task: 'regression', objective: 'squared_error' } as const };
  expect(sectionOf(modelCard({ ...facts, dataset: regression }), 'Data')).toContain('| test | 1 |  |  |  |');
});

test('says what the model is', () => {
  expect(sectionOf(modelCard(facts), 'Model').split('\n')).toEqual([
    '- xgboost of libxgboost, seed 42, of 3 columns',
    '- Parameters: max_depth = 3, eta = 0.1',
    '- Mean score of the folds 0.7124, the best of 2 candidates',
    '- Probabilities are calibrated by sigmoid, fitted on 100 rows of the training folds: their Brier score was 0.2124 before and is 0.18 after',
    '- A row is predicted positive from a probability of 0.4124 on, which has the best f1 in the split validation, as nearly as any threshold has it',
  ]);
  const plain = {
    ...facts,
    metadata: { ...facts.metadata, best_params: {}, cv_score: null },
    calibrator: undefined,
    threshold: undefined,
  };
  expect(sectionOf(modelCard(plain), 'Model').split('\n')).toEqual([
    '- xgboost of libxgboost, seed 42, of 3 columns',
    '- Parameters: the defaults of the estimator',
    '- Not cross-validated: there was a single candidate',
  ]);
  const reached = modelCard({ ...facts, threshold: { ...facts.threshold!, met: true } });
  expect(reached).toContain('which has the best f1 in the split validation\n');
  expect(reached).not.toContain('No threshold has');
  expect(modelCard({ ...facts, threshold: { value: 0.41239 } })).toContain(
    '- A row is predicted positive from a probability of 0.41239 on, as the config says\n',
  );
});

test('has the metrics of each split, and what was predicted of each class', () => {
  const metrics = sectionOf(modelCard(facts), 'Metrics');
  expect(metrics.split('\n').slice(0, 4)).toEqual([
    '| metric | validation | test |',
    '|---|---|---|',
    '| `accuracy` | 0.9 | 1 |',
    '| `balanced_accuracy` | undefined | undefined |',
  ]);
  expect(metrics).toContain('\n| `roc_auc` | 0.8124 (0.7 to 0.9124) | undefined |\n');
  expect(metrics.split('\n\n').slice(1)).toEqual([
    "In brackets: 95% percentile bootstrap: each split's rows drawn with replacement, by the seed of the config; 1,000 draws, fewer where there are many rows.",
    '| validation: actual | predicted stays | predicted leaves |\n|---|---|---|\n| stays | 30 | 1 |\n| leaves | 3 | 6 |',
    '| test: actual | predicted stays | predicted leaves |\n|---|---|---|\n| stays | 1 | 0 |\n| leaves | 0 | 0 |',
  ]);
  const task = { task: 'regression', objective: 'squared_error' } as const;
  expect(modelCard({ ...facts, metadata: { ...facts.metadata, task } })).not.toContain('actual');
});

test('has the slices of each split that has a measured one', () => {
  expect(sectionOf(modelCard(facts), 'Slices')).toBe(`| validation | rows | roc_auc | accuracy |
|---|---|---|---|
| place = p0 | 30 | 0.8 | 0.9 |
| place = p1 | 5 | too few rows | too few rows |

A slice of fewer rows than 20 is not measured.`);
  const none = { min_rows: 20, splits: {}, not_measured: 'The rows are not there.' };
  expect(sectionOf(modelCard({ ...facts, slices: none }), 'Slices')).toBe('The rows are not there.');
});

test('has of a slice what its task measures, and nothing of a split whose slices are all too small', () => {
  const slice = { column: 'place', rows: 30 };
  const slices: CardFacts['slices'] = {
    min_rows: 1,
    splits: {
      validation: [
        { ...slice, value: 'p0', metrics: null },
        {
          ...slice,
          value: 'p|1',
          metrics: { n: 30, mae: 1.23456, rmse: 2, r2: 0.5, intervals: { mae: [1, 1.56789] } },
        },
        { ...slice, value: 'p2', metrics: { n: 30, mae: null, rmse: 3 } },
      ],
      oot: [{ ...slice, value: 'p0', metrics: { n: 30, f1_macro: 0.5, log_loss: 0.25, precision: 1, recall: 0 } }],
    },
  };
  expect(sectionOf(modelCard({ ...facts, slices }), 'Slices')).toBe(`| validation | rows | rmse | mae |
|---|---|---|---|
| place = p0 | 30 | too few rows | too few rows |
| place = p\\|1 | 30 | 2 | 1.2346 (1 to 1.5679) |
| place = p2 | 30 | 3 | undefined |

| oot | rows | precision | recall | f1_macro | log_loss |
|---|---|---|---|---|---|
| place = p0 | 30 | 1 | 0 | 0.5 | 0.25 |

A slice of fewer rows than 1 is not measured.`);
});

test.each([
  ['snake_case', 'snake_case'],
  ['_private and last_', '\\_private and last\\_'],
  ['*bold* ~struck~ `code`', '\\*bold\\* \\~struck\\~ \\`code\\`'],
  ['[text](link)', '\\[text\\](link)'],
  ['C:\\rows', 'C:\\\\rows'],
  ['<script>', '&lt;script>'],
  ['two\n\n  lines', 'two lines'],
])('a title %j is told as it is, whatever Markdown makes of such signs', (title, told) => {
  const card = modelCard({ ...facts, title });
  expect(card.split('\n')[0]).toBe(`# ${told}: xgboost v20260102_030405_abc`);
  expect(sectionOf(card, 'Purpose')).toContain(`of each row of "${told}", which is`);
});

test('names of people break no line and no table, and in code they stand as they are', () => {
  const task: TaskSpec = { task: 'binary', classes: ['no|ne', '<b>_x_'] };
  const card = modelCard({
    ...facts,
    source: 'a`b\n\n# c<d.csv',
    label: 'is\nleft',
    metadata: { ...facts.metadata, task },
    signature: {
      ...facts.signature,
      inputs: [{ ...facts.signature.inputs[0]!, name: 'age|<18', missing: '`x` < `y`' }],
    },
  });
  expect(card).toContain("\nRows of `a'b # c<d.csv` as they stood at");
  expect(card).toContain('\nPredicts `is left` of each row');
  expect(card).toContain('\n| `age\\|<18` | number | 18 to 90.1235 | `x` &lt; `y` | is moved to the nearer bound |\n');
  expect(card).toContain('\n| validation: actual | predicted no\\|ne | predicted &lt;b>\\_x\\_ |\n');
  expect(card).toContain('\n| no\\|ne | 30 | 1 |\n');
  // What is no code has no backticks of its own.
  const slices = { min_rows: 20, splits: {}, not_measured: 'The rows ` < are not there.' };
  expect(sectionOf(modelCard({ ...facts, slices }), 'Slices')).toBe('The rows ` &lt; are not there.');
  expect(modelCard({ ...facts, title: '`<b>`' }).split('\n')[0]).toMatch(/^# \\`&lt;b>\\`: /);
});

test('has the ten most important features, by each kind that was measured, and what has changed', () => {
  const importance = sectionOf(modelCard(facts), 'Importance').split('\n');
  expect(importance.slice(0, 4)).toEqual([
    '| feature | mean \\|SHAP\\| | permutation |',
    '|---|---|---|',
    '| `f0` | 11 | 0.01 ± 0.0024 |',
    '| `f1` | not measured | 0.01 ± 0.0024 |',
  ]);
  expect(importance.slice(11)).toEqual([
    '| `f9` | 2 | 0.01 ± 0.0024 |',
    '',
    '- Mean |SHAP| is by how much a feature moves the score of a row, before calibration, on the average of 40 rows of validation',
    '- Permutation importance is by how much roc_auc, 0.81 on 40 rows of validation, gets worse when the values of a feature change places: mean and standard deviation of 5 times',
    '- Gain was not measured: The engine has none',
    '- Against version v1: the rank correlation of the features is 0.50 (Spearman) by mean |SHAP|; of the shares most changed: f0 from 20.0% to 30.0%, f1 from none to 5.0%',
  ]);
  const unknown = { ...facts.importanceChange!, unknown: 'v1 has no importance' } as CardFacts['importanceChange'];
  expect(modelCard({ ...facts, importanceChange: unknown })).toContain(
    '\n- Against version v1: not known, as v1 has no importance\n',
  );
  expect(modelCard({ ...facts, importanceChange: undefined })).not.toContain('Against');
});

test('says what its inputs may be, of which it names a dozen categories', () => {
  expect(sectionOf(modelCard(facts), 'Inputs')).toBe(`| column | type | values | a missing value | another value |
|---|---|---|---|---|
| \`age\` | number | 18 to 90.1235 | becomes 41 | is moved to the nearer bound |
| \`place\` | text | p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, and 1 more | stays missing | is missing |
| \`since\` | date | any | stays missing | is taken as it is |

A prediction has \`probability\`, \`label\`. \`signature.json\` has all of this.`);
});

test('says where it ends, and what it was made from', () => {
  const card = modelCard(facts);
  expect(sectionOf(card, 'Limits').split('\n')).toEqual([
    '- The metrics are of 40 rows of validation and 1 row of test, and hold for rows like these.',
    '- The threshold was chosen on the rows of validation, so what is measured at it there is too good.',
    '- No threshold has best f1 there; the nearest one is used.',
    '- The column tenure\\_ is constant.',
    '- Whether it passes the model tests, and may take the place of the champion, is decided after this was written; "perdure models show" has the verdicts.',
  ]);
  expect(sectionOf(card, 'Lineage')).toBe(`|  |  |
|---|---|
| version | xgboost v20260102_030405_abc |
| trained | 2026-01-02T03:04:05.000Z |
| run | train run |
| pipeline | tiny, dev |
| config | f00d |
| code | abcdef, package 0.1.0 |
| dataset | train_data_1 beef |
| gold files | d1ce |
| model file | c0ffee |`);
  const { config_version: _, ...lineage } = facts.metadata.lineage;
  const early = { ...facts.metadata, lineage: { ...lineage, code_commit: null } };
  const told = sectionOf(modelCard({ ...facts, metadata: early, threshold: { value: 0.5 } }), 'Lineage');
  expect(told).toContain('| config | cafe |\n| code | commit unknown, package 0.1.0 |');
});

test('says in singular and plural of how much it is made', () => {
  const one: CardFacts = {
    ...facts,
    metadata: { ...facts.metadata, feature_count: 1, candidates: [{}] as never },
    dataset: { ...facts.dataset, partitions: { '2025_01_01': files }, warnings: [] },
    calibrator: { ...facts.calibrator!, rows: 1234 },
    threshold: undefined,
  };
  const card = modelCard(one);
  expect(card).toContain('as they stood at 2026-01-02, in 1 partition.');
  expect(card).toContain('seed 42, of 1 column\n');
  expect(card).toContain('the best of 1 candidate\n');
  expect(card).toContain('fitted on 1,234 rows of the training folds');
  expect(sectionOf(card, 'Limits').split('\n')).toHaveLength(2);
});

test('the model tests of a version are a section of their own', () => {
  expect(testsSection(undefined)).toBe('## Model tests\n\nIt was not tested.');
  expect(
    testsSection({
      tested_at: '2026-01-02T03:04:05.000Z',
      by: { workflow_id: '', run_id: '' },
      resources: '1x2',
      passed: false,
      tests: [
        { test: 'latency_ms', expected: '<= 50', actual: 3.20004, passed: true },
        { test: 'invariance', expected: '0', actual: null, passed: false },
      ],
    }),
  ).toBe(`## Model tests

| test | value | limit | verdict |
|---|---|---|---|
| \`latency_ms\` | 3.2 | &lt;= 50 | passed |
| \`invariance\` | not measured | 0 | failed |

Measured 2026-01-02T03:04:05.000Z with 1 vCPU and 2 GiB.`);
  const tested = { tested_at: 'today', by: { workflow_id: '', run_id: '' }, passed: true, tests: [] };
  expect(testsSection({ ...tested, resources: '2x3.14159' })).toMatch(
    /\n\nMeasured today with 2 vCPUs and 3\.1 GiB\.$/,
  );
});
