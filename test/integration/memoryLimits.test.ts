import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configured } from '../../bench/configuration.js';
import { writeLargeCsv } from '../../bench/largeSource.js';
import { runLimited } from '../../bench/limitedStage.js';
import { loadPipeline } from '../../src/config/load.js';
import type { DatasetRef } from '../../src/contracts/index.js';
import { GIB, type WorkerSize } from '../../src/sizes/workerSize.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/**
 * A small part of what `npm run bench -- stages10m` does, in far less than a worker has: where this user may make control
 * groups the kernel kills what takes more, elsewhere the peak is looked at.
 */
const COPIES = 3;
const ROWS = COPIES * 100_000;
const SMALL: WorkerSize = { cpus: 1, memory: 0.75 * GIB };
const TWO_HOSTS: WorkerSize = { cpus: 2, memory: 0.75 * GIB };

const READMISSION = 'readmission';
const folder = temporaryFolder(afterAll);
const run = { workflowId: 'limited', runId: 'limited', startedAt: '2009-01-31T00:00:00Z' };
const stage = { pipeline: READMISSION, run };
const asked = { ...stage, asOf: '2009-01-31' };
let env: NodeJS.ProcessEnv;

function at(size: WorkerSize) {
  return { size, storeRoot: join(folder, 'store'), cwd: folder, env };
}

beforeAll(async () => {
  env = { PERDURE_CONF: await configured(folder, READMISSION, () => {}) };
  await writeLargeCsv(await loadPipeline(READMISSION), join(folder, 'large.csv'), COPIES);
});

describe('300,000 rows within three quarters of a GiB', { timeout: 240_000 }, () => {
  let dataset: DatasetRef;

  test('become gold', async () => {
    const bronze = await runLimited('bronze', [{ ...asked, source: join(folder, 'large.csv') }], at(SMALL));
    expect(bronze.results[0]).toMatchObject({ rows: ROWS });
    const partitions = bronze.results[0]!.written;
    const silver = await runLimited('silver', [{ ...stage, partitions }], at(SMALL));
    expect(silver.results[0]!.rows + Object.values(silver.results[0]!.dropped).reduce((sum, rows) => sum + rows, 0)).toBe(ROWS);
    const gold = await runLimited('gold', [{ ...stage, partitions }], at(SMALL));
    expect(gold.results[0]!.rows).toBe(silver.results[0]!.rows);
    for (const { peak } of [bronze, silver, gold]) expect(peak).toBeLessThan(SMALL.memory);
  });

  test('become windows, of which two candidates at once are fitted', async () => {
    const { params } = (await loadPipeline(READMISSION)).config.algorithms.xgboost!;
    const preprocessed = await runLimited('preprocess', [asked], at(TWO_HOSTS));
    dataset = preprocessed.results[0]!;
    const candidates = [0, 1].map((index) => ({ ...stage, algorithm: 'xgboost', dataset, candidate: { index, params }, folds: [0] }));
    const evaluated = await runLimited('evaluateCandidate', candidates, at(TWO_HOSTS));
    expect(evaluated.results[0]!.scores[0]).toBeGreaterThan(0.5);
    expect(evaluated.results[1]!.scores).toEqual(evaluated.results[0]!.scores);
    for (const { peak } of [preprocessed, evaluated]) expect(peak).toBeLessThan(TWO_HOSTS.memory);
  });
});
