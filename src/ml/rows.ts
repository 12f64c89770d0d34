import type { RawColumn, RawTable } from './table.js';

/** Some rows of a table, in the order of their positions; a position may come again. */
export function rowsOfTable(table: RawTable, positions: ArrayLike<number>): RawTable {
  const columns = [...table.columns].map(([name, column]): [string, RawColumn] => [name, pick(column, positions)]);
  return { rows: positions.length, columns: new Map(columns) };
}

function pick(column: RawColumn, positions: ArrayLike<number>): RawColumn {
  if (column.kind === 'category')
    return { ...column, codes: Int32Array.from(positions, (position) => column.codes[position]!) };
  return { ...column, values: Float64Array.from(positions, (position) => column.values[position]!) };
}

/** A value of a column: a number, days since 1970-01-01, or text; `null` where it is missing. */
export type RawValue = number | string | null;

/**
 * A table with other values in one column.
 * @param value of a row, by its position and its value now
 */
export function withColumn(
  table: RawTable,
  name: string,
  value: (position: number, now: RawValue) => RawValue,
): RawTable {
  const column = table.columns.get(name);
  if (!column) throw new Error(`The rows have no column ${name}.`);
  return { ...table, columns: new Map(table.columns).set(name, changed(column, value)) };
}

function changed(column: RawColumn, value: (position: number, now: RawValue) => RawValue): RawColumn {
  if (column.kind !== 'category')
    return {
      ...column,
      values: column.values.map((now, position) => {
        const next = value(position, Number.isNaN(now) ? null : now);
        return next === null ? NaN : Number(next);
      }),
    };
  const codeOf = new Map(column.values.map((text, code) => [text, code]));
  const codes = column.codes.map((now, position) => {
    const next = value(position, column.values[now] ?? null);
    if (next === null) return -1;
    const code = codeOf.get(String(next)) ?? codeOf.size;
    codeOf.set(String(next), code);
    return code;
  });
  return { ...column, codes, values: [...codeOf.keys()] };
}
