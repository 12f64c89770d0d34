import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { withDuckDb } from '../../src/data/duckdb.js';
import { propose } from '../../src/data/inspect/propose.js';
import { validationResult, VALIDATION_FOLDER, type ValidationResult } from '../../src/data/validation/results.js';
import type { EnginePool } from '../../src/ml/engines/pool.js';
import { packageFolder } from '../../src/package.js';
import { describeOnReal, REAL_CHURN } from '../support/realData.js';
import { createShortPipeline } from '../support/shortPipeline.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const CONF = join(packageFolder(), 'conf', 'pipelines', 'churn');
const FIXTURES = join(packageFolder(), 'test', 'golden', 'fixtures');
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as object;

interface Suite {
  expectations: { type: string }[];
}
interface Golden {
  statistics: object;
  results: { success: boolean; result: Record<string, unknown> }[];
}

describeOnReal(REAL_CHURN, 'what is expected of the real churn file', () => {
  const folder = temporaryFolder(afterAll);

  /** What came of a suite, on the rows of the real file. */
  async function validate(expectations: object): Promise<ValidationResult> {
    const pipeline = await createShortPipeline({} as EnginePool, folder, read(join(CONF, 'pipeline.json')));
    writeFileSync(join(pipeline.folder, 'expectations.json'), JSON.stringify(expectations));
    copyFileSync(join(CONF, 'feature_store.sql'), join(pipeline.folder, 'feature_store.sql'));
    await pipeline.process(readFileSync(REAL_CHURN));
    const { datamart } = pipeline.stores;
    for await (const { key } of datamart.list(VALIDATION_FOLDER))
      if (key.endsWith('.json')) return (await validationResult.read(datamart, key))!;
    throw new Error('nothing was kept');
  }

  describe('comes to the same as with the Python package great_expectations', async () => {
    const suite = read(join(FIXTURES, 'churn_suite.json')) as Suite;
    const golden = read(join(FIXTURES, 'churn_validation.json')) as Golden;
    // Broken expectations are told, and the run goes on to the end.
    const result = await validate({
      ...suite,
      expectations: suite.expectations.map((each) => ({ ...each, severity: 'warning' })),
    });

    test('in sum', () => {
      expect(result.statistics).toEqual(golden.statistics);
    });

    test.each(suite.expectations.map(({ type, ...rest }, i) => [i, type, JSON.stringify(rest)] as const))(
      '%i: %s %s',
      (i) => {
        const { success, result: counts } = golden.results[i]!;
        const found = result.results[i]!;
        expect(found.success).toBe(success);
        for (const [name, value] of Object.entries(counts))
          expect([name, found.result[name as keyof typeof found.result]]).toEqual([name, near(value)]);
      },
    );
  });

  test('is at first what the file itself meets', async () => {
    const context = { resources: { cpus: 1, memory: 2 ** 30 }, scratch: folder, signal: new AbortController().signal };
    const { expectations } = await withDuckDb(context, (database) =>
      propose(database, REAL_CHURN, 'churn.csv', { label: 'Churn', positive: 'Yes' }),
    );
    const result = await validate(expectations);
    expect(result.statistics).toMatchObject({ evaluated_expectations: 41, unsuccessful_expectations: 0 });
  });

  test('is met by it, in all five dimensions', async () => {
    const suite = read(join(CONF, 'expectations.json')) as Suite;
    const result = await validate(suite);
    expect(result.success).toBe(true);
    expect(result.quality_score).toBe(1);
    // The age of the data is told on the day of a run.
    expect(result.results).toHaveLength(suite.expectations.length - 1);
    expect(new Set(result.results.map(({ dimension }) => dimension))).toEqual(
      new Set(['completeness', 'validity', 'consistency', 'uniqueness']),
    );
  });
});

/** A fraction that was summed in another order. */
function near(value: unknown): unknown {
  if (typeof value !== 'number' || Number.isInteger(value)) return value;
  return expect.closeTo(value, 12 - Math.ceil(Math.log10(Math.abs(value)))) as unknown;
}
