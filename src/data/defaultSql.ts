import { listOf } from '../contracts/counts.js';
import { carriedColumns, isAmong } from '../config/columns.js';
import { sameName } from '../contracts/index.js';
import { ROW_NUMBER, type PipelineDefinition } from '../config/schema.js';
import { PerdureError } from '../errors.js';
import { identifier } from './duckdb.js';
import type { TableName } from './layers.js';

/**
 * The SQL of a layer that has no file of its own: the source as it is, its day beside it where `time` says one; every
 * column but the label and those that are dropped as features.
 *
 * @throws PerdureError `ConfigInvalid` for a column that the source doesn't have
 */
export function defaultSql(definition: PipelineDefinition, table: TableName): string {
  const { keys, drop, label, labels, labelSource, partition, split, time, entity } = definition;
  // A split may go by a column that is no feature, and entities are counted.
  const named = carriedColumns(definition);
  const carried = [
    ...new Set([
      ...named,
      ...(split && 'column' in split ? [split.column] : []),
      ...(entity === undefined ? [] : [entity]),
    ]),
  ];
  const numbered = keys.length === 1 && keys[0] === ROW_NUMBER && !(ROW_NUMBER in definition.source.columns);
  switch (table) {
    case 'bronze':
      return `SELECT ${['*', ...(numbered ? [`row_number() OVER () AS ${ROW_NUMBER}`] : []), ...(time === undefined ? [] : [`CAST(${time} AS DATE) AS ${identifier(partition.column!)}`])].join(', ')} FROM source`;
    case 'silver':
      return 'SELECT * FROM bronze';
    case 'feature_store': {
      const columns = Object.keys(definition.source.columns);
      // The day that a row is of says nothing of the days to come: neither do the columns that it is made of.
      const day = time === undefined ? [] : columnsIn(time, columns);
      const own = labelSource && 'column' in labelSource ? [labelSource.column] : [];
      // A label of the source's own, where a second file has the labels, may be missing; it is no feature either.
      const left = [...drop, ...day, ...own.filter((name) => !labels || isAmong(columns, name))];
      const unknown = [...(numbered ? [] : keys), ...(entity === undefined ? [] : [entity]), ...left].find(
        (name) => !isAmong(columns, name),
      );
      if (unknown !== undefined)
        throw new PerdureError(
          'ConfigInvalid',
          `pipeline.json names the column ${unknown}, which ${definition.source.file} doesn't have (it has ${listOf(columns)}); correct the name.`,
        );
      const out = new Set([...carried, ...left].map(sameName));
      const features = columns.filter((name) => !out.has(sameName(name)));
      if (features.length === 0)
        throw new PerdureError(
          'ConfigInvalid',
          `pipeline.json leaves no column of ${definition.source.file} as a feature; take some out of "drop".`,
        );
      return `SELECT ${[...carried, ...features].map(identifier).join(', ')} FROM silver`;
    }
    case 'label_store': {
      const value = labelSource && 'sql' in labelSource ? `(${labelSource.sql}\n)` : identifier(labelSource!.column);
      if (!labels) return `SELECT ${named.map(identifier).join(', ')}, ${value} AS ${identifier(label)} FROM silver`;
      const on = Object.keys(labels.on);
      const joined = `silver LEFT JOIN labels ON ${on.map((name) => `silver.${identifier(name)} = labels.${identifier(name)}`).join(' AND ')}`;
      const carried = named.map((name) => `silver.${identifier(name)}`).join(', ');
      return labelSource && 'sql' in labelSource
        ? // A name that both files have means the second one's.
          `SELECT ${named.map(identifier).join(', ')}, ${value} AS ${identifier(label)} FROM (SELECT labels.* EXCLUDE (${on.map(identifier).join(', ')}), silver.* FROM ${joined})`
        : `SELECT ${carried}, labels.${value} AS ${identifier(label)} FROM ${joined}`;
    }
  }
}

/** Those of a source's columns that an SQL expression names; what is followed by "(" is a function, by "AS" a type comes. */
function columnsIn(sql: string, columns: string[]): string[] {
  const words = sql
    .replace(/'(?:[^']|'')*'/g, "''")
    .matchAll(/(?<!\bAS\s+)(?:"((?:[^"]|"")+)"|\b([A-Za-z_][A-Za-z0-9_]*)\b)(?!\s*\()/gi);
  const named = new Set([...words].map(([, quoted, plain]) => sameName(quoted?.replaceAll('""', '"') ?? plain!)));
  return columns.filter((name) => named.has(sameName(name)));
}
