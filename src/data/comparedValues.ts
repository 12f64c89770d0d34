import { presentSql } from '../ml/missing.js';
import { countedValues, type CountedValues } from '../monitoring/twoSamples.js';
import { identifier, readParquetSql, type Database } from './duckdb.js';

/**
 * The values of one feature in a file of reference rows and in a relation, each once, without those that are missing. They
 * are in memory, 8 bytes per row several times over.
 *
 * @param relation SQL that has the feature as a column of the same name
 */
export async function comparedValues(
  database: Database,
  feature: string,
  referenceFile: string,
  relation: string,
): Promise<CountedValues> {
  const reference = await presentValues(database, feature, readParquetSql([referenceFile]));
  return countedValues(reference, await presentValues(database, feature, relation));
}

/** Sorting them here takes less than half of the time that grouping them in DuckDB does. */
async function presentValues(database: Database, feature: string, relation: string): Promise<Float64Array> {
  const value = presentSql(`CAST(${identifier(feature)} AS DOUBLE)`);
  const present = `FROM (SELECT ${value} AS value FROM ${relation}) WHERE value IS NOT NULL`;
  const [{ rows }] = (await database.rows(`SELECT count(*)::DOUBLE AS rows ${present}`)) as [{ rows: number }];
  const values = new Float64Array(rows);
  let row = 0;
  for await (const chunk of database.chunks(`SELECT value ${present}`)) {
    values.set(chunk.getColumnValues(0) as number[], row);
    row += chunk.rowCount;
  }
  return values;
}
