import { join } from 'node:path';
import { expect, test } from 'vitest';
import { comparedValues } from '../../src/data/comparedValues.js';
import { sharedDatabase } from '../support/sharedDatabase.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const opened = sharedDatabase();

test('values of a file and of a relation that are not missing are counted, in whatever chunks they come', async () => {
  const database = await opened;
  const file = join(temporaryFolder(), 'reference.parquet');
  // From 0 to 6999, 10 000 rows: those below 3000 twice.
  await database.run(
    `COPY (SELECT (i % 7000)::INTEGER AS "a b", 'x' AS other FROM range(10000) t(i)) TO '${file}' (FORMAT parquet)`,
  );
  await database.run(
    `CREATE OR REPLACE TEMP TABLE now AS SELECT unnest([NULL, 'nan'::DOUBLE, 'inf'::DOUBLE, '-inf'::DOUBLE, 1e300, -1e39, 0.5, 3000, 0.5, -1]) AS "a b"`,
  );
  const { values, reference, current } = await comparedValues(database, 'a b', file, 'now');
  expect([...values]).toEqual([-1, 0, 0.5, ...Array.from({ length: 6_999 }, (_, i) => i + 1)]);
  expect([...reference]).toEqual([0, 2, 0, ...Array.from({ length: 6_999 }, (_, i) => (i + 1 < 3_000 ? 2 : 1))]);
  expect([...current]).toEqual([1, 0, 2, ...Array.from({ length: 6_999 }, (_, i) => (i + 1 === 3_000 ? 1 : 0))]);
});

test('of no rows there are none', async () => {
  const database = await opened;
  const file = join(temporaryFolder(), 'reference.parquet');
  await database.run(`COPY (SELECT 1.5 AS a WHERE false) TO '${file}' (FORMAT parquet)`);
  const { values, reference, current } = await comparedValues(database, 'a', file, '(SELECT NULL::DOUBLE AS a)');
  expect([values, reference, current].map((counted) => counted.length)).toEqual([0, 0, 0]);
});

test('a file that is not there is told', async () => {
  const file = join(temporaryFolder(), 'absent.parquet');
  await expect(comparedValues(await opened, 'a', file, '(SELECT 1 AS a)')).rejects.toThrow(/absent\.parquet/);
});
