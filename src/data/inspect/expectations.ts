import { identifier, type Database } from '../duckdb.js';
import { isNumbersAsText, TABLE, type ColumnSummary } from './describe.js';

/** A suite for `expectations.json`. */
export interface ProposedSuite {
  name: string;
  expectations: ProposedExpectation[];
}
interface ProposedExpectation {
  type: string;
  kwargs: Record<string, unknown>;
  severity: 'fail' | 'warn';
}

/** Text of at most so many values counts as categories, all of which are named. */
const FEW_CATEGORIES = 20;
/** Shares of the rows that have to be as the file's are: what is a little different tomorrow is no fault. */
const MOST_PRESENT = 0.95;
const MOST_KNOWN = 0.95;
const MOST_WITHIN = 0.99;

/**
 * The first expectations of a table, by what its file holds: the key holds in every row, and the values look like those
 * that are there. The file itself meets them all, and another one has room to differ.
 *
 * @param features columns that the model may learn from
 * @param label the label's column, where it has classes
 */
export async function proposeExpectations(
  database: Database,
  name: string,
  { key, features, label, rows }: { key: string[]; features: ColumnSummary[]; label?: ColumnSummary; rows: number },
): Promise<ProposedSuite> {
  const of = (type: string, kwargs: Record<string, unknown>, severity: 'fail' | 'warn' = 'warn') => ({
    type,
    kwargs,
    severity,
  });
  const keys = [
    ...key.map((column) => of('expect_column_values_to_not_be_null', { column }, 'fail')),
    ...(key.length === 1 ? [of('expect_column_values_to_be_unique', { column: key[0] }, 'fail')] : []),
    ...(key.length > 1 ? [of('expect_compound_columns_to_be_unique', { column_list: key }, 'fail')] : []),
  ];
  const present = features
    .filter((column) => column.present === rows)
    .map(({ name: column }) => of('expect_column_values_to_not_be_null', { column, mostly: MOST_PRESENT }));
  const known: ProposedExpectation[] = [];
  for (const column of [...features, ...(label ? [label] : [])]) {
    const { name } = column;
    const bounds = isNumber(column) ? looseBounds(column) : undefined;
    if (isCategories(column)) {
      const value_set = await valuesOf(database, column);
      known.push(of('expect_column_values_to_be_in_set', { column: name, value_set, mostly: MOST_KNOWN }));
    } else if (bounds && column !== label)
      known.push(of('expect_column_values_to_be_between', { column: name, ...bounds, mostly: MOST_WITHIN }));
  }
  const filled = of('expect_table_row_count_to_be_between', { min_value: 1 });
  return { name, expectations: [filled, ...keys, ...present, ...known] };
}

function isNumber({ type }: ColumnSummary): boolean {
  return type === 'BIGINT' || type === 'INTEGER' || type === 'DOUBLE';
}

/** Text of few values, or numbers that say yes or no. */
function isCategories(column: ColumnSummary): boolean {
  const { type, distinct } = column;
  if (distinct === 0) return false;
  return type === 'VARCHAR'
    ? distinct <= FEW_CATEGORIES && !isNumbersAsText(column)
    : (type === 'BIGINT' || type === 'INTEGER') && distinct <= 2;
}

async function valuesOf(database: Database, { name }: ColumnSummary): Promise<(string | number)[]> {
  const column = identifier(name);
  const rows = await database.rows<{ value: string | number | bigint }>(
    `SELECT DISTINCT ${column} AS value FROM ${TABLE} WHERE ${column} IS NOT NULL ORDER BY 1`,
  );
  return rows.map(({ value }) => (typeof value === 'string' ? value : Number(value)));
}

/** As far beyond the smallest and largest value as these lie apart; no negative numbers where there are none. */
function looseBounds({ min, max }: ColumnSummary): { min_value: number; max_value: number } | undefined {
  const [least, greatest] = [Number(min), Number(max)];
  if (min === null) return undefined;
  const range = greatest - least || Math.abs(greatest) || 1;
  const bounds = {
    min_value: least >= 0 ? 0 : outward(least - range),
    max_value: greatest <= 0 && least < 0 ? 0 : outward(greatest + range),
  };
  return Object.values(bounds).every(Number.isFinite) ? bounds : undefined;
}

/** A number of two digits that lies farther from zero; NaN where no number of 64 bits does. */
function outward(value: number): number {
  const digits = Math.floor(Math.log10(Math.abs(value))) - 1;
  const rounded = Math.sign(value) * Math.ceil(Math.abs(value) / 10 ** digits);
  return Number(`${rounded}e${digits}`);
}
