import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ModelRef, MonitorInput, PredictionsCheck, Verdict } from '../../src/contracts/index.js';
import { layerManifest, manifestKey } from '../../src/data/layers.js';
import { predictionsFiles, predictionsIndex } from '../../src/data/predictions.js';
import { verdictOf } from '../../src/monitoring/verdict.js';
import { readVersion, versionKey, versionMetadata } from '../../src/registry/versions.js';
import { checkPredictionsExist } from '../../src/stages/checkPredictionsExist.js';
import { detectDrift } from '../../src/stages/detectDrift.js';
import { measurePerformance } from '../../src/stages/measurePerformance.js';
import { predict } from '../../src/stages/predict.js';
import { resolveModel } from '../../src/stages/resolveModel.js';
import { writeReport } from '../../src/stages/writeReport.js';
import { readJson } from '../support/anyDocument.js';
import {
  AFTER_ALL,
  createTinyWorld,
  MONTHS,
  ROWS_A_MONTH,
  runRef,
  TINY,
  tinyEngines,
  trainTiny,
  type TinyWorld,
} from '../support/tinyPipeline.js';

const YEAR_END = '2001-12-31';
const OOT = MONTHS.slice(-3);

const engines = tinyEngines();
let world: TinyWorld;
beforeAll(async () => {
  world = await createTinyWorld(engines);
  await world.writeGold(MONTHS);
  await trainTiny(world);
  const input = { pipeline: TINY, run: runRef('a') };
  expect(await world.perform(checkPredictionsExist, { ...input, asOf: YEAR_END })).toEqual({
    status: 'skipped',
    reason: 'No predictions are stored yet: run inference first.',
  });
  await world.perform(predict, { ...input, asOf: YEAR_END, model: await champion() });
  world.save();
});
afterEach(() => world.restore());
afterAll(async () => {
  world.close();
  await engines.close();
});

async function champion(): Promise<ModelRef> {
  const resolved = await world.perform(resolveModel, { pipeline: TINY, run: runRef('a') });
  if (resolved.status === 'skipped') throw new Error(resolved.reason);
  return resolved.model;
}

async function monitored(asOf: string): Promise<MonitorInput> {
  const input = { pipeline: TINY, run: runRef('m'), asOf };
  const check: PredictionsCheck = await world.perform(checkPredictionsExist, input);
  if (check.status === 'skipped') throw new Error(check.reason);
  return { ...input, predictions: { model: check.model, rows: check.rows } };
}

async function drift(asOf = YEAR_END) {
  const result = await world.perform(detectDrift, await monitored(asOf));
  if (result.status === 'skipped') throw new Error(result.reason);
  return result;
}

/** Rows whose features changed count once they are scored anew. */
async function scoreAgain(runId = 'again') {
  await world.perform(predict, { pipeline: TINY, run: runRef(runId), asOf: YEAR_END, model: await champion() });
}

test('what is monitored is the version of the newest predictions', async () => {
  expect((await monitored(YEAR_END)).predictions).toMatchObject({
    rows: 3 * ROWS_A_MONTH,
    model: { algorithm: 'logistic_regression' },
  });
});

describe('performance', () => {
  test('counts only rows whose labels are mature, to the day', async () => {
    const rowsAt = async (asOf: string) => {
      const result = await world.perform(measurePerformance, await monitored(asOf));
      return result.status === 'measured' ? result.metrics.n : result.reason;
    };
    expect(await rowsAt(AFTER_ALL)).toBe(3 * ROWS_A_MONTH);
    // By the end of the year October and the first day of December are 30 days old.
    expect(await rowsAt(YEAR_END)).toBe(2 * ROWS_A_MONTH + 3);
    expect(await rowsAt('2001-12-30')).toBe(2 * ROWS_A_MONTH);
    expect(await rowsAt('2001-11-30')).toBe(
      '60 scored rows have labels that are 30 days old by 2001-11-30; performance needs at least 100.',
    );
    expect(await rowsAt('2001-10-15')).toBe(
      '0 scored rows have labels that are 30 days old by 2001-10-15; performance needs at least 100.',
    );
  });

  test('is held against the test split at training', async () => {
    const result = await world.perform(measurePerformance, await monitored(AFTER_ALL));
    if (result.status === 'skipped') throw new Error(result.reason);
    expect(result.metric).toBe('roc_auc');
    expect(result.baseline.n).toBe(3 * ROWS_A_MONTH);
    expect(result.drop).toBeCloseTo(result.baseline.roc_auc! - result.metrics.roc_auc!, 12);
    // .9241 of 35 and 145 rows against .8132 of 74 and 106: by Hanley and McNeil standard errors of .0329 and .0328, z 2.39.
    expect(result.p_value).toBeCloseTo(0.0085, 4);
    expect(result.breached).toBe(true);
  });

  test('that falls by more than the threshold is a breach', async () => {
    await world.writeGold(OOT, { label: '1 - label' });
    const result = await world.perform(measurePerformance, await monitored(AFTER_ALL));
    if (result.status === 'skipped') throw new Error(result.reason);
    expect(result.drop).toBeGreaterThan(0.3);
    expect(result.breached).toBe(true);
  });

  test('of labels of one class only is undefined, and skipped with that reason', async () => {
    await world.writeGold(OOT, { label: '0' });
    expect(await world.perform(measurePerformance, await monitored(AFTER_ALL))).toMatchObject({
      status: 'skipped',
      reason:
        'roc_auc is undefined for labels of one class only; wait for more labels, or set monitoring_config.performance_metric to another.',
    });
  });

  test('that was undefined at training has nothing to be held against, whatever labels come', async () => {
    const { model } = (await monitored(AFTER_ALL)).predictions;
    const key = versionKey(model, 'metadata.json');
    const metadata = (await readVersion(world.stores.modelRegistry, model))!;
    const { test: baseline, ...performance } = metadata.performance;
    await versionMetadata.write(world.stores.modelRegistry, key, {
      ...metadata,
      performance: { ...performance, test: { ...baseline!, roc_auc: null } },
    });
    expect(await world.perform(measurePerformance, await monitored(AFTER_ALL))).toMatchObject({
      status: 'skipped',
      reason:
        'roc_auc was undefined on the test split at training, and there is nothing to hold it against; set monitoring_config.performance_metric to another, or train again with more labels in that split.',
    });
  });

  test('looks back window_days from the newest mature row', async () => {
    world.configure((config) => {
      config.monitoring_config.window_days = 28;
      config.monitoring_config.min_samples_for_metrics = 10;
    });
    const result = await world.perform(measurePerformance, await monitored(AFTER_ALL));
    expect(result).toMatchObject({ status: 'measured', metrics: { n: ROWS_A_MONTH } });
  });

  test('looks back a month, and to as many rows as a measure needs where a month has fewer', async () => {
    const rows = async (least: number) => {
      world.configure((config) => {
        const { window_days: _, ...others } = config.monitoring_config;
        Object.assign(config, { monitoring_config: { ...others, min_samples_for_metrics: least } });
      });
      const result = await world.perform(measurePerformance, await monitored(AFTER_ALL));
      return result.status === 'measured' ? result.metrics.n : result.reason;
    };
    expect(await rows(10)).toBe(ROWS_A_MONTH);
    expect(await rows(ROWS_A_MONTH)).toBe(ROWS_A_MONTH);
    // The rows lie on 28 days of each month, so two or three on each; days are taken whole.
    expect(await rows(ROWS_A_MONTH + 1)).toBeOneOf([1, 2, 3].map((more) => ROWS_A_MONTH + more));
    expect(await rows(3 * ROWS_A_MONTH)).toBe(3 * ROWS_A_MONTH);
  });
});

describe('drift', () => {
  test('is none where the scored rows look like the train split', async () => {
    const result = await drift();
    expect(result.rows).toBe(3 * ROWS_A_MONTH);
    expect(Object.keys(result.psi).sort()).toEqual(['flag', 'x1', 'x2']);
    for (const value of Object.values(result.psi)) expect(value).toBeLessThan(0.2);
    expect(result.score_psi).toBeLessThan(0.2);
    expect(result).toMatchObject({
      drifted: [],
      score_drifted: false,
      missing: [],
      missing_rate: { x1: 0, x2: 0, flag: 0 },
    });
  });

  test('is seen in the feature that moved, and asks for a retrain', async () => {
    await world.writeGold(OOT, { x1: 'x1 + 0.5' });
    await scoreAgain();
    const result = await drift();
    expect(result).toMatchObject({ drifted: ['x1'], score_drifted: true });
    expect(result.psi.x1).toBeGreaterThan(1);
    expect(result.psi.x2).toBeLessThan(0.2);
    expect(verdictOf({ status: 'skipped', reason: 'no labels' }, result)).toEqual({
      drift: true,
      performance_drop: null,
      missing: false,
      retrain: true,
      conclusion: 'attention',
      not_measured: { performance: 'no labels' },
    });
  });

  test('is seen in a flag that is set more often', async () => {
    await world.writeGold(OOT, { flag: 'CAST(id % 3 > 0 AS INTEGER)' });
    await scoreAgain();
    expect((await drift()).drifted).toEqual(['flag']);
  });

  test('missing values count apart from it', async () => {
    await world.writeGold(OOT, { x2: 'CASE WHEN id % 4 = 0 THEN NULL ELSE x2 END' });
    await scoreAgain();
    const result = await drift();
    expect(result.missing_rate.x2).toBeCloseTo(0.25, 12);
    expect(result).toMatchObject({ drifted: [], missing: ['x2'] });
    expect(verdictOf({ status: 'skipped', reason: 'no labels' }, result)).toMatchObject({
      drift: false,
      missing: true,
      retrain: true,
    });
  });

  test('missing values that were there at training are none', async () => {
    const sparse = { x2: 'CASE WHEN id % 5 < 2 THEN NULL ELSE x2 END' };
    await world.writeGold(MONTHS, sparse);
    await trainTiny(world);
    for await (const { key } of world.stores.predictions.list('')) await world.stores.predictions.delete(key);
    await scoreAgain('sparse');
    const same = await drift();
    expect(same.missing_rate.x2).toBeCloseTo(0.4, 1);
    expect(same.training_missing_rate.x2).toBeCloseTo(0.4, 1);
    expect(same).toMatchObject({ drifted: [], missing: [] });

    await world.writeGold(OOT, { x2: 'CASE WHEN id % 5 < 3 THEN NULL ELSE x2 END' });
    await scoreAgain('sparser');
    expect((await drift()).missing).toEqual(['x2']);
    await world.writeGold(OOT);
    await scoreAgain('full');
    expect((await drift()).missing).toEqual(['x2']);
  }, 60_000);

  test('a column without any value stops nothing else', async () => {
    await world.writeGold(OOT, { x2: 'CAST(NULL AS DOUBLE)', x1: 'x1 + 0.5' });
    await scoreAgain();
    const result = await drift();
    expect(result.psi.x2).toBeNull();
    expect(result.missing_rate.x2).toBe(1);
    expect(result).toMatchObject({ drifted: ['x1'], score_drifted: true, missing: ['x2'] });
  });

  test('of a feature that gold no longer has is unavailable, and the feature missing', async () => {
    await world.writeGold(OOT, { x2: null });
    const result = await drift();
    expect(result).toMatchObject({
      psi: { x2: null },
      p_value: { x2: null },
      missing_rate: { x1: 0, x2: 1 },
      missing: ['x2'],
    });
  });

  test('is seen in the scores of rows that came in drifted', async () => {
    const summer = MONTHS.slice(-6, -3);
    await world.writeGold(summer, { x1: 'x1 + 0.5' });
    world.configure((config) => (config.inference_config.start_date = '2001-07-01'));
    await world.perform(predict, { pipeline: TINY, run: runRef('b'), asOf: '2001-09-30', model: await champion() });
    const result = await drift('2001-09-30');
    expect(result.rows).toBe(3 * ROWS_A_MONTH);
    expect(result).toMatchObject({ drifted: ['x1'], score_drifted: true });
  });

  test('is that of the rows which the version itself has scored', async () => {
    await trainTiny(world, { change: (config) => (config.model_config.random_state = 7) });
    const [first] = await predictionsFiles(world.stores.predictions);
    const model = await champion();
    expect(model.version).not.toBe(first!.model.version);
    world.configure((config) => (config.monitoring_config.min_samples_for_metrics = 10));
    const input = { pipeline: TINY, run: runRef('m'), asOf: YEAR_END };
    // Nothing yet, then a month of the three that the version before has scored.
    expect(await world.perform(detectDrift, { ...input, predictions: { model, rows: 0 } })).toMatchObject({
      status: 'skipped',
      reason: '0 rows are scored by 2001-12-31; drift needs at least 10.',
    });
    await world.perform(predict, {
      ...input,
      run: runRef('second'),
      model,
      from: '2001-11-01',
      to: '2001-11-30',
      again: true,
    });
    expect((await drift()).rows).toBe(ROWS_A_MONTH);
    expect(await world.perform(detectDrift, { ...input, predictions: { model: first!.model, rows: 0 } })).toMatchObject(
      { rows: 3 * ROWS_A_MONTH },
    );
  }, 60_000);

  test('does not count rows that gold no longer has, nor rows of days to come', async () => {
    const input = {
      pipeline: TINY,
      run: runRef('m'),
      asOf: YEAR_END,
      predictions: { model: await champion(), rows: 0 },
    };
    expect(await world.perform(detectDrift, { ...input, asOf: '2001-09-30' })).toMatchObject({
      status: 'skipped',
      reason: '0 rows are scored by 2001-09-30; drift needs at least 100.',
    });
    const without = (months: string[]) =>
      layerManifest.update(
        world.stores.datamart,
        manifestKey('gold'),
        (manifest) => ({
          ...manifest,
          partitions: Object.fromEntries(
            Object.entries(manifest!.partitions).filter(([name]) => !months.includes(name)),
          ),
        }),
        () => undefined,
      );
    await without(['2001_12']);
    expect((await drift()).rows).toBe(2 * ROWS_A_MONTH);
    await without(OOT);
    expect(await world.perform(detectDrift, input)).toMatchObject({
      status: 'skipped',
      reason:
        '0 rows are scored by 2001-12-31, besides 180 rows whose features have changed since, or are gone (predict again to score them); drift needs at least 100.',
    });
  });

  test('counts no score of features that have changed since, but for those of an earlier version, which kept no digest of them', async () => {
    await world.writeGold(['2001_11'], { x1: '1 - x1' });
    expect((await drift()).rows).toBe(2 * ROWS_A_MONTH);
    await predictionsIndex.update(
      world.stores.predictions,
      'index.json',
      (index) => ({ ...index!, files: index!.files.map((file) => ({ ...file, features: undefined })) }),
      () => undefined,
    );
    expect((await drift()).rows).toBe(3 * ROWS_A_MONTH);
  });

  test('of rows that were corrected since is not measured, and what scores them is told', async () => {
    await world.writeGold(['2001_11', '2001_12'], { x1: '1 - x1' });
    expect(await world.perform(detectDrift, await monitored(YEAR_END))).toEqual({
      status: 'skipped',
      reason:
        '60 rows are scored by 2001-12-31, besides 120 rows whose features have changed since, or are gone (predict again to score them); drift needs at least 100.',
    });
    await scoreAgain();
    expect((await drift()).rows).toBe(3 * ROWS_A_MONTH);
  });

  test('needs min_samples_for_metrics rows', async () => {
    expect(await world.perform(detectDrift, await monitored('2001-10-31'))).toEqual({
      status: 'skipped',
      reason: '60 rows are scored by 2001-10-31; drift needs at least 100.',
    });
  });
});

describe('the report', () => {
  const write = async (asOf: string, runId = 'm') => {
    const input = { ...(await monitored(asOf)), run: runRef(runId) };
    const [performance, found] = [
      await world.perform(measurePerformance, input),
      await world.perform(detectDrift, input),
    ];
    return world.perform(writeReport, { ...input, performance, drift: found });
  };

  test('holds every number, its convention and the verdict', async () => {
    const { report, verdict } = await write(AFTER_ALL);
    expect(report.uri).toMatch(/reports\/report_2002-03-01_20020301_120000_m\.json$/);
    const stored = await readJson<Record<string, unknown>>(
      world.stores.monitoring,
      'reports/report_2002-03-01_20020301_120000_m.json',
    );
    expect(stored).toMatchObject({
      pipeline: TINY,
      as_of: AFTER_ALL,
      model: { algorithm: 'logistic_regression' },
      predictions: 3 * ROWS_A_MONTH,
      verdict,
      performance: { status: 'measured', metrics: { n: 3 * ROWS_A_MONTH } },
      drift: { status: 'measured', rows: 3 * ROWS_A_MONTH },
      thresholds: { drift_threshold_psi: 0.2 },
      severity: null,
      conventions: {
        psi: expect.stringContaining('deciles of the reference') as string,
        drift: expect.stringContaining('within one standard error') as string,
        breach: expect.stringContaining('Hanley and McNeil (1982)') as string,
      },
    });
  });

  test('the latest is that of the newest day, whichever was written last', async () => {
    await write(AFTER_ALL);
    await write(YEAR_END);
    expect(await readJson(world.stores.monitoring, 'reports/latest.json')).toMatchObject({ as_of: AFTER_ALL });
    await write('2002-03-02');
    expect(await readJson(world.stores.monitoring, 'reports/latest.json')).toMatchObject({ as_of: '2002-03-02' });
  });

  test('of each run is kept, and says what that run found', async () => {
    const calm = await write(YEAR_END, 'calm');
    await world.writeGold(OOT, { x1: 'x1 + 0.5' });
    await scoreAgain();
    const drifted = await write(YEAR_END, 'drifted');
    expect(drifted.report.uri).not.toBe(calm.report.uri);
    expect([calm.severity, drifted.severity]).toEqual([null, 'severe']);
    const stored = async (run: string) =>
      readJson<{ verdict: Verdict }>(world.stores.monitoring, `reports/report_2001-12-31_20020301_120000_${run}.json`);
    expect((await stored('calm'))?.verdict).toEqual(calm.verdict);
    expect((await stored('drifted'))?.verdict).toEqual(drifted.verdict);
    expect(await readJson(world.stores.monitoring, 'reports/latest.json')).toMatchObject({
      run: { run_id: 'drifted' },
    });
  });

  test('of a run that started earlier does not take the place of a later one of the same day', async () => {
    const input = await monitored(YEAR_END);
    const skipped = { status: 'skipped' as const, reason: 'Too few.' };
    for (const [runId, startedAt] of [
      ['late', '2002-03-01T13:00:00Z'],
      ['early', '2002-03-01T12:00:00Z'],
    ]) {
      await world.perform(writeReport, {
        ...input,
        run: runRef(runId!, startedAt),
        performance: skipped,
        drift: skipped,
      });
    }
    expect(await readJson(world.stores.monitoring, 'reports/latest.json')).toMatchObject({
      run: { run_id: 'late' },
      verdict: { conclusion: 'not_measured' },
    });
  });
});
