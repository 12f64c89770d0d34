import { join } from 'node:path';
import { INTERNAL } from '../../config/columns.js';
import { rulesOf, type Rule } from '../../config/expectations.js';
import type { Pipeline } from '../../config/load.js';
import type { AgeCheck, RowCheck, TableCheck, TypeOf } from '../../validation/checks.js';
import { EXPECTATION_TYPES, type ExpectationName } from '../../validation/expectationTypes.js';
import { identifier, literal, type Database, type ResultColumn, type SqlValue } from '../duckdb.js';
import type { PartitionEntry } from '../layers.js';
import type { LayerSql } from '../layerSql.js';
import type { ExpectationResult } from './results.js';

/** How many of the values that break an expectation are shown. */
const SHOWN = 20;

/** An expectation with its SQL over the columns that there are. */
type CheckedRule = Rule & ({ row: RowCheck } | { table: TableCheck } | { age: AgeCheck });

/** What came of a partition's rows. */
export interface Evaluation {
  results: ExpectationResult[];
  /** Rows that no expectation drops. */
  kept: number;
  /** Rows left out, by the first expectation that drops them. */
  dropped: Record<string, number>;
  newest: Record<string, string | null>;
  /** Rows that break an expectation of rows, whatever its severity. */
  quarantined: number;
}

/** SQL of the rows of a layer, and their columns. */
export interface RowSource {
  sql: LayerSql;
  /** The query that gives the rows; the SQL of the layer, or that with corrected rows in it. */
  query: string;
  columns: ResultColumn[];
  /** Whether the query gives `INTERNAL.id` besides. */
  identified?: boolean;
}

/** Evaluates every expectation of a pipeline on the rows of a partition, all in one pass over them. */
export class Evaluator {
  private readonly rules: CheckedRule[];
  private readonly typeOf: TypeOf;

  constructor(
    private readonly database: Database,
    private readonly pipeline: Pipeline,
    readonly source: RowSource,
  ) {
    const types = new Map(source.columns.map(({ name, type }) => [name, type]));
    this.typeOf = (column) => types.get(column);
    const rules = rulesOf(pipeline.expectations);
    this.rules = rules.map((rule, i) => this.checked(rule, i));
  }

  private checked(rule: Rule, position: number): CheckedRule {
    if (rule.condition !== undefined)
      return { ...rule, row: { unexpected: `${INTERNAL.condition} IS NOT DISTINCT FROM ${position}`, value: 'NULL' } };
    const { type, kwargs } = rule.config;
    const kind = EXPECTATION_TYPES[type as ExpectationName];
    switch (kind.about) {
      case 'rows':
        return { ...rule, row: kind.check(kwargs, this.typeOf) };
      case 'table':
        return { ...rule, table: kind.check(kwargs, this.typeOf) };
      case 'age':
        return { ...rule, age: kind.check(kwargs, this.typeOf) };
    }
  }

  /** @throws PerdureError `ConfigInvalid` or `InputInvalid` for an expectation that can't be evaluated, by its name */
  async evaluate(): Promise<Evaluation> {
    const { sqlFile, counts } = { sqlFile: this.source.sql.file, counts: this.countsSql() };
    const [row] = await this.database
      .rows<Record<string, SqlValue>>(counts, { sqlFile })
      .catch(async (error: unknown) => {
        await this.findBadRule();
        throw error;
      });
    const number = (name: string) => Number(row![name] ?? 0);
    const rows = number('rows');
    const quarantined = number('quarantined');
    if (quarantined > 0) await this.createQuarantine();
    const evaluation: Evaluation = { results: [], kept: number('kept'), dropped: {}, newest: {}, quarantined };
    for (const [i, rule] of this.rules.entries()) {
      if ('row' in rule) {
        const unexpected = number(`unexpected_${i}`);
        const counted = { rows, missing: number(`missing_${i}`), unexpected };
        const shown = unexpected > 0 ? await this.shown(rule.row, i) : NOTHING_SHOWN;
        evaluation.results.push(rowResult(rule, counted, shown));
        if (rule.severity === 'drop' && number(`dropped_${i}`) > 0)
          evaluation.dropped[rule.name] = number(`dropped_${i}`);
      } else if ('table' in rule) {
        const result: { observed_value?: unknown } =
          rule.table.aggregate === undefined ? {} : { observed_value: fromJson(row![`observed_${i}`]!) };
        evaluation.results.push({ ...headOf(rule), success: rule.table.met(result.observed_value), result });
      } else {
        evaluation.newest[rule.name] = row![`observed_${i}`] as string | null;
      }
    }
    return evaluation;
  }

  /** Rows that no expectation drops, in their order. */
  keptSql(): string {
    const { row, broken } = INTERNAL;
    return `SELECT ${this.columnList()} FROM (SELECT *, ${this.brokenSql()} AS ${broken} FROM (${this.flaggedSql()})) WHERE ${broken} IS NULL ORDER BY ${row}`;
  }

  /** Rows that break an expectation, with which they are and what they break; after {@link evaluate}. */
  quarantineSql(): string {
    const { id, rules, row, quarantine } = INTERNAL;
    return `SELECT ${id}, ${rules}, ${this.columnList()} FROM ${quarantine} ORDER BY ${row}`;
  }

  private columnList(): string {
    return this.source.columns.map(({ name }) => identifier(name)).join(', ');
  }

  /** Rows with their number and, for each expectation of rows, whether they have nothing to look at and break it. */
  private flaggedSql(numbered = true): string {
    const { row, condition } = INTERNAL;
    // Rows are numbered before they are checked, as a check may hold a window function, which forgets their order.
    const rows = numbered
      ? `SELECT *, row_number() OVER () AS ${row} FROM (${this.source.query}\n)`
      : this.source.query;
    const conditions = this.rules.flatMap((rule, i) =>
      rule.condition === undefined ? [] : [`WHEN (${rule.condition}\n) IS NOT TRUE THEN ${i}`],
    );
    const conditioned =
      conditions.length === 0 ? rows : `SELECT *, CASE ${conditions.join(' ')} END AS ${condition} FROM (${rows}\n)`;
    const flags = this.rules.flatMap((rule, i) => {
      if (!('row' in rule)) return [];
      const { missing, unexpected } = rule.row;
      return [
        ...(missing === undefined ? [] : [`${missing} AS ${INTERNAL.missing}_${i}`]),
        `${missing === undefined ? '' : `NOT ${missing} AND `}(${unexpected}) IS TRUE AS ${INTERNAL.unexpected}_${i}`,
      ];
    });
    return `SELECT ${['*', ...flags].join(', ')} FROM (${conditioned}\n)`;
  }

  /** The position of the first expectation that drops a row, NULL where it is kept. */
  private brokenSql(): string {
    const cases = this.rules.flatMap((rule, i) =>
      'row' in rule && rule.severity === 'drop' ? [`WHEN ${INTERNAL.unexpected}_${i} THEN ${i}`] : [],
    );
    return cases.length === 0 ? 'CAST(NULL AS INTEGER)' : `CASE ${cases.join(' ')} END`;
  }

  /** Condition that a row breaks an expectation. */
  private anySql(): string {
    const flags = this.rules.flatMap((rule, i) => ('row' in rule ? [`${INTERNAL.unexpected}_${i}`] : []));
    return flags.length === 0 ? 'false' : `(${flags.join(' OR ')})`;
  }

  private countsSql(): string {
    const { broken, missing, unexpected } = INTERNAL;
    const counts = this.rules.flatMap((rule, i) => {
      if ('age' in rule) return [`${rule.age.newest} AS observed_${i}`];
      if ('table' in rule)
        return rule.table.aggregate === undefined
          ? []
          : [`CAST(to_json(${rule.table.aggregate}) AS VARCHAR) AS observed_${i}`];
      return [
        ...(rule.row.missing === undefined ? [] : [`count_if(${missing}_${i}) AS missing_${i}`]),
        `count_if(${unexpected}_${i}) AS unexpected_${i}`,
        ...(rule.severity === 'drop' ? [`count_if(${broken} = ${i}) AS dropped_${i}`] : []),
      ];
    });
    const all = [
      'count(*) AS rows',
      `count_if(${broken} IS NULL) AS kept`,
      `count_if(${this.anySql()}) AS quarantined`,
      ...counts,
    ];
    return `SELECT ${all.join(', ')} FROM (SELECT *, ${this.brokenSql()} AS ${broken} FROM (${this.flaggedSql(false)}))`;
  }

  private async createQuarantine(): Promise<void> {
    const { id, rules, quarantine, row } = INTERNAL;
    const names = this.rules.flatMap((rule, i) =>
      'row' in rule ? [`CASE WHEN ${INTERNAL.unexpected}_${i} THEN ${literal(rule.name)} END`] : [],
    );
    const broken = `array_to_string(list_filter([${names.join(', ')}], rule -> rule IS NOT NULL), '; ')`;
    await this.database.run(
      `CREATE OR REPLACE TEMP TABLE ${quarantine} AS SELECT *, ${broken} AS ${rules} ${this.source.identified ? '' : `, ${idSql(this.source.columns, row)} AS ${id}`}
        FROM (${this.flaggedSql()}) WHERE ${this.anySql()}`,
      { sqlFile: this.source.sql.file },
    );
  }

  private async shown({ value }: RowCheck, position: number): Promise<Shown> {
    const { quarantine, row, unexpected } = INTERNAL;
    const from = `FROM (SELECT CAST(to_json(${value}) AS VARCHAR) AS value, ${row} AS row FROM ${quarantine} WHERE ${unexpected}_${position})`;
    const values = await this.database.rows<{ value: string | null }>(
      `SELECT value ${from} ORDER BY row LIMIT ${SHOWN}`,
    );
    const counts = await this.database.rows<{ value: string | null; count: bigint }>(
      `SELECT value, count(*) AS count ${from} GROUP BY value ORDER BY count DESC, value LIMIT ${SHOWN}`,
    );
    return {
      values: values.map(({ value }) => fromJson(value)),
      counts: counts.map(({ value, count }) => ({ value: fromJson(value), count: Number(count) })),
    };
  }

  /** Throws for the first expectation that fails where the layer's own SQL doesn't. */
  private async findBadRule(): Promise<void> {
    const { rows, broken } = INTERNAL;
    await this.database.run(`CREATE OR REPLACE TEMP TABLE ${rows} AS ${this.source.query}`, {
      sqlFile: this.source.sql.file,
    });
    for (const rule of this.rules) {
      const file = join(this.pipeline.folder, 'expectations.json');
      const sqlFile = `${file}: the ${rule.condition === undefined ? 'expectation' : 'check of'} ${rule.name}`;
      const run = (sql: string) => this.database.rows(sql, { sqlFile });
      if (rule.condition !== undefined || 'row' in rule) {
        const unexpected =
          rule.condition === undefined
            ? (rule as { row: RowCheck }).row.unexpected
            : `(${rule.condition}\n) IS NOT TRUE`;
        await run(`SELECT count(*) AS rows FROM (SELECT ${unexpected} AS ${broken} FROM ${rows}) WHERE ${broken}`);
      } else if ('age' in rule) await run(`SELECT ${rule.age.newest} FROM ${rows}`);
      else if (rule.table.aggregate !== undefined) await run(`SELECT to_json(${rule.table.aggregate}) FROM ${rows}`);
    }
  }
}

/** SQL of what tells a row from the others: a digest of its values, and its place among rows that have the same. */
export function idSql(columns: ResultColumn[], row: string): string {
  const values = columns.map(({ name }) => `${identifier(name)} := ${identifier(name)}`).join(', ');
  const digest = `md5(CAST(to_json(struct_pack(${values})) AS VARCHAR))`;
  return `${digest} || '-' || row_number() OVER (PARTITION BY ${digest} ORDER BY ${row})`;
}

interface Shown {
  values: unknown[];
  counts: { value: unknown; count: number }[];
}
const NOTHING_SHOWN: Shown = { values: [], counts: [] };

function headOf({ name, dimension, severity, config }: Rule): Omit<ExpectationResult, 'success' | 'result'> {
  return { rule: name, dimension, severity, expectation_config: config };
}

/** The verdict on an expectation of rows: met where enough of the rows that are looked at are as expected. */
function rowResult(
  rule: CheckedRule & { row: RowCheck },
  { rows, missing, unexpected }: { rows: number; missing: number; unexpected: number },
  shown: Shown,
): ExpectationResult {
  const { mostly = 1 } = rule.config.kwargs as { mostly?: number };
  const looked = rows - missing;
  const percent = (part: number, of: number) => (of === 0 ? null : (part / of) * 100);
  return {
    ...headOf(rule),
    success: looked === 0 || (looked - unexpected) / looked >= mostly,
    result: {
      element_count: rows,
      unexpected_count: unexpected,
      unexpected_percent: percent(unexpected, looked),
      partial_unexpected_list: shown.values,
      partial_unexpected_counts: shown.counts,
      ...(rule.row.missing !== undefined && {
        missing_count: missing,
        missing_percent: percent(missing, rows),
        unexpected_percent_total: percent(unexpected, rows),
        unexpected_percent_nonmissing: percent(unexpected, looked),
      }),
    },
  };
}

/** How a partition met what is expected, as silver's manifest keeps it. */
export function summaryOf({ results, newest, quarantined }: Evaluation): NonNullable<PartitionEntry['validation']> {
  const unmet = results.filter(({ success }) => !success);
  return {
    evaluated: results.length,
    met: results.length - unmet.length,
    unmet: Object.fromEntries(unmet.map(({ rule, result }) => [rule, result.unexpected_count ?? 0])),
    ...(Object.keys(newest).length > 0 && { newest }),
    ...(quarantined > 0 && { quarantined }),
  };
}

/** What JSON says; `null` for a number that JSON has no word for. */
function fromJson(text: SqlValue): unknown {
  if (typeof text !== 'string') return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
