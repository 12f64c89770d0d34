import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Pipeline } from '../../src/config/load.js';
import { literal, withDuckDb, type Database } from '../../src/data/duckdb.js';
import { checkKeys, checkKeysOfFiles, checkPartitionDays, keysHoldPartition } from '../../src/data/goldKeys.js';
import { RESOURCES } from '../support/medallion.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const folder = temporaryFolder(afterAll);
const pipelineOf = (keys: string[], column: string | undefined = 'day') =>
  ({ definition: { keys, partition: { column, by: column === undefined ? 'none' : 'month' } } }) as unknown as Pipeline;
const UNDATED = { definition: { keys: ['id'], partition: { by: 'none' } } } as unknown as Pipeline;

/** Runs a check over a table of gold; `null` where it finds nothing. */
async function refused(
  check: (database: Database, file: (values: string) => Promise<string>) => Promise<void>,
): Promise<string | null> {
  const scratch = mkdtempSync(join(folder, 'gold-'));
  let files = 0;
  return withDuckDb({ resources: RESOURCES, scratch, signal: new AbortController().signal }, async (database) => {
    const write = async (values: string) => {
      const path = join(scratch, `${files++}.parquet`);
      await database.run(
        `COPY (SELECT id, "the sub", CAST(day AS DATE) AS day FROM (VALUES ${values}) AS t (id, "the sub", day)) TO ${literal(path)} (FORMAT parquet)`,
      );
      return path;
    };
    return check(database, write).then(
      () => null,
      (error: { type: string; message: string }) => `${error.type}: ${error.message}`,
    );
  });
}
const keysOf = (pipeline: Pipeline, rows: number, silverRows: number, values: string) =>
  refused(async (database, file) =>
    checkKeys(database, pipeline, '2020_01', { sql: 'f.sql', path: await file(values), rows }, silverRows),
  );

describe('the keys of a table of gold', () => {
  const KEYS = pipelineOf(['id', 'the sub']);

  test('may be the same in part', async () => {
    expect(await keysOf(KEYS, 3, 3, "(1, 'a', '2020-01-01'), (1, 'b', '2020-01-01'), (2, 'a', NULL)")).toBeNull();
  });

  test('are refused where one is missing, the first of them', async () => {
    const without = (rows: string, key: string) =>
      `InputInvalid: f.sql gives ${rows} of partition 2020_01 without ${key}, by which features, labels and predictions are joined; give every row one, or leave such rows out by an expectation such as \`"${key}" IS NOT NULL\`.`;
    expect(await keysOf(KEYS, 2, 2, "(1, NULL, '2020-01-01'), (1, NULL, '2020-01-01')")).toBe(
      without('2 rows', 'the sub'),
    );
    expect(await keysOf(KEYS, 2, 2, "(NULL, 'a', '2020-01-01'), (1, NULL, '2020-01-01')")).toBe(without('1 row', 'id'));
  });

  test('are refused where they name several rows, with the least of them and why that may be', async () => {
    const values = "(2, 'b', NULL), (2, 'b', NULL), (2, 'b', NULL), (1, 'z', NULL), (1, 'z', NULL), (3, 'a', NULL)";
    const repeated = (why: string) =>
      `InputInvalid: f.sql gives 3 rows of partition 2020_01 whose keys another row has, such as id 1, the sub z: ${why}; correct the query or pipeline.json's keys, or leave such rows out by an expectation such as \`count(*) OVER (PARTITION BY "id", "the sub") = 1\`.`;
    expect(await keysOf(KEYS, 6, 6, values)).toBe(repeated('a key names one row'));
    expect(await keysOf(KEYS, 6, 7, values)).toBe(repeated('a key names one row'));
    expect(await keysOf(KEYS, 6, 5, values)).toBe(
      repeated('it makes 6 rows of 5 in silver, so a join in it may multiply rows'),
    );
  });

  test('can stand in two partitions only where the partition is none of them', () => {
    expect(keysHoldPartition(pipelineOf(['id']))).toBe(false);
    expect(keysHoldPartition(pipelineOf(['id', 'DAY']))).toBe(true);
    expect(keysHoldPartition(UNDATED)).toBe(true);
  });

  test('are refused where they stand in two partitions, in whichever table', async () => {
    const across = (...tables: string[][]) =>
      refused(async (database, file) => {
        const stored = [];
        for (const [i, texts] of tables.entries()) {
          const files = [];
          for (const text of texts) files.push({ partition: 'p', path: await file(text), checksum: 'c', rows: 1 });
          stored.push({ sql: `${i}.sql`, files });
        }
        await checkKeysOfFiles(database, pipelineOf(['id']), stored);
      });
    const [one, two] = ["(1, 'a', '2020-01-01')", "(2, 'a', '2020-02-01')"];
    expect(await across([one, two], [one, two], [])).toBeNull();
    // What one file repeats is told of its partition.
    expect(await across([`${one}, ${one}`], [])).toBeNull();
    expect(await across([one, two], [one, two, `${one}, ${two}`])).toBe(
      'InputInvalid: 1.sql gives 2 rows whose keys a row of another partition has, such as id 1: where its day was corrected, process a file that has the rows of both partitions (--csv); where both are rows, add day to "keys" in pipeline.json, or leave one of them out.',
    );
  });
});

describe("a row's day", () => {
  const daysOf = (pipeline: Pipeline, values: string) =>
    refused(async (database, file) =>
      checkPartitionDays(database, pipeline, '2020_01', { sql: 'f.sql', path: await file(values), rows: 1 }),
    );
  const outside = (rows: string, example: string) =>
    `InputInvalid: f.sql gives ${rows} of partition 2020_01 whose day lies outside of it (such as ${example}); leave the column as bronze.sql gives it.`;

  test('lies in its partition', async () => {
    expect(await daysOf(pipelineOf(['id']), "(1, 'a', '2020-01-01'), (1, 'a', '2020-01-31')")).toBeNull();
    expect(await daysOf(UNDATED, "(1, 'a', '2020-02-01')")).toBeNull();
  });

  test('is refused where it lies in another, or is none', async () => {
    expect(await daysOf(pipelineOf(['id']), "(1, 'a', '2020-01-01'), (1, 'a', '2020-02-01')")).toBe(
      outside('1 row', '2020-02-01'),
    );
    expect(await daysOf(pipelineOf(['id']), "(1, 'a', NULL), (2, 'a', NULL)")).toBe(outside('2 rows', 'none'));
  });
});
