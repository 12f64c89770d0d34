import type { FeatureType } from '../monitoring/profile.js';
import { carriedColumns, sameName } from '../config/columns.js';
import type { Pipeline } from '../config/load.js';
import type { DuckDBDataChunk } from '@duckdb/node-api';
import { isMissing } from '../ml/missing.js';
import type { RawColumn, RawTable } from '../ml/table.js';
import { describe, identifier, type Database } from './duckdb.js';

/** A feature before any transform, as the feature store has it. */
export interface InputColumn {
  name: string;
  kind: RawColumn['kind'];
  /** How monitoring looks at it. */
  type: FeatureType;
}

/** What DuckDB calls the types of numbers, truth values among them; a column of nulls alone has none. */
export const NUMBER = /^(BOOLEAN|U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL\(.*\)|"NULL")$/;
const MOMENT = /^(DATE|TIMESTAMP.*)$/;

/**
 * The features of a pipeline, by the columns of a feature store's file: those that `pipeline.json` names, else all but the
 * keys and the column of the rows' days.
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
  const others = new Set([...carriedColumns(definition), ...drop].map(sameName));
  return columns
    .filter(({ name }) => !others.has(sameName(name)))
    .map(({ name, type }) => ({
      name,
      kind: kindOf(type),
      type: kindOf(type) === 'category' ? 'categorical' : type === 'BOOLEAN' ? 'binary' : 'numeric',
    }));
}

function kindOf(type: string): InputColumn['kind'] {
  return NUMBER.test(type) ? 'number' : MOMENT.test(type) ? 'date' : 'category';
}

/** SQL for a feature's value as {@link InputReader} takes it. */
export function inputSql({ name, kind }: InputColumn, table?: string): string {
  const column = `${table === undefined ? '' : `${table}.`}${identifier(name)}`;
  if (kind === 'number') return `CAST(${column} AS DOUBLE)`;
  if (kind === 'category') return `CAST(${column} AS VARCHAR)`;
  return `epoch(CAST(${column} AS TIMESTAMP)) / 86400.0`;
}

/** Collects rows of a query whose first columns are {@link inputSql} of some features. */
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
      rows.forEach((row, position) => {
        const value = vector.getItem(row) as number | string | null;
        if (kind === 'category') codes[this.rows + position] = value === null ? -1 : codeOf(known, value as string);
        else values[this.rows + position] = value === null || isMissing(value as number) ? NaN : (value as number);
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
