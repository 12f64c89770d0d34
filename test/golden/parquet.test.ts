import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { literal, withDuckDb, type Database } from '../../src/data/duckdb.js';
import { readColumns, writeColumns, type Column } from '../../src/platform/files/parquet.js';
import { sha256File } from '../../src/platform/storage/checksum.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const folder = temporaryFolder(afterAll);
const file = (name: string) => join(folder, name);

/** DuckDB's own Parquet reader and writer, to check ours by. */
function duckDb<T>(work: (database: Database) => Promise<T>): Promise<T> {
  return withDuckDb(
    { resources: { cpus: 1, memory: 2 ** 30 }, scratch: folder, signal: new AbortController().signal },
    work,
  );
}

const COLUMNS: Record<string, Column> = {
  f32: Float32Array.of(0.1, -0, NaN, Infinity, 1e-45),
  f64: Float64Array.of(0.1, Number.MAX_VALUE, NaN, -Infinity, 5e-324),
  i8: Int8Array.of(0, 1, -128, 127, 1),
  i32: Int32Array.of(0, 1, -(2 ** 31), 2 ** 31 - 1, 7),
  i64: BigInt64Array.of(0n, 1n, -(2n ** 63n), 2n ** 63n - 1n, 7n),
  u16: Uint16Array.of(0, 1, 2, 65535, 7),
};

describe('columns written here', () => {
  test('read back as they were, in any order', async () => {
    await writeColumns(file('types.parquet'), COLUMNS);
    const names = Object.keys(COLUMNS).reverse();
    expect(await readColumns(file('types.parquet'), names)).toEqual(names.map((name) => COLUMNS[name]));
  });

  test('are the same for DuckDB', async () => {
    await writeColumns(file('types.parquet'), COLUMNS);
    const rows = await duckDb((database) =>
      database.rows(`SELECT * FROM read_parquet(${literal(file('types.parquet'))})`),
    );
    for (const [name, values] of Object.entries(COLUMNS))
      expect(rows.map((row) => row[name])).toEqual(Array.from<number | bigint>(values));
  });

  test('give the same bytes each time', async () => {
    await writeColumns(file('1.parquet'), COLUMNS);
    await writeColumns(file('2.parquet'), COLUMNS);
    expect(await sha256File(file('2.parquet'))).toBe(await sha256File(file('1.parquet')));
  });

  test('may be empty', async () => {
    await writeColumns(file('empty.parquet'), { a: new Float32Array(0) });
    expect(await readColumns(file('empty.parquet'), ['a'])).toEqual([new Float32Array(0)]);
  });
});

describe("DuckDB's files", () => {
  test('are read across row groups, by offset and limit', async () => {
    const path = file('groups.parquet');
    await duckDb((database) =>
      database.run(
        `COPY (SELECT CAST(i AS INTEGER) AS i, CAST(i / 8 AS FLOAT) AS f FROM range(600000) AS rows(i)) TO ${literal(path)} (FORMAT parquet, ROW_GROUP_SIZE 100000)`,
      ),
    );
    const [whole, eighths] = await readColumns(path, ['i', 'f']);
    expect([whole!.length, eighths!.length]).toEqual([600_000, 600_000]);
    expect((whole as Int32Array).findIndex((value, i) => value !== i)).toBe(-1);
    expect((eighths as Float32Array).findIndex((value, i) => value !== i / 8)).toBe(-1);
    expect(await readColumns(path, ['i'], { offset: 299_999, limit: 3 })).toEqual([
      Int32Array.of(299_999, 300_000, 300_001),
    ]);
    expect(await readColumns(path, ['i'], { offset: 599_998, limit: 300_000 })).toEqual([
      Int32Array.of(599_998, 599_999),
    ]);
    expect(await readColumns(path, ['i'], { offset: 600_000 })).toEqual([new Int32Array(0)]);
  });

  test('a null is NaN where numbers may be broken, and refused where they are whole', async () => {
    const path = file('nulls.parquet');
    await duckDb((database) =>
      database.run(
        `COPY (SELECT * FROM (VALUES (1.5::FLOAT, 1::TINYINT), (NULL, NULL), (2.5, 3)) AS rows(f, i)) TO ${literal(path)} (FORMAT parquet)`,
      ),
    );
    expect(await readColumns(path, ['f'])).toEqual([Float32Array.of(1.5, NaN, 2.5)]);
    await expect(readColumns(path, ['i'])).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringContaining('The column i of') as string,
    });
  });

  test('text is refused', async () => {
    const path = file('text.parquet');
    await duckDb((database) => database.run(`COPY (SELECT 'a' AS words) TO ${literal(path)} (FORMAT parquet)`));
    await expect(readColumns(path, ['words'])).rejects.toMatchObject({
      type: 'InputInvalid',
      message: expect.stringContaining('expected numbers') as string,
    });
  });
});

describe('a file that cannot be used', () => {
  const values = Float32Array.from({ length: 50_000 }, (_, i) => Math.sin(i));

  test.each([0, 3, 100, 0.5, 0.99])('torn at %s is ObjectCorrupt', async (cut) => {
    const path = file('torn.parquet');
    await writeColumns(path, { values });
    const { length } = readFileSync(path);
    truncateSync(path, cut < 1 ? Math.floor(length * cut) : cut);
    await expect(readColumns(path, ['values'])).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: expect.stringMatching(/is not a whole Parquet file .*; delete it/) as string,
    });
  });

  test('overwritten in the middle is ObjectCorrupt, and the next file is read all the same', async () => {
    await writeColumns(file('whole.parquet'), { values });
    const bytes = readFileSync(file('whole.parquet'));
    writeFileSync(file('scratched.parquet'), bytes.fill(0x55, 60_000, 90_000));
    await expect(readColumns(file('scratched.parquet'), ['values'])).rejects.toMatchObject({ type: 'ObjectCorrupt' });
    expect(await readColumns(file('whole.parquet'), ['values'])).toEqual([values]);
  });

  test('absent, or short of columns, is InputInvalid', async () => {
    await expect(readColumns(file('absent.parquet'), ['a'])).rejects.toMatchObject({ type: 'InputInvalid' });
    await writeColumns(file('short.parquet'), { a: Float32Array.of(1) });
    await expect(readColumns(file('short.parquet'), ['a', 'b', 'c'])).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `${file('short.parquet')} lacks the columns b, c; run the stage that writes it again.`,
    });
    await expect(readColumns(file('short.parquet'), ['a', 'b'])).rejects.toMatchObject({
      message: `${file('short.parquet')} lacks the column b; run the stage that writes it again.`,
    });
  });

  test('in a folder that is not there is StoreUnavailable', async () => {
    await expect(writeColumns(join(folder, 'absent', 'a.parquet'), { a: Float32Array.of(1) })).rejects.toMatchObject({
      type: 'StoreUnavailable',
    });
  });
});
