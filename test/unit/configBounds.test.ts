import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isMoment } from '../../src/contracts/index.js';
import { ModelConfig, PipelineDefinition } from '../../src/config/schema.js';
import { lastLabelledDay } from '../../src/data/labels.js';
import { dayOf } from '../../src/data/partitions.js';
import { CONF } from '../support/medallion.js';

type Schema = {
  type?: string | string[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  [key: string]: unknown;
};

/** Every number of a JSON schema by its path, but values of parameters, which their estimators check. */
function numbersOf(schema: unknown, path: string[] = []): [string, Schema][] {
  if (typeof schema !== 'object' || schema === null || /param/.test(path.at(-1) ?? '')) return [];
  const own = schema as Schema;
  const found: [string, Schema][] =
    own.type === 'number' || own.type === 'integer'
      ? [[path.filter((part) => part !== 'properties').join('.'), own]]
      : [];
  return [...found, ...Object.entries(own).flatMap(([key, value]) => numbersOf(value, [...path, key]))];
}

describe('numbers of a config', () => {
  const numbers = [ModelConfig, PipelineDefinition].flatMap((schema) =>
    numbersOf(z.toJSONSchema(schema, { io: 'input' })),
  );

  test('are found', () => {
    expect(numbers.length).toBeGreaterThan(40);
  });

  test.each(numbers)('%s has both bounds', (_path, { minimum, exclusiveMinimum, maximum, exclusiveMaximum }) => {
    // Whole numbers have those of JavaScript where a schema says nothing.
    for (const bound of [minimum ?? exclusiveMinimum, maximum ?? exclusiveMaximum])
      expect(Math.abs(bound ?? Infinity)).toBeLessThan(1e12);
  });

  const config = (change: (config: typeof valid) => void) => {
    const changed = structuredClone(valid);
    change(changed);
    return (
      ModelConfig.safeParse(changed).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
    );
  };
  const valid = {
    ...CONF['model_config.dev.json'],
    algorithms: {
      xgboost: {
        estimator: 'xgboost',
        timeout_hours: 1 as number,
        param_distributions: {} as Record<string, unknown[]>,
        params: {} as Record<string, unknown>,
      },
    },
  };

  test('that would overflow later are refused when they are read', () => {
    expect(config((changed) => (changed.monitoring_config.label_maturity_days = 1e15))).toEqual([
      expect.stringMatching(/^monitoring_config\.label_maturity_days: /),
    ]);
    expect(config((changed) => (changed.algorithms.xgboost.timeout_hours = 1e300))).toEqual([
      expect.stringMatching(/^algorithms\.xgboost\.timeout_hours: /),
    ]);
    expect(
      lastLabelledDay({ config: { monitoring_config: { label_maturity_days: 36_525 } } } as never, '0050-01-01'),
    ).toBe('0000-01-01');
  });

  test('and other values of a search that the estimator does not take are refused, each by its place', () => {
    expect(
      config((changed) => {
        changed.algorithms.xgboost.param_distributions = {
          max_depth: [3, '5', 2.5],
          learning_rate: [0.1, true],
          subsample: [1, 1.5],
          depth: [1],
          scale_pos_weight: [1, 'balanced'],
        };
        changed.algorithms.xgboost.params = { n_estimators: 0 };
      }),
    ).toEqual([
      'algorithms.xgboost.params.n_estimators: The parameter n_estimators of xgboost is 0; expected a whole number from 1 to 1000000.',
      'algorithms.xgboost.param_distributions.max_depth.1: The parameter max_depth of xgboost is "5"; expected a whole number of 0 or more.',
      'algorithms.xgboost.param_distributions.max_depth.2: The parameter max_depth of xgboost is 2.5; expected a whole number of 0 or more.',
      'algorithms.xgboost.param_distributions.learning_rate.1: The parameter learning_rate of xgboost is true; expected a number of 0 or more.',
      'algorithms.xgboost.param_distributions.subsample.1: The parameter subsample of xgboost is 1.5; expected a number above 0 and up to 1.',
      'algorithms.xgboost.param_distributions.depth.0: xgboost has no parameter depth; did you mean "max_depth"?',
    ]);
  });

  test('names of every JavaScript object are no algorithms', () => {
    expect(config((changed) => (changed.training_config.algorithms = ['constructor']))).toContainEqual(
      expect.stringContaining('expected a name that "algorithms" describes, got "constructor"'),
    );
  });
});

test.each([
  '2008-02-30',
  '2007-02-29',
  '2008-04-31T00:00:00Z',
  '2008-13-01',
  '2008-00-10',
  '2008-12-31T25:00:00Z',
  '2008-12-31T12:00:00',
])('there is no moment %s', (moment) => {
  expect(isMoment(moment)).toBe(false);
  expect(() => dayOf(moment)).toThrow(
    expect.objectContaining({
      type: 'InputInvalid',
      message: `"${moment}" is no moment; give an ISO 8601 date or instant such as 2008-12-31.`,
    }) as Error,
  );
});

test.each(['2008-02-29', '2008-02-29T23:59:59.999Z', '2008-12-31T12:00+05:30'])('%s is a moment', (moment) => {
  expect(isMoment(moment)).toBe(true);
});
