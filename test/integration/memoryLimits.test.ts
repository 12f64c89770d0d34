import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMemoryGroup } from '../../bench/memoryGroup.js';
import { sizedStages } from '../../bench/sizedStages.js';
import { packageFolder } from '../../src/package.js';
import { containerLimits } from '../../src/platform/resources/cgroup.js';
import { GIB, type Resources } from '../../src/platform/resources/resources.js';
import { WORKERS } from '../../src/platform/temporal/workers.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { expectWithinLimit } from '../support/withinLimit.js';

/** A small part of what `npm run test:large` does, in far less than a worker has. */
const ROWS = 300_000;
const MEMORY = 0.75 * GIB;

const folder = temporaryFolder(afterAll);
let stages: Awaited<ReturnType<typeof sizedStages>>;

beforeAll(async () => {
  stages = await sizedStages('readmission', folder, ROWS / 100_000, {
    processing: { cpus: 1, memory: MEMORY },
    training: { cpus: 2, memory: MEMORY },
  });
});

test('300,000 rows become gold within three quarters of a GiB', { timeout: 240_000 }, async () => {
  const bronze = await stages.bronze();
  expect(bronze.results[0]).toMatchObject({ rows: ROWS });
  const partitions = bronze.results[0]!.written;
  const silver = await stages.silver(partitions);
  expect(silver.results[0]!.rows + Object.values(silver.results[0]!.dropped).reduce((sum, rows) => sum + rows, 0)).toBe(
    ROWS,
  );
  const gold = await stages.gold(partitions);
  expect(gold.results[0]!.rows).toBe(silver.results[0]!.rows);
  for (const run of [bronze, silver, gold]) expectWithinLimit(run);
});

test('they become splits, of which two candidates at once are fitted', { timeout: 240_000 }, async () => {
  const preprocessed = await stages.preprocess();
  const evaluated = await stages.twoCandidates('xgboost', preprocessed.results[0]!);
  expect(evaluated.results[0]!.scores[0]).toBeGreaterThan(0.5);
  expect(evaluated.results[1]!.scores).toEqual(evaluated.results[0]!.scores);
  for (const run of [preprocessed, evaluated]) expectWithinLimit(run);
});

test("a worker in a container keeps to the container's memory, unless it is told otherwise", () => {
  const group = createMemoryGroup(MEMORY);
  const resourcesOf = (env: NodeJS.ProcessEnv, ...args: string[]) => {
    const [command, ...rest] = [
      ...(group?.enter ?? []),
      process.execPath,
      join(packageFolder(), 'dist', 'test', 'support', 'resourcesProcess.js'),
      ...args,
    ];
    return JSON.parse(execFileSync(command!, rest, { env: { ...process.env, ...env }, encoding: 'utf8' })) as Resources;
  };
  try {
    // Where this user may make no control group, those that are there count.
    expect(resourcesOf({ PERDURE_SIZE: '' })).toEqual({
      ...WORKERS.modelTraining.resources,
      ...containerLimits(),
      ...(group ? { memory: MEMORY } : {}),
    });
    expect(resourcesOf({ PERDURE_SIZE: '3x6' })).toEqual({ cpus: 3, memory: 6 * GIB });
    expect(resourcesOf({ PERDURE_SIZE: '3x6' }, '1x2')).toEqual({ cpus: 1, memory: 2 * GIB });
  } finally {
    group?.remove();
  }
});
