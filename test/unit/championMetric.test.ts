import { describe, expect, test } from 'vitest';
import type { Pipeline } from '../../src/config/load.js';
import type { TaskSpec } from '../../src/contracts/index.js';
import {
  baselineSplit,
  championMetric,
  checkChampionSplit,
  checkMetrics,
  scoringOf,
  watchedMetric,
} from '../../src/registry/championMetric.js';
import { pipelineOf } from '../support/storedTables.js';

const BINARY: TaskSpec = { task: 'binary', classes: ['no', 'yes'] };
const SEVERAL: TaskSpec = { task: 'multiclass', classes: ['a', 'b', 'c'] };
const numbers = (objective: 'squared_error' | 'absolute_error' | 'poisson'): TaskSpec => ({
  task: 'regression',
  objective,
});

/** A pipeline whose rows are split by chance, by the settings that choose metrics. */
function pipeline({ split, ...config }: Record<string, object> = {}): Pipeline {
  const rest = { model_config: {}, monitoring_config: {}, promotion_gate: {}, retraining: {}, search: {} };
  return pipelineOf(split === undefined ? {} : { split }, { ...rest, ...config });
}

const champion = (champion_metric: string) => pipeline({ model_config: { champion_metric } });

describe('the champion is chosen', () => {
  test.each([
    [BINARY, 'roc_auc'],
    [SEVERAL, 'log_loss'],
    [numbers('squared_error'), 'rmse'],
    [numbers('absolute_error'), 'mae'],
    [numbers('poisson'), 'mean_poisson_deviance'],
  ] as const)('by the metric of the task $task, where nothing is said', (task, metric) => {
    expect(championMetric(pipeline(), task)).toEqual({ split: 'validation', metric });
  });

  test('on the last split where no rows are kept for choosing', () => {
    const split = { by: 'random', test: 0.3 };
    expect(championMetric(pipeline({ split }), BINARY)).toEqual({ split: 'test', metric: 'roc_auc' });
  });

  test('as the config says', () => {
    expect(championMetric(champion('test.accuracy'), BINARY)).toEqual({ split: 'test', metric: 'accuracy' });
  });

  test('on a split that is there, else what there is is told', () => {
    expect(() => checkChampionSplit(champion('test.roc_auc'))).not.toThrow();
    expect(() => checkChampionSplit(pipeline())).not.toThrow();
    expect(() => checkChampionSplit(champion('oot.roc_auc'))).toThrow(
      'model_config.champion_metric chooses on the split oot, and there is none (there are train, validation, test); name another, or give oot its share or its days in the split.',
    );
  });
});

test('monitoring watches what its config says, else what chooses the champion', () => {
  expect(watchedMetric(champion('test.accuracy'), BINARY)).toBe('accuracy');
  const watched = pipeline({ monitoring_config: { performance_metric: 'recall' } });
  expect(watchedMetric(watched, BINARY)).toBe('recall');
});

test.each<[string, Record<string, object>, string]>([
  ['model_config.champion_metric', { model_config: { champion_metric: 'test.rmse' } }, 'rmse'],
  ['monitoring_config.performance_metric', { monitoring_config: { performance_metric: 'mae' } }, 'mae'],
  ['promotion_gate.minimums', { promotion_gate: { minimums: { r2: 0.5 } } }, 'r2'],
  ['promotion_gate.maximums', { promotion_gate: { maximums: { rmse: 2 } } }, 'rmse'],
  ['promotion_gate.slices.minimums', { promotion_gate: { slices: { minimums: { r2: 0.5 } } } }, 'r2'],
  ['promotion_gate.slices.maximums', { promotion_gate: { slices: { maximums: { mae: 1 } } } }, 'mae'],
  ['retraining.minimums', { retraining: { minimums: { r2: 0.5 } } }, 'r2'],
  ['retraining.maximums', { retraining: { maximums: { mae: 1 } } }, 'mae'],
])('a metric that the task has not is refused in %s, with those that it has', (setting, config, metric) => {
  expect(() => checkMetrics(pipeline(config), numbers('squared_error'))).not.toThrow();
  expect(() => checkMetrics(pipeline(config), BINARY)).toThrow(
    expect.objectContaining({
      type: 'ConfigInvalid',
      message: expect.stringMatching(
        new RegExp(`^${setting} names ${metric}, which a binary task doesn't have; name one of .*roc_auc.*\\.$`),
      ) as string,
    }),
  );
});

test('monitoring compares with the split that is nearest to what the model will meet', () => {
  const all = { train: 1, validation: 1, test: 1, oot: 1 };
  expect(baselineSplit(all)).toBe('test');
  expect(baselineSplit({ ...all, test: undefined })).toBe('oot');
  expect(baselineSplit({ train: 1, validation: 1 })).toBe('validation');
  expect(baselineSplit({ train: 1 })).toBe('train');
});

test('a search maximises what its config says, else what the task has; what the task has not is refused', () => {
  expect(scoringOf({ search: {} }, SEVERAL)).toBe('neg_log_loss');
  expect(scoringOf({ search: { scoring: 'accuracy' } }, SEVERAL)).toBe('accuracy');
  expect(() => scoringOf({ search: { scoring: 'r2' } }, SEVERAL)).toThrow(
    /^search\.scoring names r2, which a multiclass task doesn't have; name one of (\w+, )*neg_log_loss(, \w+)*\.$/,
  );
});
