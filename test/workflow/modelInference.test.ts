import { describe, expect, test } from 'vitest';
import { skipping } from './support/fakeActivities.js';
import { TimeSkipping } from './support/timeSkipping.js';

const server = new TimeSkipping();
const input = { pipeline: 'readmission', asOf: '2008-12-31' };

describe('inference', () => {
  test('predicts the new rows with the model that was resolved', async () => {
    const { result, calls } = await server.run('modelInference', { ...input, model: { algorithm: 'xgboost' } });

    expect(result).toEqual({
      status: 'completed',
      rows: 9_882,
      batches: 1,
      uri: 'file:///store/object',
      checksum: 'c0ffee',
      model: { algorithm: 'xgboost', version: 'v20010101_000000_abcdef12' },
      config: 'c0ffee',
    });
    expect(calls.resolveModel[0]!.model).toEqual({ algorithm: 'xgboost' });
    expect(calls.predict[0]).toMatchObject({ asOf: '2008-12-31', model: { version: 'v20010101_000000_abcdef12' } });
  });

  test('is skipped without a model', async () => {
    const resolveModel = skipping('There is no champion yet; train a model.');
    const { result, calls } = await server.run('modelInference', input, { resolveModel });

    expect(result).toEqual({ status: 'skipped', reason: 'There is no champion yet; train a model.', rows: 0 });
    expect(calls.predict).toEqual([]);
  });

  test('is skipped without new rows', async () => {
    const findNewRows = skipping('There is no new data.');
    const { result, calls } = await server.run('modelInference', input, { findNewRows });

    expect(result).toEqual({ status: 'skipped', reason: 'There is no new data.', rows: 0 });
    expect(calls.predict).toEqual([]);
  });

  test('refuses a model that is named in two ways', async () => {
    const { failure } = await server.fail('modelInference', {
      ...input,
      model: { alias: 'champion', algorithm: 'xgboost' },
    });

    expect(failure.type).toBe('ConfigInvalid');
    expect(failure.message).toContain('"model" is {"alias":"champion","algorithm":"xgboost"}, expected {"alias": ...}');
  });
});
