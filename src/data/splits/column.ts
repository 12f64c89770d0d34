import { literal } from '../duckdb.js';
import { SPLITS, type SplitName } from '../../contracts/index.js';
import type { ColumnSplitSettings } from '../../config/splitSettings.js';
import type { SplitKind } from './split.js';

/**
 * Rows by what a column says. Where it is NULL, or says what no split has, a row belongs to none. Without any values
 * the column says the names of the splits, in whatever case; where train has no values, or only train has some, the
 * other side (train, or test) has every value that is left.
 */
export function columnSplit(settings: ColumnSplitSettings, column: (name: string) => string): SplitKind {
  const cell = `CAST(${column(settings.column)} AS VARCHAR)`;
  const given = SPLITS.filter((name) => settings[name] !== undefined);
  const kind = { columns: [settings.column] };
  if (given.length === 0) {
    return {
      ...kind,
      names: [...SPLITS],
      required: ['train', 'test'],
      sql: () => `CASE WHEN lower(trim(${cell})) IN (${SPLITS.map(literal).join(', ')}) THEN lower(trim(${cell})) END`,
    };
  }
  let rest: SplitName | undefined;
  if (!given.includes('train')) rest = 'train';
  else if (given.length === 1) rest = 'test';
  const whens = given.map(
    (name) =>
      `WHEN ${[settings[name]!]
        .flat()
        .map((value) => equalSql(cell, value))
        .join(' OR ')} THEN ${literal(name)}`,
  );
  const others = rest === undefined ? '' : ` WHEN ${cell} IS NOT NULL THEN ${literal(rest)}`;
  return {
    ...kind,
    names: SPLITS.filter((name) => name === rest || given.includes(name)),
    sql: () => `CASE ${whens.join(' ')}${others} END`,
  };
}

/** Whether a cell, as text, says a value: numbers by their size ("1.0" is 1), booleans in any spelling, text exactly. */
function equalSql(cell: string, value: string | number | boolean): string {
  if (typeof value === 'number') return `TRY_CAST(${cell} AS DOUBLE) = CAST(${literal(String(value))} AS DOUBLE)`;
  if (typeof value === 'boolean') return `TRY_CAST(${cell} AS BOOLEAN) = ${value}`;
  return `${cell} = ${literal(value)}`;
}
