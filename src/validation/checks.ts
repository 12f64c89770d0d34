import { identifier, literal } from '../sql.js';

/** What of the quality of data an expectation is about. */
export const DIMENSIONS = ['completeness', 'validity', 'consistency', 'uniqueness', 'freshness'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** The DuckDB type of a column of the rows that are looked at; `undefined` where they have no such column. */
export type TypeOf = (column: string) => string | undefined;

/** An expectation of every row, as SQL over its columns. */
export interface RowCheck {
  /** Condition of the rows that have nothing to look at; absent where every row is looked at. */
  missing?: string;
  /** Condition of the rows that break it, among the others. */
  unexpected: string;
  /** What is shown of a row that breaks it. */
  value: string;
}

/** An expectation of all rows together: an aggregate, which is read as JSON, and whether it is as expected. */
export interface TableCheck {
  /** Absent where the columns alone are looked at. */
  aggregate?: string;
  met(observed: unknown): boolean;
}

/** An expectation of the age of the newest row, in days on the day that a run stands at. */
export interface AgeCheck {
  /** Aggregate that gives the newest day, as text. */
  newest: string;
  met(days: number): boolean;
}

/** A bound of a value: a number, or text for dates and text. */
export type Bound = number | string;

export interface Bounds {
  min_value?: Bound | undefined;
  max_value?: Bound | undefined;
  strict_min?: boolean | undefined;
  strict_max?: boolean | undefined;
}

/** Condition that a row has no value in a column: NULL, or what is not a number among numbers. */
export function missingSql(column: string, typeOf: TypeOf): string {
  const name = identifier(column);
  return isFloating(typeOf(column)) ? `(${name} IS NULL OR isnan(${name}))` : `${name} IS NULL`;
}

function isFloating(type: string | undefined): boolean {
  return type === 'DOUBLE' || type === 'FLOAT';
}

/** A value of a suite's JSON, of the type of the column that it is compared with. */
export function valueSql(value: string | number | boolean, type: string | undefined): string {
  if (type === undefined || type === 'VARCHAR') return literal(String(value));
  return typeof value === 'string' ? `CAST(${literal(value)} AS ${type})` : String(value);
}

/** Condition that a value lies within its bounds. */
export function withinSql(
  value: string,
  { min_value, max_value, strict_min, strict_max }: Bounds,
  type: string,
): string {
  const conditions = [
    ...(min_value === undefined ? [] : [`${value} ${strict_min ? '>' : '>='} ${valueSql(min_value, type)}`]),
    ...(max_value === undefined ? [] : [`${value} ${strict_max ? '<' : '<='} ${valueSql(max_value, type)}`]),
  ];
  return conditions.length === 0 ? 'true' : `(${conditions.join(' AND ')})`;
}

/** Whether an aggregate lies within its bounds; one of no values does not. Text, such as of a date, goes by its order. */
export function isWithin(observed: unknown, { min_value, max_value, strict_min, strict_max }: Bounds): boolean {
  if (observed === null || observed === undefined) return false;
  const text = typeof observed === 'string' ? observed : JSON.stringify(observed);
  const order = (bound: Bound) => {
    if (typeof observed === 'number' && typeof bound === 'number') return observed - bound;
    return text < String(bound) ? -1 : Number(text > String(bound));
  };
  return (
    (min_value === undefined || (strict_min ? order(min_value) > 0 : order(min_value) >= 0)) &&
    (max_value === undefined || (strict_max ? order(max_value) < 0 : order(max_value) <= 0))
  );
}
