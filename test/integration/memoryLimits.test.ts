import { afterAll, expect, test } from 'vitest';
import { sizedStages } from '../../bench/sizedStages.js';
import { GIB } from '../../src/sizes/workerSize.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/**
 * A small part of what `npm run test:large` does, in far less than a worker has: where this user may make control groups
 * the kernel kills what takes more, elsewhere the peak is looked at.
 */
const ROWS = 300_000;
const MEMORY = 0.75 * GIB;
const stages = await sizedStages('readmission', temporaryFolder(afterAll), ROWS / 100_000, {
  processing: { cpus: 1, memory: MEMORY },
  training: { cpus: 2, memory: MEMORY },
});

test('300,000 rows become gold within three quarters of a GiB', { timeout: 240_000 }, async () => {
  const bronze = await stages.bronze();
  expect(bronze.results[0]).toMatchObject({ rows: ROWS });
  const partitions = bronze.results[0]!.written;
  const silver = await stages.silver(partitions);
  expect(silver.results[0]!.rows + Object.values(silver.results[0]!.dropped).reduce((sum, rows) => sum + rows, 0)).toBe(ROWS);
  const gold = await stages.gold(partitions);
  expect(gold.results[0]!.rows).toBe(silver.results[0]!.rows);
  for (const { peak } of [bronze, silver, gold]) expect(peak).toBeLessThan(MEMORY);
});

test('they become windows, of which two candidates at once are fitted', { timeout: 240_000 }, async () => {
  const preprocessed = await stages.preprocess();
  const evaluated = await stages.twoCandidates('xgboost', preprocessed.results[0]!);
  expect(evaluated.results[0]!.scores[0]).toBeGreaterThan(0.5);
  expect(evaluated.results[1]!.scores).toEqual(evaluated.results[0]!.scores);
  for (const { peak } of [preprocessed, evaluated]) expect(peak).toBeLessThan(MEMORY);
});
