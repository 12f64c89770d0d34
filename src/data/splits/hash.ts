import { literal } from '../duckdb.js';
import { SPLITS } from '../../contracts/index.js';
import type { HashSplitSettings } from '../../config/splitSettings.js';
import type { SplitKind } from './split.js';

/** The first 13 hexadecimal digits of a digest: as many as a double holds exactly. */
const DIGITS = 13;
const RANGE = 16 ** DIGITS;

/**
 * Rows by the MD5 of their key, or of their group, and the seed. Where a row stands depends on nothing but these: not on
 * the other rows, their order, or the version of DuckDB. So shares are met as chance has it, of the whole and of every
 * class: of 1,000 rows and a share of .2, 200 give or take 13. A larger share takes rows from train alone.
 */
export function hashSplit(
  settings: HashSplitSettings,
  { keys, column }: { keys: string[]; column: (name: string) => string },
): SplitKind {
  const names = SPLITS.filter((name) => name === 'train' || settings[name] !== undefined);
  const keyText = textSql(keys.map(column));
  let text = keyText;
  if (settings.by === 'group') {
    const group = column(settings.column);
    // A row without a group is a group of its own.
    text = `CASE WHEN ${group} IS NULL THEN ${keyText} ELSE ${textSql([group])} END`;
  }
  const position = `CAST('0x' || md5(${literal(`${settings.seed} `)} || ${text})[1:${DIGITS}] AS BIGINT)`;
  // Test first, so that a split that is added leaves the rows of test where they are.
  let taken = 0;
  const whens = (['test', 'oot', 'validation'] as const).flatMap((name) => {
    const share = settings[name];
    if (share === undefined) return [];
    taken += share;
    return [`WHEN ${position} < ${Math.round(taken * RANGE)} THEN ${literal(name)}`];
  });
  return {
    names,
    columns: settings.by === 'group' ? [settings.column] : [],
    sql: () => `CASE ${whens.join(' ')} ELSE 'train' END`,
  };
}

/** Values as one text, each with its length before it, so that ("a", "bc") differs from ("ab", "c"), and NULL from "". */
export function textSql(values: string[]): string {
  return values
    .map(
      (value) =>
        `coalesce(CAST(length(CAST(${value} AS VARCHAR)) AS VARCHAR) || ':' || CAST(${value} AS VARCHAR), '-')`,
    )
    .join(' || ');
}
