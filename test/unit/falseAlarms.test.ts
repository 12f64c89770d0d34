import { describe, expect, test } from 'vitest';
import { Mt19937 } from '../../src/ml/mt19937.js';
import {
  drawRows,
  driftedRows,
  monitorRows,
  tieHeavyColumns,
  trainedOn,
  USUAL,
  type ScoredSample,
} from '../support/resamples.js';

/** Rows of one population: eight columns with ties, six without, and a score that ranks the rows with a ROC AUC of about .64. */
function sampleOf(random: Mt19937, rows: number): ScoredSample {
  const uniform = () => (random.uint32() + 0.5) / 2 ** 32;
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const smooth = Array.from({ length: 6 }, (_, i) => ({
    name: `smooth_${i}`,
    type: 'numeric' as const,
    values: Float64Array.from({ length: rows }, normal),
  }));
  const labels = Float64Array.from({ length: rows }, () => Number(uniform() < 0.15));
  return {
    features: [...smooth, ...tieHeavyColumns(random, rows)],
    labels,
    scores: labels.map((label) => 1 / (1 + Math.exp(-(normal() + label / 2)))),
  };
}

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
