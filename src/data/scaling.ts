import type { Scaler } from './dataset.js';
import { presentSql } from '../ml/missing.js';
import { identifier, literal } from './duckdb.js';

/**
 * A raw column as the model sees it, in SQL: (x - mean) / scale in 64 bits, rounded to 32, for columns of the scaler;
 * the value itself for the others; NULL where it is missing.
 */
export function scaledSql(column: string, scaler: Scaler): string {
  const raw = `(${presentSql(`CAST(${identifier(column)} AS DOUBLE)`)})`;
  const scaling = scaler[column];
  return `CAST(${scaling ? presentSql(`((${raw} - ${double(scaling.mean)}) / ${double(scaling.scale)})`) : raw} AS FLOAT)`;
}

/** A number literal would be read as a decimal, which loses its last digits. */
function double(value: number): string {
  return `CAST(${literal(String(value))} AS DOUBLE)`;
}
