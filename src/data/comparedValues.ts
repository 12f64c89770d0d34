import { INTERNAL } from '../config/columns.js';
import type { CountedValues } from '../monitoring/twoSamples.js';
import { identifier, readParquetSql, type Database } from './duckdb.js';

/**
 * The finite values of one feature in a file of reference rows and in a relation, each once: rows stay in DuckDB, which
 * spills what doesn't fit.
 *
 * @param relation SQL that has the feature as a column of the same name
 */
export async function comparedValues(
  database: Database,
  feature: string,
  referenceFile: string,
  relation: string,
): Promise<CountedValues> {
  const { value } = INTERNAL;
  const chunks = database.chunks(`
    SELECT ${value}, sum(reference)::DOUBLE, sum(current)::DOUBLE FROM (
      SELECT ${identifier(feature)} AS ${value}, 1 AS reference, 0 AS current FROM ${readParquetSql([referenceFile])}
      UNION ALL SELECT ${identifier(feature)}, 0, 1 FROM ${relation}
    ) WHERE isfinite(${value}) GROUP BY ${value} ORDER BY ${value}`);
  const columns: [number[], number[], number[]] = [[], [], []];
  for await (const chunk of chunks)
    columns.forEach((column, i) => {
      for (const number of chunk.getColumnValues(i) as number[]) column.push(number);
    });
  const [values, reference, current] = columns.map((column) => Float64Array.from(column));
  return { values: values!, reference: reference!, current: current! };
}
