import { describe, expect, test } from 'vitest';
import { Mt19937 } from '../../src/ml/mt19937.js';
import { besideVerdict, drawRows, driftedRows, monitorRows, sampleOf, trainedOn, USUAL } from '../support/resamples.js';

const random = new Mt19937(20261126);
const trained = trainedOn(sampleOf(random, 20_000), sampleOf(random, 5_000));
const RUNS = 200;

describe('monitoring', () => {
  test.each([100, 1_000])(
    'of %i rows that have not changed asks for a retraining in fewer than 5% of its runs',
    (rows) => {
      let asked = 0;
      for (let run = 0; run < RUNS; run++) {
        if (
          monitorRows(
            trained,
            sampleOf(random, rows),
            Uint32Array.from({ length: rows }, (_, i) => i),
          ).verdict.retrain
        )
          asked++;
      }
      expect(asked).toBeLessThan(0.05 * RUNS);
    },
  );

  test('of 500 rows that have not changed tells of a difference beside its verdict in fewer than 5% of its runs', () => {
    // Exact p-values take time by the product of both sides' rows.
    const tell = besideVerdict({ train: sampleOf(random, 2_000), test: sampleOf(random, 2_000) });
    const found = Array.from({ length: RUNS / 4 }, () => tell(sampleOf(random, 500)));
    for (const kind of ['columns', 'labels', 'estimated', 'errors'] as const)
      expect(found.filter((one) => one[kind]).length).toBeLessThan((0.05 * RUNS) / 4);
  });

  test.each(['smooth_0', 'zero_inflated', 'rare_flag'])(
    'of 1,000 rows finds a drift of PSI .25 in %s in more than 95% of its runs',
    (feature) => {
      const pool = sampleOf(random, 20_000);
      const draw = driftedRows(random, trained, pool, feature, 0.25)!;
      let found = 0;
      for (let run = 0; run < RUNS / 2; run++)
        if (monitorRows(trained, pool, draw(1_000)).drifted.includes(feature)) found++;
      expect(found).toBeGreaterThan((0.95 * RUNS) / 2);
    },
  );

  test('of the same rows without regard to sampling would ask most of the time', () => {
    const settings = { ...USUAL, alpha: 1 - 1e-9 };
    const pool = sampleOf(random, 20_000);
    const asked = Array.from(
      { length: 50 },
      () => monitorRows(trained, pool, drawRows(random, 20_000, 100), settings).verdict.retrain,
    );
    expect(asked.filter(Boolean).length).toBeGreaterThan(25);
  });
});
