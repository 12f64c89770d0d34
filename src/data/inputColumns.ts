import { z } from 'zod';
import { featureType } from '../config/schema.js';
import { isAmong } from '../config/columns.js';
import { sameName } from '../contracts/index.js';
import type { Pipeline } from '../config/load.js';
import type { DuckDBDataChunk } from '@duckdb/node-api';
import { isMissing } from '../ml/missing.js';
import type { RawColumn, RawTable } from '../ml/table.js';
import { describe, identifier, type Database } from './duckdb.js';

/** A feature before any transform, as the feature store has it. */
export const inputColumn = z.strictObject({
  name: z.string(),
  kind: z.enum(['number', 'category', 'date'] satisfies RawColumn['kind'][]),
  /** How monitoring looks at it. */
  type: featureType,
});
export type InputColumn = z.infer<typeof inputColumn>;

/** What DuckDB calls the types of numbers, truth values among them; a column of nulls alone has none. */
export const NUMBER = /^(BOOLEAN|U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL\(.*\)|"NULL")$/;
const MOMENT = /^(DATE|TIMESTAMP(_S|_MS|_NS| WITH TIME ZONE)?)$/;

/**
 * The features of a pipeline, by the columns of a feature store's file: those that `pipeline.json` names, else all but the
 * key, the label, the entity, the column that says the split and that of the rows' days. Of a key of several columns each may say
 * something of a row, as the carrier of a flight does, so these are features; one that names rows by itself is left out
 * by {@link namesRows} once they are read.
 *
 * @param relation SQL that reads the file
 */
export async function inputColumns(
  database: Database,
  { definition }: Pipeline,
  relation: string,
): Promise<InputColumn[]> {
  const columns = await describe(database, `SELECT * FROM ${relation}`);
  const { features, drop } = definition;
  const typeOf = (name: string) => columns.find((column) => sameName(column.name) === sameName(name))?.type ?? 'DOUBLE';
  if (features.length > 0) return features.map(({ name, type }) => ({ name, kind: kindOf(typeOf(name)), type }));
  const others = new Set([...noFeatures(definition), ...drop].map(sameName));
  return columns
    .filter(({ name }) => !others.has(sameName(name)))
    .map(({ name, type }) => ({
      name,
      kind: kindOf(type),
      type: kindOf(type) === 'category' ? 'categorical' : type === 'BOOLEAN' ? 'binary' : 'numeric',
    }));
}

/** Columns of gold that say which row it is, and nothing of what it is like, and the one that is predicted. */
function noFeatures({ keys, partition, split, time, entity, labelSource }: Pipeline['definition']): string[] {
  return [
    ...(labelSource && 'column' in labelSource ? [labelSource.column] : []),
    ...(keys.length > 1 ? [] : keys),
    ...(partition.column === undefined ? [] : [partition.column]),
    // Where it is a column; the day that a row is of says nothing of the days to come.
    ...(time === undefined ? [] : [time.replace(/^"(.*)"$/s, '$1')]),
    ...(split && 'column' in split ? [split.column] : []),
    ...(entity === undefined ? [] : [entity]),
  ];
}

/** Whether a part of a key has a value of its own in more than half of the rows, so that it names them by itself. */
export function namesRows({ keys }: Pick<Pipeline['definition'], 'keys'>, name: string, column: RawColumn): boolean {
  if (!isAmong(keys, name)) return false;
  const values: ArrayLike<number> = column.kind === 'category' ? column.codes : column.values;
  return new Set(Array.from(values)).size * 2 > values.length;
}

function kindOf(type: string): InputColumn['kind'] {
  return NUMBER.test(type) ? 'number' : MOMENT.test(type) ? 'date' : 'category';
}

/** SQL for a feature's value: a number, of a date in days since 1970, or a text; NULL where there is none. */
export function inputSql({ name, kind }: InputColumn, table?: string): string {
  const column = `${table === undefined ? '' : `${table}.`}${identifier(name)}`;
  if (kind === 'number') return `CAST(${column} AS DOUBLE)`;
  if (kind === 'category') return `CAST(${column} AS VARCHAR)`;
  return `epoch(CAST(${column} AS TIMESTAMP)) / 86400.0`;
}

/**
 * SQL for a value of {@link inputSql} as {@link InputReader} takes it. A number that is missing is NaN: DuckDB's binding
 * looks up a null in a bit of a BigInt, which takes four times as long as all else of reading a number.
 */
export function readableSql({ kind }: Pick<InputColumn, 'kind'>, value: string): string {
  return kind === 'category' ? value : `coalesce(${value}, CAST('NaN' AS DOUBLE))`;
}

/** Collects rows of a query whose first columns are {@link readableSql} of some features. */
export class InputReader {
  private rows = 0;
  private readonly columns: {
    kind: InputColumn['kind'];
    values: Float64Array;
    codes: Int32Array;
    known: Map<string, number>;
  }[];

  /** @param capacity rows that may be taken at most */
  constructor(
    private readonly inputs: InputColumn[],
    capacity: number,
  ) {
    this.columns = inputs.map(({ kind }) => ({
      kind,
      values: new Float64Array(kind === 'category' ? 0 : capacity),
      codes: new Int32Array(kind === 'category' ? capacity : 0),
      known: new Map(),
    }));
  }

  /** Takes those rows of a chunk. */
  take(chunk: DuckDBDataChunk, rows: number[]): void {
    for (const [i, { kind, values, codes, known }] of this.columns.entries()) {
      const vector = chunk.getColumnVector(i);
      if (kind === 'category')
        rows.forEach((row, position) => {
          const value = vector.getItem(row) as string | null;
          codes[this.rows + position] = value === null ? -1 : codeOf(known, value);
        });
      else
        rows.forEach((row, position) => {
          const value = vector.getItem(row) as number | null;
          values[this.rows + position] = value === null || isMissing(value) ? NaN : value;
        });
    }
    this.rows += rows.length;
  }

  table(): RawTable {
    const columns = this.inputs.map(({ name, kind }, i): [string, RawColumn] => {
      const { values, codes, known } = this.columns[i]!;
      return [
        name,
        kind === 'category'
          ? { kind, codes: codes.subarray(0, this.rows), values: [...known.keys()] }
          : { kind, values: values.subarray(0, this.rows) },
      ];
    });
    return { rows: this.rows, columns: new Map(columns) };
  }
}

function codeOf(known: Map<string, number>, value: string): number {
  const code = known.get(value) ?? known.size;
  known.set(value, code);
  return code;
}

/** A column's values for a profile: numbers, or texts of categories; `null` where missing. */
export function valuesOf(column: RawColumn): ArrayLike<number | string | null> {
  return column.kind === 'category' ? Array.from(column.codes, (code) => column.values[code] ?? null) : column.values;
}
