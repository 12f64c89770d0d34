import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { literal, withDuckDb, type Database } from '../../src/data/duckdb.js';
import {
  columnNames,
  namedColumns,
  readChunks,
  readColumns,
  writeColumns,
  type Column,
} from '../../src/platform/files/parquet.js';
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

  test('are packed by Snappy, and without dictionaries', async () => {
    await writeColumns(file('packed.parquet'), { zeros: new Float64Array(10_000) });
    const [column] = await duckDb((database) =>
      database.rows(
        `SELECT compression, dictionary_page_offset FROM parquet_metadata(${literal(file('packed.parquet'))})`,
      ),
    );
    expect(column).toEqual({ compression: 'SNAPPY', dictionary_page_offset: null });
    // 80,000 bytes of zeros.
    expect(readFileSync(file('packed.parquet')).length).toBeLessThan(8_000);
  });

  test('have their names, in their order', async () => {
    const columns = namedColumns(['b', 'ä', 'a'], [Int8Array.of(1), Int8Array.of(2), Int8Array.of(3)]);
    expect(columns).toEqual({ b: Int8Array.of(1), ä: Int8Array.of(2), a: Int8Array.of(3) });
    await writeColumns(file('names.parquet'), columns);
    expect(await columnNames(file('names.parquet'))).toEqual(['b', 'ä', 'a']);
    expect(await readColumns(file('names.parquet'), [])).toEqual([]);
  });

  test('are read in parts of at most 262,144 rows and 4,194,304 numbers', async () => {
    const path = file('parts.parquet');
    const values = Int8Array.from({ length: 300_000 }, (_, i) => i % 100);
    const names = Array.from({ length: 32 }, (_, i) => `c${i}`);
    await writeColumns(path, Object.fromEntries(names.map((name) => [name, values])));
    const partsOf = async (names: string[], rows = {}) => {
      const lengths: number[] = [];
      for await (const [first] of readChunks(path, names, rows)) lengths.push(first!.length);
      return lengths;
    };
    expect(await partsOf(['c0'])).toEqual([262_144, 37_856]);
    expect(await partsOf(['c0'], { offset: 37_856, limit: 262_144 })).toEqual([262_144]);
    expect(await partsOf(['c0'], { offset: 300_000 })).toEqual([0]);
    // Of 32 columns 131,072 rows are 4,194,304 numbers.
    expect(await partsOf(names)).toEqual([131_072, 131_072, 37_856]);
    expect(await readColumns(path, ['c31'])).toEqual([values]);
  });

  test.each([3, 8, 1_000])('may be one array of %s values several times', async (length) => {
    const values = Int8Array.from({ length }, (_, i) => i % 100);
    await writeColumns(file('twice.parquet'), { a: values, b: values, c: values });
    expect(await readColumns(file('twice.parquet'), ['a', 'b', 'c'])).toEqual([values, values, values]);
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

  test('are read of the columns asked for, whatever others there are', async () => {
    const path = file('others.parquet');
    await duckDb((database) =>
      database.run(
        `COPY (SELECT 'a' AS words, 1.5::DOUBLE AS f, true AS flag, 7::UTINYINT AS u, NULL::INTEGER AS none) TO ${literal(path)} (FORMAT parquet)`,
      ),
    );
    expect(await readColumns(path, ['u', 'f'])).toEqual([Uint8Array.of(7), Float64Array.of(1.5)]);
    expect(await columnNames(path)).toEqual(['words', 'f', 'flag', 'u', 'none']);
  });

  test('nulls of broken numbers are NaN in whichever row group they stand', async () => {
    const path = file('nullGroups.parquet');
    await duckDb((database) =>
      database.run(
        `COPY (SELECT CASE WHEN i % 1000 <> 7 THEN i / 2 END AS f FROM range(10000) AS rows(i)) TO ${literal(path)} (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
      ),
    );
    const expected = Float64Array.from({ length: 10_000 }, (_, i) => (i % 1000 === 7 ? NaN : i / 2));
    expect(await readColumns(path, ['f'])).toEqual([expected]);
    expect(await readColumns(path, ['f'], { offset: 5_000, limit: 10 })).toEqual([expected.slice(5_000, 5_010)]);
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
      message: `The column i of ${path} holds nulls, which whole numbers can't express; run the stage that writes it again.`,
    });
  });

  test('text is refused', async () => {
    const path = file('text.parquet');
    await duckDb((database) => database.run(`COPY (SELECT 'a' AS words) TO ${literal(path)} (FORMAT parquet)`));
    await expect(readColumns(path, ['words'])).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `The column words of ${path} is of type Utf8; expected numbers.`,
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
      message: expect.stringMatching(
        /torn\.parquet is not a whole Parquet file \(.+\); delete it and run the stage that writes it again\.$/,
      ) as string,
      cause: expect.anything() as unknown,
    });
    await expect(columnNames(path)).rejects.toMatchObject({ type: 'ObjectCorrupt' });
  });

  test('overwritten in the middle is ObjectCorrupt, and the next file is read all the same', async () => {
    await writeColumns(file('whole.parquet'), { values });
    const bytes = readFileSync(file('whole.parquet'));
    writeFileSync(file('scratched.parquet'), bytes.fill(0x55, 60_000, 90_000));
    await expect(readColumns(file('scratched.parquet'), ['values'])).rejects.toMatchObject({ type: 'ObjectCorrupt' });
    expect(await readColumns(file('whole.parquet'), ['values'])).toEqual([values]);
  });

  test('absent, or short of columns, is InputInvalid', async () => {
    const absent = {
      type: 'InputInvalid',
      message: `${file('absent.parquet')} is not there; run the stage that writes it.`,
    };
    await expect(readColumns(file('absent.parquet'), ['a'])).rejects.toMatchObject(absent);
    await expect(columnNames(file('absent.parquet'))).rejects.toMatchObject(absent);
    await writeColumns(file('short.parquet'), { a: Float32Array.of(1) });
    await expect(readColumns(file('short.parquet'), ['a', 'b', 'c'])).rejects.toMatchObject({
      type: 'InputInvalid',
      message: `${file('short.parquet')} lacks the columns b, c; run the stage that writes it again.`,
    });
    await expect(readColumns(file('short.parquet'), ['a', 'b'])).rejects.toMatchObject({
      message: `${file('short.parquet')} lacks the column b; run the stage that writes it again.`,
    });
  });

  test('a folder in its place is StoreUnavailable', async () => {
    mkdirSync(file('folder.parquet'));
    const told = { type: 'StoreUnavailable', cause: { code: 'EISDIR' } };
    await expect(readColumns(file('folder.parquet'), ['a'])).rejects.toMatchObject(told);
    await expect(writeColumns(file('folder.parquet'), { a: Int8Array.of(1) })).rejects.toMatchObject(told);
  });

  test('in a folder that is not there is StoreUnavailable', async () => {
    await expect(writeColumns(join(folder, 'absent', 'a.parquet'), { a: Float32Array.of(1) })).rejects.toMatchObject({
      type: 'StoreUnavailable',
    });
  });
});
