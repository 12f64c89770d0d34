import { statfsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sizedStages } from '../../bench/sizedStages.js';
import type { DatasetRef } from '../../src/contracts/index.js';
import { GIB } from '../../src/platform/resources/resources.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { expectWithinLimit } from '../support/withinLimit.js';

/** Ten million rows through every stage with data in its hands, each held by the kernel to the memory of its worker. */
const ROWS = 10_000_000;
const TRAINING_ROWS = 5_000_000;
/** Of disk: the source, the layers, and what lies in the scratch folder meanwhile. */
const DISK = 8 * GIB;

const folder = temporaryFolder(afterAll);
let stages: Awaited<ReturnType<typeof sizedStages>>;
let partitions: string[];
let dataset: DatasetRef;

beforeAll(async () => {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < DISK)
    throw new Error(
      `${folder} has ${((bavail * bsize) / GIB).toFixed(1)} GiB left where the test needs ${DISK / GIB}; point TMPDIR elsewhere.`,
    );
  stages = await sizedStages('readmission', folder, ROWS / 100_000);
});

test('bronze takes up ten million rows within 2 GiB', async () => {
  const bronze = await stages.bronze();
  expect(bronze.limit).toBe(2 * GIB);
  expectWithinLimit(bronze);
  const [result] = bronze.results;
  expect(result).toMatchObject({ rows: ROWS, unchanged: [] });
  partitions = result!.written;
});

test('the search for duplicates among them spills to disk where it has half a GiB', async () => {
  // Silver's only work on all rows at once. What it finds is kept, so that the next call has the rest to do.
  const search = await stages.silver([], { cpus: 1, memory: GIB / 2 });
  expectWithinLimit(search);
  expect(search.spilled).toBeGreaterThan(0);
});

test('silver and gold refine them within 2 GiB', async () => {
  const silver = await stages.silver(partitions);
  expectWithinLimit(silver);
  const [refined] = silver.results;
  const dropped = Object.values(refined!.dropped).reduce((sum, rows) => sum + rows, 0);
  expect(refined!.rows + dropped).toBe(ROWS);

  const gold = await stages.gold(partitions);
  expectWithinLimit(gold);
  expect(gold.results[0]!.rows).toBe(refined!.rows);
});

test('preprocess makes a train split of five million rows and more within 4 GiB', async () => {
  const preprocessed = await stages.preprocess();
  expect(preprocessed.limit).toBe(4 * GIB);
  expectWithinLimit(preprocessed);
  dataset = preprocessed.results[0]!;
  expect(dataset.rows.train).toBeGreaterThan(TRAINING_ROWS);
});

test.each(['logistic_regression', 'random_forest', 'xgboost'])(
  'two candidates of %s, asked for at once, are fitted to it within 4 GiB',
  async (algorithm) => {
    const candidates = await stages.twoCandidates(algorithm, dataset);
    expectWithinLimit(candidates);
    const [one, other] = candidates.results;
    expect(one!.scores[0]).toBeGreaterThan(0.55);
    expect(other!.scores).toEqual(one!.scores);
  },
);

test('the winner is refitted and evaluated within 4 GiB', async () => {
  const refitted = await stages.refit('xgboost', dataset);
  expectWithinLimit(refitted);
  const evaluated = await stages.evaluateModel('xgboost', dataset, refitted.results[0]!);
  expectWithinLimit(evaluated);
  expect(evaluated.results[0]!.oot!.roc_auc).toBeGreaterThan(0.55);
});
