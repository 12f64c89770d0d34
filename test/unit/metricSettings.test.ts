import { beforeEach, describe, expect, test } from 'vitest';
import { ModelConfig, PipelineDefinition } from '../../src/config/schema.js';
import { loadPipeline } from '../../src/config/load.js';
import { metricsOf } from '../../src/contracts/index.js';
import { checkModelConfig } from '../../src/stages/checkModelConfig.js';
import { preprocess } from '../../src/stages/preprocess.js';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONF, createMedallion, RUN, visitsOf, type Medallion } from '../support/medallion.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

type Config = Record<string, Record<string, unknown>>;

/** A config with other values in some of its sections. */
function configWith(sections: Config): unknown {
  const config = structuredClone(CONF['model_config.dev.json']) as unknown as Config;
  for (const [section, values] of Object.entries(sections)) config[section] = { ...config[section], ...values };
  return config;
}

const faults = (sections: Config) =>
  ModelConfig.safeParse(configWith(sections)).error?.issues.map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  ) ?? [];

describe('limits that could only do the opposite, or nothing, are refused', () => {
  test('a minimum of what is better when it is lower, and a maximum of what is better when it is higher', () => {
    expect(
      faults({
        promotion_gate: {
          minimums: { roc_auc: 0.7, log_loss: 0.3 },
          maximums: { log_loss: 0.6, accuracy: 0.9 },
        },
        retraining: { minimums: { rmse: 0.5 }, maximums: { r2: 1 } },
      }),
    ).toEqual([
      'promotion_gate.minimums.log_loss: expected a maximum, as lower is better of this metric',
      'promotion_gate.maximums.accuracy: expected a minimum, as higher is better of this metric',
      'retraining.minimums.rmse: expected a maximum, as lower is better of this metric',
      'retraining.maximums.r2: expected a minimum, as higher is better of this metric',
    ]);
  });

  test('a warning above what a distance can be', () => {
    const { monitoring_config } = CONF['model_config.dev.json'];
    const warnings = (drift_warnings: object) =>
      faults({ monitoring_config: { ...monitoring_config, drift_warnings } });
    expect(warnings({ psi: 1.5, wasserstein: 2, kolmogorov_smirnov: 0.99, jensen_shannon: 0.2 })).toEqual([]);
    expect(warnings({ kolmogorov_smirnov: 1, jensen_shannon: 5 })).toEqual([
      'monitoring_config.drift_warnings.kolmogorov_smirnov: expected less than 1, as it is never more than that',
      'monitoring_config.drift_warnings.jensen_shannon: expected less than 1, as it is never more than that',
    ]);
  });

  test('an algorithm that is listed twice', () => {
    const { training_config } = CONF['model_config.dev.json'];
    expect(faults({ training_config: { ...training_config, algorithms: ['xgboost', 'xgboost'] } })).toContain(
      'training_config.algorithms: expected every name once, got "xgboost" twice',
    );
  });
});

describe('what another task has alone', () => {
  const faults = (said: object) =>
    PipelineDefinition.safeParse({ source: 'loans.csv', ...said }).error?.issues.map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    );
  const paid = { column: 'paid', positive: 'yes' };

  test.each<[said: object, fault: string]>([
    [{ label: paid, task: 'multiclass' }, 'label.positive: expected none, as a multiclass task has no positive class'],
    [{ label: paid, task: 'regression' }, 'label.positive: expected none, as a regression task has no positive class'],
    [
      { label: 'paid', task: 'multiclass', objective: 'poisson' },
      'objective: expected none, as a multiclass task has none; it is of a regression',
    ],
    [
      { label: 'paid', task: 'binary', objective: 'squared_error' },
      'objective: expected none, as a binary task has none; it is of a regression',
    ],
    [
      { label: paid, objective: 'poisson' },
      'objective: expected none, as a binary task has none; it is of a regression',
    ],
  ])('of %j is refused', (said, fault) => expect(faults(said)).toEqual([fault]));

  test.each([
    { label: paid },
    { label: { column: 'paid' }, task: 'multiclass' },
    { label: 'paid', objective: 'poisson' },
    { label: 'paid', task: 'regression', objective: 'absolute_error' },
  ])('is not in %j', (said) => expect(faults(said)).toBeUndefined());
});

describe('days that rows do not have', () => {
  test('split no rows', () => {
    const issues = PipelineDefinition.safeParse({
      source: 'loans.csv',
      label: 'paid',
      split: { by: 'time', test: '90 days' },
    }).error?.issues;
    expect(issues?.map(({ path, message }) => `${path.join('.')}: ${message}`)).toEqual([
      'split.by: expected another split, or the day of each row in "time"',
    ]);
  });

  test('lie in no range of the model config', async () => {
    const conf = temporaryFolder();
    const folder = join(conf, 'pipelines', 'loans');
    mkdirSync(folder, { recursive: true });
    const { temporal_splits } = CONF['model_config.dev.json'];
    writeFileSync(join(folder, 'pipeline.json'), JSON.stringify({ source: 'loans.csv', label: 'paid' }));
    writeFileSync(join(folder, 'model_config.dev.json'), JSON.stringify({ temporal_splits }));
    await expect(loadPipeline('loans', { PERDURE_CONF: conf })).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: `"temporal_splits" are ranges of days, and rows have none by ${join(folder, 'pipeline.json')}; give each row's day in "time" there, or take the ranges out.`,
    });
  });
});

describe('before anything is trained', () => {
  let world: Medallion;
  beforeEach(async () => {
    world = await createMedallion();
    world.writeCsv(visitsOf(3));
  });

  const configure = (sections: Config) => world.writeConf('model_config.dev.json', configWith(sections));

  test('a split that is to choose the champion has to be there', async () => {
    configure({ model_config: { champion_metric: 'validation.roc_auc' } });
    await expect(world.perform(checkModelConfig, world.stage)).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message:
        'model_config.champion_metric chooses on the split validation, and there is none (there are train, test, oot); name another, or give validation its share or its days in the split.',
    });
  });

  // The label is yes or no: of such a task there is no r2, and a gate that asks for it would ask for nothing.
  test.each<[setting: string, Config, reason: RegExp]>([
    ['model_config.champion_metric', { model_config: { champion_metric: 'oot.rmse' } }, /names rmse/],
    ['monitoring_config.performance_metric', { monitoring_config: { performance_metric: 'mae' } }, /names mae/],
    ['promotion_gate.minimums', { promotion_gate: { minimums: { roc_auc: 0.5, r2: 0.5 } } }, /names r2/],
    ['promotion_gate.maximums', { promotion_gate: { maximums: { rmse: 3 } } }, /names rmse/],
    [
      'promotion_gate.slices.minimums',
      { evaluation: { slices: ['urgent'] }, promotion_gate: { slices: { minimums: { f1_macro: 0.5 } } } },
      /names f1_macro/,
    ],
    ['retraining.minimums', { retraining: { minimums: { r2: 0.1 } } }, /names r2/],
  ])('the metric of %s has to be one of the task', async (setting, sections, reason) => {
    await world.process();
    configure(sections);
    const trained = world.perform(preprocess, { ...world.stage, run: RUN, asOf: '2020-12-31' });
    await expect(trained).rejects.toMatchObject({
      type: 'ConfigInvalid',
      message: expect.stringMatching(
        new RegExp(
          `^${setting} ${reason.source}, which a binary task doesn't have; name one of ${metricsOf('binary').join(', ')}\\.$`,
        ),
      ) as string,
    });
  });
});
