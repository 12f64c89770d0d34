import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import type { DriftDetected, Verdict } from '../../src/contracts/index.js';
import { skipping } from './support/fakeActivities.js';
import { TimeSkipping } from './support/timeSkipping.js';

const server = new TimeSkipping();
const input = { pipeline: 'readmission', asOf: '2008-12-31' };

describe('monitoring', () => {
  test('reports performance, drift and the verdict', async () => {
    const verdict = {
      drift: true,
      performance_drop: false,
      missing: false,
      retrain: true,
      conclusion: 'attention' as const,
      not_measured: {},
    };
    const writeReport = () =>
      Promise.resolve({ report: { uri: 'file:///store/report.json', checksum: 'c0ffee' }, verdict, severity: null });
    const { result, calls } = await server.run('modelMonitoring', input, { writeReport });

    expect(result).toMatchObject({
      status: 'completed',
      rows: 9_882,
      ...verdict,
      psi: { age: 0.01 },
      score_psi: 0.02,
      missing_rate: { age: 0 },
      performance: { status: 'measured', metric: 'roc_auc' },
      uri: 'file:///store/report.json',
    });
    expect(calls.writeReport[0]).toMatchObject({
      asOf: '2008-12-31',
      drift: { status: 'measured' },
      performance: { status: 'measured' },
    });
  });

  test('asks the steward for a retraining for each finding, and for none where there is nothing to learn from', async () => {
    const why = 'No retraining is asked for, as nothing to learn from has come since xgboost v1 was trained.';
    const found = { drift: true, performance_drop: true, missing: false, conclusion: 'attention', not_measured: {} };
    const told = async (asked: { retrain: boolean; no_retraining?: string }) => {
      const verdict = { ...found, ...asked } as Verdict;
      const { calls } = await server.run('modelMonitoring', input, {
        writeReport: () =>
          Promise.resolve({
            report: { uri: 'file:///store/report.json', checksum: 'c0ffee' },
            verdict,
            severity: 'severe',
          }),
      });
      const facts = calls.sendAlerts
        .flat()
        .filter(({ condition }) => /^(accuracy_drop|drift_detected)$/.test(condition));
      return {
        signals: calls.signalSteward.map(({ signal }) => signal),
        why: facts.map((fact) => (fact as DriftDetected).noRetraining),
      };
    };

    expect(await told({ retrain: true })).toEqual({
      signals: ['driftDetected', 'requestRetrain', 'runEnded'],
      why: [undefined, undefined],
    });
    expect(await told({ retrain: false, no_retraining: why })).toEqual({ signals: ['runEnded'], why: [why, why] });
  });

  test('a failure is told once nothing is at work any more', async () => {
    let atWork = true;
    const detectDrift = async () => {
      await sleep(300);
      atWork = false;
      return { status: 'skipped' as const, reason: 'It comes too late.' };
    };
    const measurePerformance = () =>
      Promise.reject(ApplicationFailure.nonRetryable('labels_2001_10.parquet is torn.', 'ObjectCorrupt'));
    const { failure } = await server.fail('modelMonitoring', input, { measurePerformance, detectDrift });

    expect(failure.type).toBe('ObjectCorrupt');
    expect(atWork).toBe(false);
  });

  test('is skipped without predictions', async () => {
    const checkPredictionsExist = skipping('There are no predictions; run inference.');
    const { result, calls } = await server.run('modelMonitoring', input, { checkPredictionsExist });

    expect(result).toEqual({ status: 'skipped', reason: 'There are no predictions; run inference.' });
    expect(calls.writeReport).toEqual([]);
  });

  test('reports drift all the same where labels are not mature', async () => {
    const skipped = { status: 'skipped', reason: 'There are 12 labels; 100 are needed.' };
    const { result, calls } = await server.run('modelMonitoring', input, {
      measurePerformance: skipping(skipped.reason),
    });

    expect(result).toMatchObject({ status: 'completed', psi: { age: 0.01 }, performance: skipped });
    expect(calls.writeReport).toMatchObject([{ performance: skipped, drift: { status: 'measured' } }]);
  });

  test('is skipped where nothing could be measured, with both reasons and a report', async () => {
    const few = { status: 'skipped', reason: 'There are 12 labels; 100 are needed.' };
    const none = { status: 'skipped', reason: '12 rows are scored; 100 are needed.' };
    const { result, calls } = await server.run('modelMonitoring', input, {
      measurePerformance: skipping(few.reason),
      detectDrift: skipping(none.reason),
    });

    const reason =
      'Nothing could be measured. 12 rows are scored; 100 are needed. There are 12 labels; 100 are needed.';
    expect(result).toEqual({ status: 'skipped', reason, uri: expect.stringContaining('file:') as string });
    expect(calls.writeReport).toMatchObject([{ performance: few, drift: none }]);
  });
});
