import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { listModels, showModel } from '../../src/cli/versions.js';
import { diffModels, modelHistory } from '../../src/cli/versionHistory.js';
import { status } from '../../src/cli/pipelineStatus.js';
import { loadPipeline } from '../../src/config/load.js';
import type { DriftResult, PerformanceResult, RunRef } from '../../src/contracts/index.js';
import { literal, withDuckDb } from '../../src/data/duckdb.js';
import { predictionsFiles } from '../../src/data/predictions.js';
import { moveAlias } from '../../src/registry/operations.js';
import { listVersions } from '../../src/registry/versionIndex.js';
import { bronze } from '../../src/stages/bronze.js';
import { checkPredictionsExist } from '../../src/stages/checkPredictionsExist.js';
import type { Stage } from '../../src/stages/context.js';
import { createRunStage, type RunStage } from '../../src/stages/createContext.js';
import { detectDrift } from '../../src/stages/detectDrift.js';
import { findNewRows } from '../../src/stages/findNewRows.js';
import { gold } from '../../src/stages/gold.js';
import { measurePerformance } from '../../src/stages/measurePerformance.js';
import { predict } from '../../src/stages/predict.js';
import { resolveModel } from '../../src/stages/resolveModel.js';
import { silver } from '../../src/stages/silver.js';
import { trainLocally } from '../../src/stages/trainLocally.js';
import { writeReport } from '../../src/stages/writeReport.js';
import type { Stores } from '../../src/platform/storage/objectStore.js';
import { openStores } from '../../src/platform/storage/stores.js';
import { documentsLeft } from '../support/documentsLeft.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinyEngines } from '../support/tinyPipeline.js';

/**
 * A store as the first release left it, whose documents have no number of a format: a pipeline over generated rows, run
 * twice, its three versions each champion for a while, predicting the same rows; with the pipeline's folder and its CSV.
 */
const FIXTURE = fileURLToPath(new URL('../fixtures/release1/loans.tar.gz', import.meta.url));
const LOANS = 'loans';
const AS_OF = '2020-07-31';
const ALGORITHMS = ['logistic_regression', 'random_forest', 'xgboost'];
const RESOURCES = { cpus: 2, memory: 2 * 2 ** 30 };

const engines = tinyEngines();
afterAll(() => engines.close());
let folder: string;
let storeRoot: string;
let stores: Stores;
let runStage: RunStage;
let runs = 0;

beforeEach(async () => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  folder = temporaryFolder();
  execFileSync('tar', ['-xzf', FIXTURE, '-C', folder]);
  process.env.PERDURE_CONF = join(folder, 'conf');
  storeRoot = join(folder, 'store');
  const scratchRoot = join(folder, 'scratch');
  runStage = createRunStage({ storeRoot, engines, resources: RESOURCES, scratchRoot });
  stores = (await openStores(storeRoot, scratchRoot))(await loadPipeline(LOANS));
});
afterEach(() => {
  vi.restoreAllMocks();
  delete process.env.PERDURE_CONF;
});

const perform = <Input, Output>(stage: Stage<Input, Output>, input: Input) =>
  runStage(stage, input, { signal: new AbortController().signal, report: () => {} });
const asked = (): { pipeline: string; run: RunRef; asOf: string } => ({
  pipeline: LOANS,
  run: { workflowId: LOANS, runId: `later-${++runs}`, startedAt: `2027-01-01T00:00:${10 + runs}.000Z` },
  asOf: AS_OF,
});

/** What a predictions file says, by key. */
async function scores(key: string): Promise<Record<string, unknown>[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'scores-'));
  const path = await stores.predictions.localFile(key);
  return withDuckDb({ resources: RESOURCES, scratch, signal: new AbortController().signal }, (database) =>
    database.rows(`SELECT * FROM read_parquet(${literal(path)}) ORDER BY loan`),
  );
}

async function predictAgain(algorithm: string): Promise<string> {
  const input = asked();
  const resolved = await perform(resolveModel, { ...input, model: { algorithm } });
  if (resolved.status === 'skipped') throw new Error(resolved.reason);
  await perform(findNewRows, { ...input, again: true });
  const { uri } = await perform(predict, { ...input, again: true, model: resolved.model });
  return stores.predictions.key(uri);
}

describe('a store of the first release', () => {
  test('has documents of known kinds alone, all without a number', async () => {
    const left = await documentsLeft(storeRoot);
    expect(left.length).toBeGreaterThan(60);
    expect(left.filter(({ format }) => format !== undefined)).toEqual([]);
    // The scaler of a dataset was written for people, and stands in the metadata as well.
    expect(left.filter(({ kinds }) => kinds.length === 0).map(({ file }) => file.replace(/.*\//, ''))).toEqual([
      'scaler.json',
      'scaler.json',
    ]);
  });

  test('is shown by every command that reads alone', async () => {
    const options = { store: storeRoot, json: true };
    await status(LOANS, options);
    await listModels(LOANS, options);
    for (const name of [...ALGORITHMS, 'champion', 'production']) await showModel(LOANS, name, undefined, options);
    await modelHistory(LOANS, 'champion', options);
    await diffModels(LOANS, 'logistic_regression', 'xgboost', options);
  });

  test.each(ALGORITHMS)('predicts with its %s as the release did, to the last bit', async (algorithm) => {
    const then = (await predictionsFiles(stores.predictions)).find(({ model }) => model.algorithm === algorithm)!;
    const now = await scores(await predictAgain(algorithm));
    expect(now).toEqual(await scores(then.key));
    expect(now).toHaveLength(240);
  });

  test('is monitored with what the release found', async () => {
    const then = JSON.parse(readFileSync(fileURLToPath(stores.monitoring.uri('reports/latest.json')), 'utf8')) as {
      drift: DriftResult;
      performance: PerformanceResult;
      model: object;
    };
    const input = asked();
    const predictions = await perform(checkPredictionsExist, input);
    if (predictions.status === 'skipped') throw new Error(predictions.reason);
    expect(predictions.model).toEqual(then.model);
    const drift = await perform(detectDrift, { ...input, predictions });
    // What later releases tell beside it is more.
    expect(drift).toMatchObject(then.drift);
    const performance = await perform(measurePerformance, { ...input, predictions });
    expect(performance).toMatchObject(then.performance);
    await perform(writeReport, { ...input, predictions, performance, drift });
  });

  test('has its aliases moved back and on', async () => {
    const move = { alias: 'champion', by: { workflowId: 'by hand', runId: 'a' }, reason: 'by test' };
    const back = await moveAlias(stores.modelRegistry, ALGORITHMS, { ...move, move: 'rollback' });
    expect(back.model.algorithm).toBe('logistic_regression');
    const on = await moveAlias(stores.modelRegistry, ALGORITHMS, {
      ...move,
      move: 'promote',
      by: { ...move.by, runId: 'b' },
    });
    expect(on.model.algorithm).toBe('random_forest');
  });

  test('is processed and trained further: the new version stands before the old champion, and makes the same predictions', async () => {
    const input = asked();
    const made = await perform(bronze, { ...input, source: join(folder, 'loans.csv') });
    const partitions = [...made.written, ...made.unchanged].sort();
    expect(partitions).toHaveLength(6);
    await perform(silver, { ...input, partitions });
    expect((await perform(gold, { ...input, partitions })).rows).toBe(719);

    const result = await trainLocally(
      { pipeline: LOANS, asOf: AS_OF, algorithms: ['xgboost'] },
      {
        runStage,
        signal: new AbortController().signal,
        onStep: () => {},
        onProgress: () => {},
        onAlgorithm: () => {},
      },
    );
    if (result.status === 'skipped') throw new Error(result.reason);
    expect(result.promotion).toMatchObject({
      champion: { algorithm: 'xgboost', version: 'v20261127_032518_6fa63e74' },
      not_compared: null,
      comparison: { difference: 0 },
    });
    expect(await listVersions(stores.modelRegistry, 'xgboost')).toHaveLength(3);
    const then = (await predictionsFiles(stores.predictions)).find(({ model }) => model.algorithm === 'xgboost')!;
    const without = (rows: Record<string, unknown>[]) => rows.map(({ version: _, ...row }) => row);
    expect(without(await scores(await predictAgain('xgboost')))).toEqual(without(await scores(then.key)));
    for (const { file, format, kinds } of await documentsLeft(storeRoot))
      if (file.includes(result.challenger.version))
        expect({ file, format, known: kinds.length > 0 }).toMatchObject({
          format: expect.any(Number) as number,
          known: true,
        });
  }, 60_000);
});

describe('a store of a newer release', () => {
  test('is neither read nor written over', async () => {
    const path = fileURLToPath(stores.predictions.uri('index.json'));
    const { $sha256: _, ...index } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    const { document } = await import('../../src/platform/storage/documents.js');
    const { z } = await import('zod');
    const newer = document({
      name: 'index of predictions, later',
      schema: z.looseObject({}),
      upgrades: Array.from({ length: 8 }, () => (value: Record<string, unknown>) => value),
    });
    writeFileSync(path, newer.serialize(index));
    const before = readFileSync(path, 'utf8');
    const refused = {
      type: 'FormatNewer',
      message: `${stores.predictions.uri('index.json')} was written by a newer Perdure (format 9; this one reads up to 2): use that one, or another store.`,
    };
    await expect(status(LOANS, { store: storeRoot, json: true })).rejects.toMatchObject(refused);
    await expect(predictAgain('xgboost')).rejects.toMatchObject(refused);
    expect(readFileSync(path, 'utf8')).toBe(before);
  });
});
