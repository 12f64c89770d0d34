import type { ColumnType } from '../../config/schema.js';
import { numberWithSigns, writtenOut } from '../csv.js';
import { identifier, literal, type Database } from '../duckdb.js';
import { positionsOf, sniffReadable, withReadableCsv, type SniffedCsv } from './sniff.js';

/** What is known of a column of the whole file. */
export interface ColumnSummary {
  name: string;
  type: ColumnType;
  /** Rows that have a value. */
  present: number;
  /** Distinct values, of fractions beyond {@link EXACT} and of large files an estimate, see {@link OFF}; exact where they may be a key. */
  distinct: number;
  /** As text; `null` where no row has a value. */
  min: string | null;
  max: string | null;
  /** Of numbers. */
  mean: number | null;
  variance: number | null;
  /** Of text: the share of the present values that are numbers but for a sign, such as `$1,200` or `12 %`, or that could be read as they are. */
  written: number;
}

/**
 * Amounts with a sign of money, of thousands or of per cent, which are read as text. Digits alone that are no number, as
 * they begin with a zero or are too many, are names of something.
 */
export function isNumbersAsText({
  type,
  written,
  min,
  max,
}: Pick<ColumnSummary, 'type' | 'written' | 'min' | 'max'>): boolean {
  if (type !== 'VARCHAR' || written < 0.9) return false;
  const digits = [min!, max!].every((value) => /^\s*[0-9]+\s*$/.test(value));
  return !digits && !/^\s*0[0-9]/.test(min!);
}

/** A CSV whose every row is in the database's table {@link TABLE}, whose columns have the file's names and sniffed types. */
export interface DescribedCsv {
  sniffed: SniffedCsv;
  rows: number;
  columns: ColumnSummary[];
  /** Rows that another row equals in every column. */
  repeated: number;
}

/** The table that {@link describeCsv} makes. */
export const TABLE = 'inspected';

const EXACT = 200;
/** An estimate is some 13% off (a HyperLogLog of 64 registers), and hardly ever by a factor of 2. */
const OFF = 2;
/** So many values, beside fractions, are counted one by one in no time. */
const FEW_VALUES = 5_000_000;

/**
 * Reads a whole CSV into the table {@link TABLE} and summarises its columns.
 * @throws PerdureError `InputInvalid` as {@link sniffCsv} does
 */
export async function describeCsv(database: Database, path: string): Promise<DescribedCsv> {
  const sniffed = await withReadableCsv(path, async (csv) => {
    const sniffed = await sniffReadable(database, path, csv);
    const positions = positionsOf(sniffed.header);
    const columns = Object.entries(sniffed.columns).map(
      ([name, type]) => `${valueSql(`c${positions.get(name)}`, type, sniffed)} AS ${identifier(name)}`,
    );
    await database.run(
      `CREATE OR REPLACE TEMP TABLE ${TABLE} AS SELECT ${columns.join(', ')} FROM ${csv.relation(sniffed.null_values)}`,
      { csv: path },
    );
    return sniffed;
  });
  return { sniffed, ...(await summarise(database, Object.entries(sniffed.columns))) };
}

/** SQL of a text's value. */
function valueSql(text: string, type: ColumnType, sniffed: SniffedCsv): string {
  return type === 'VARCHAR' ? text : `TRY_CAST(${writtenOut(text, type, sniffed)} AS ${type})`;
}

/** SQL of whether a number's square is one of 64 bits as well: DuckDB refuses a mean or a variance that is none. */
const isSquarable = (column: string) => `abs(CAST(${column} AS DOUBLE)) < 1e150`;

/** What is known of the columns of {@link TABLE}. */
export async function summarise(
  database: Database,
  columns: [name: string, type: ColumnType][],
): Promise<Omit<DescribedCsv, 'sniffed'>> {
  const aggregates = columns.flatMap(([name, type], i) => {
    const c = identifier(name);
    return [
      `count(${c}) AS present_${i}`,
      `approx_count_distinct(${c}) AS distinct_${i}`,
      `CAST(min(${c}) AS VARCHAR) AS min_${i}`,
      `CAST(max(${c}) AS VARCHAR) AS max_${i}`,
      ...(type === 'BIGINT' || type === 'DOUBLE'
        ? [
            `avg(${c}) FILTER (${isSquarable(c)}) AS mean_${i}`,
            `var_pop(${c}) FILTER (${isSquarable(c)}) AS variance_${i}`,
          ]
        : []),
      ...(type === 'VARCHAR'
        ? [`count(*) FILTER (regexp_full_match(trim(${c}), ${literal(numberWithSigns())})) AS written_${i}`]
        : []),
    ];
  });
  const [row] = await database.rows<Record<string, bigint | number | string | null>>(
    `SELECT count(*) AS all_rows, count(DISTINCT hash(${columns.map(([name]) => identifier(name)).join(', ')})) AS different, ${aggregates.join(', ')} FROM ${TABLE}`,
  );
  const rows = Number(row!.all_rows);
  const summaries = columns.map(([name, type], i): ColumnSummary => {
    const number = (what: string) =>
      row![`${what}_${i}`] === undefined || row![`${what}_${i}`] === null ? null : Number(row![`${what}_${i}`]);
    const present = number('present')!;
    return {
      name,
      type,
      present,
      distinct: Math.min(number('distinct')!, present),
      min: row![`min_${i}`] as string | null,
      max: row![`max_${i}`] as string | null,
      mean: number('mean'),
      variance: number('variance'),
      written: present === 0 ? 0 : (number('written') ?? 0) / present,
    };
  });
  await countExactly(database, rows, summaries);
  return { rows, columns: summaries, repeated: rows - Number(row!.different) };
}

/** Replaces estimates where it matters what exactly the number is. */
async function countExactly(database: Database, rows: number, summaries: ColumnSummary[]): Promise<void> {
  const countable = summaries.filter(({ type }) => type !== 'DOUBLE');
  const few = countable.length * rows <= FEW_VALUES;
  const matters = summaries.filter(
    ({ distinct, type }) => distinct <= OFF * EXACT || (type !== 'DOUBLE' && (few || distinct > rows / OFF)),
  );
  if (matters.length === 0) return;
  const [row] = await database.rows<Record<string, bigint>>(
    `SELECT ${matters.map(({ name }, i) => `count(DISTINCT ${identifier(name)}) AS d${i}`).join(', ')} FROM ${TABLE}`,
  );
  for (const [i, summary] of matters.entries()) summary.distinct = Number(row![`d${i}`]);
}
